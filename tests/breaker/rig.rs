//! A circuit around a probe, and an ear on what it tells.

use buttress::{
    breaker::{Breaker, BreakerLayer, Circuit, Permit, Policy, ResponseFuture, State, Trip},
    outcome::{ErrorsFail, Outcome},
    telemetry::{Event, Observer},
    testing::{Answer, Fault, Handle, Probe, Reply},
};
use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Notify;
use tower::{Layer, Service, ServiceExt};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const OPEN_FOR: Duration = Duration::from_secs(10);
pub(crate) const FAILURES: u32 = 3;

/// Opens at three failures in a row, for ten seconds; one probe.
pub(crate) fn policy() -> Policy {
    Policy::new().trip(Trip::consecutive(FAILURES)).open_for(OPEN_FOR)
}

/// What is in flight through a breaker over a probe.
pub(crate) type Call = Pin<Box<ResponseFuture<Reply<u64, Fault>, ErrorsFail>>>;

/// A breaker over a probe.
pub(crate) struct Rig {
    pub(crate) circuit: Circuit,
    pub(crate) svc: Breaker<Probe>,
    /// Of the probe.
    pub(crate) inside: Handle,
    pub(crate) heard: Heard,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(policy())
    }

    pub(crate) fn with(policy: Policy) -> Self {
        let heard = Heard::default();
        let circuit = Circuit::new("rig", &policy.observe(heard.clone()));
        let probe = Probe::new();
        let inside = probe.handle();
        Self { svc: BreakerLayer::new(&circuit).layer(probe), circuit, inside, heard }
    }

    /// One call, to its end, which the inside answers so.
    pub(crate) async fn call(&mut self, answer: Answer) -> Result<u64, Fault> {
        self.start(answer).await.await
    }

    /// One call that has been let through, or refused, and not been polled.
    pub(crate) async fn start(&mut self, answer: Answer) -> Call {
        let svc = self.svc.ready().await.expect("ready");
        // What nobody has taken would be the answer of a later call.
        self.inside.always(answer);
        Box::pin(svc.call(7))
    }

    /// Has the circuit open.
    pub(crate) async fn open(&mut self) {
        for _ in 0..FAILURES {
            self.call(Answer::fail()).await.expect_err("it was told to fail");
        }
        assert_eq!(self.circuit.state(), State::Open);
    }

    /// Has the circuit half-open, with no probe out.
    pub(crate) async fn half_open(&mut self) {
        self.open().await;
        tokio::time::advance(OPEN_FOR).await;
        drop(self.circuit.admit().expect("the open time is over"));
        assert_eq!(self.circuit.state(), State::HalfOpen);
    }

    /// Whether a call would be refused now; makes none.
    pub(crate) fn is_full(&self) -> bool {
        self.circuit.admit().is_err()
    }

    /// What the circuit shows: state, calls, failures, failures in a row, openings in a row.
    pub(crate) fn shows(&self) -> (State, u32, u32, u32, u32) {
        let seen = self.circuit.snapshot();
        (seen.state, seen.calls, seen.failed, seen.failures_in_a_row, seen.openings_in_a_row)
    }
}

/// Trips a circuit of [`policy`] by permits of its own.
pub(crate) fn fail(circuit: &Circuit) {
    (0..FAILURES)
        .filter_map(|_| circuit.admit().ok())
        .for_each(|permit: Permit| permit.record(Outcome::FAILED));
}

/// Everything that was told, as words.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<(Mutex<Vec<String>>, Notify)>);

impl Heard {
    /// What was told since this was asked last.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.0.lock().expect("not poisoned"))
    }

    /// Waits until so much was told; for calls that end on another task.
    pub(crate) async fn until(&self, told: usize) -> Vec<String> {
        loop {
            let so_far = self.0.0.lock().expect("not poisoned").len();
            if so_far >= told {
                return self.take();
            }
            self.0.1.notified().await;
        }
    }
}

impl Observer for Heard {
    fn event(&self, event: &Event<'_>) {
        let said = match *event {
            Event::Call { class, .. } => class.as_str().to_owned(),
            Event::Turned { to, why, .. } => format!("{} by {}", to.as_str(), why.as_str()),
            Event::Rejected { reason, .. } => format!("rejected: {reason:?}"),
            ref other => format!("{other:?}"),
        };
        self.0.0.lock().expect("not poisoned").push(said);
        self.0.1.notify_one();
    }
}

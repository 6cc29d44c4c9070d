//! Law 1: `poll_ready` never rejects, never hangs on an open circuit, and what it found is what the call says.

use crate::rig::{OPEN_FOR, Rig, SECOND, policy};
use buttress::{
    Rejectable, Rejected,
    breaker::{BreakerLayer, Circuit, State},
    rejected::Reason,
    testing::{Answer, Fault},
};
use futures_util::FutureExt;
use std::{
    future::Ready,
    task::{Context, Poll},
    time::Duration,
};
use tower::{Layer, Service, ServiceExt};

fn wait(answer: Result<u64, Fault>) -> Option<Duration> {
    let why = answer.expect_err("refused").as_rejected().expect("by the circuit");
    assert_eq!((why.reason(), why.name(), why.reached()), (Reason::Open, "rig", false));
    why.retry_after()
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_over_an_inside_that_is_never_ready_fails_fast() {
    let mut rig = Rig::new();
    rig.open().await;
    rig.inside.pend();
    let asked = rig.inside.counts().ready_polls;
    let answer = rig.svc.ready().now_or_never().expect("ready at once").expect("ready").call(7);
    assert_eq!(wait(answer.now_or_never().expect("refused at once")), Some(OPEN_FOR));
    assert_eq!(rig.inside.counts().ready_polls, asked, "nobody asked inside");
}

#[tokio::test(start_paused = true)]
async fn the_refused_call_reports_the_time_that_poll_ready_has_read_though_it_has_come_meanwhile() {
    let mut rig = Rig::new();
    rig.open().await;
    tokio::time::advance(OPEN_FOR - SECOND).await;
    let svc = rig.svc.ready().await.expect("ready");
    tokio::time::advance(2 * SECOND).await;
    assert_eq!(wait(svc.call(7).await), Some(SECOND));
    assert_eq!(rig.circuit.state(), State::Open, "a refused call turns nothing");
    // And that was all that was remembered: the next call is the probe.
    assert_eq!(rig.call(Answer::ok()).await, Ok(7));
    assert_eq!(rig.circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_refused_call_is_refused_though_the_circuit_was_closed_by_hand_meanwhile() {
    let mut rig = Rig::new();
    rig.open().await;
    let svc = rig.svc.ready().await.expect("ready");
    rig.circuit.reset();
    // The inside was not asked, so it must not be called.
    assert_eq!(wait(svc.call(7).await), Some(OPEN_FOR));
    assert_eq!(rig.call(Answer::ok()).await, Ok(7));
    assert_eq!(rig.inside.counts().violations(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_readied_while_closed_is_refused_where_the_circuit_has_opened_meanwhile() {
    let mut rig = Rig::new();
    let calls = rig.inside.counts().calls;
    let mut readied = rig.svc.clone();
    readied.ready().await.expect("ready");
    rig.open().await;
    tokio::time::advance(SECOND).await;
    assert_eq!(wait(readied.call(7).await), Some(OPEN_FOR - SECOND));
    assert_eq!(rig.inside.counts().calls, calls + 3);
}

#[tokio::test(start_paused = true)]
async fn readiness_takes_no_place_among_the_probes() {
    let mut rig = Rig::new();
    rig.open().await;
    tokio::time::advance(OPEN_FOR).await;
    let mut readied: Vec<_> = (0..50).map(|_| rig.svc.clone()).collect();
    for svc in &mut readied {
        svc.ready().await.expect("ready");
    }
    assert_eq!(rig.circuit.state(), State::Open, "the call turns it, not the question");
    rig.inside.always(Answer::never());
    let probe = readied.pop().expect("50").call(7);
    for mut svc in readied {
        assert_eq!(wait(svc.call(7).await), Some(OPEN_FOR), "the probe limit");
    }
    drop(probe);
}

#[tokio::test(start_paused = true)]
async fn an_inner_readiness_error_passes_through_and_counts_as_a_failure() {
    let mut rig = Rig::new();
    rig.inside.fail_readiness();
    for n in 1..=3 {
        assert_eq!(rig.shows(), (State::Closed, n - 1, n - 1, n - 1, 0));
        let error = rig.svc.ready().await.map(drop).expect_err("passes through");
        assert_eq!(error.id(), rig.inside.last_fault(), "as it was");
    }
    assert_eq!(rig.circuit.state(), State::Open);
    assert_eq!(rig.heard.take()[1..], ["failed", "failed", "failed", "open by consecutive"]);
    assert_eq!(rig.inside.counts().calls, 0);
}

#[tokio::test(start_paused = true)]
async fn an_inner_readiness_error_is_the_answer_of_a_probe() {
    let mut rig = Rig::new();
    rig.open().await;
    tokio::time::advance(OPEN_FOR).await;
    rig.inside.fail_readiness();
    rig.heard.take();
    assert!(rig.svc.ready().await.is_err());
    assert_eq!(rig.heard.take(), ["half_open by time_over", "failed", "open by probes"]);
    assert_eq!((rig.circuit.state(), rig.circuit.snapshot().openings_in_a_row), (State::Open, 2));
}

#[tokio::test(start_paused = true)]
async fn an_inner_readiness_error_for_which_there_is_no_room_is_no_refused_call() {
    let mut rig = Rig::new();
    rig.half_open().await;
    rig.heard.take();
    // While the inside is asked, somebody else becomes the probe.
    let (circuit, mut probe) = (rig.circuit.clone(), None);
    let mut svc = BreakerLayer::new(&rig.circuit).layer(NeverReady(|| {
        probe = circuit.admit().ok();
        Fault::new(1)
    }));
    assert_eq!(svc.ready().await.err(), Some(Fault::new(1)));
    drop(svc);
    assert!(probe.is_some());
    assert_eq!((rig.heard.take(), rig.circuit.snapshot().rejected), (vec![], 0));
}

/// A service whose `poll_ready` fails so.
struct NeverReady<F>(F);

impl<F: FnMut() -> Fault> Service<u64> for NeverReady<F> {
    type Response = u64;
    type Error = Fault;
    type Future = Ready<Result<u64, Fault>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Err((self.0)()))
    }

    fn call(&mut self, _: u64) -> Self::Future {
        unreachable!("never ready")
    }
}

#[tokio::test(start_paused = true)]
async fn in_a_ramp_every_inner_readiness_error_counts() {
    let mut rig = Rig::with(policy().ramp(1000 * SECOND));
    rig.half_open().await;
    assert_eq!(rig.call(Answer::ok()).await, Ok(7));
    assert_eq!(rig.circuit.state(), State::Closed);
    rig.inside.fail_readiness();
    for _ in 0..3 {
        assert!(rig.svc.ready().await.is_err());
    }
    assert_eq!((rig.circuit.state(), rig.circuit.snapshot().rejected), (State::Open, 0));
}

#[tokio::test(start_paused = true)]
async fn a_rejection_of_ours_out_of_poll_ready_says_nothing_about_the_service() {
    // No layer of ours rejects there, but somebody's own may.
    let full = || Rejected::new(Reason::Full, "inside", false).into();
    let circuit = Circuit::new("rig", &policy());
    let mut svc = BreakerLayer::new(&circuit).layer(NeverReady(full));
    for _ in 0..10 {
        assert!(svc.ready().await.is_err());
    }
    assert_eq!((circuit.state(), circuit.snapshot().calls), (State::Closed, 0));
}

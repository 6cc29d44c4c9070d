//! A breaker: open after three failures in a row, for ten seconds, then one probe; and its flaws.

use buttress::{
    Rejected,
    clock::{self, Instant},
    rejected::Reason,
    testing::{Fault, Probe, Reply},
};
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, ready},
    time::Duration,
};
use tower::{Layer, Service};

pub(crate) const FAILURES: usize = 3;
pub(crate) const OPEN_FOR: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// Any success closes, whenever its call began.
    LateSuccessCloses,
    /// A dropped probe goes on being waited for.
    LeaksItsProbe,
    /// What `poll_ready` decided is decided anew in `call`.
    DecidesTwice,
    /// The open time goes by the clock of the machine.
    RealClock,
    /// The open time ends too early.
    Early,
}

#[derive(Clone, Debug)]
pub(crate) struct FuseLayer {
    state: Arc<Mutex<State>>,
    flaw: Flaw,
}

#[derive(Debug, Default)]
struct State {
    failures: usize,
    opened: Option<(Instant, std::time::Instant)>,
    probing: bool,
    generation: u64,
}

impl FuseLayer {
    pub(crate) fn new(flaw: Flaw) -> Self {
        Self { state: Arc::default(), flaw }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    fn admits(&self) -> bool {
        let state = self.state();
        let Some((opened, for_real)) = state.opened else { return true };
        let open = match self.flaw {
            Flaw::RealClock => for_real.elapsed() < OPEN_FOR,
            Flaw::Early => clock::since(clock::now(), opened) < OPEN_FOR / 2,
            _ => clock::since(clock::now(), opened) < OPEN_FOR,
        };
        !open && !state.probing
    }

    fn admit(&self) -> Permit {
        let mut state = self.state();
        let probe = state.opened.is_some();
        state.probing = probe;
        Permit { fuse: self.clone(), generation: state.generation, probe, settled: false }
    }
}

struct Permit {
    fuse: FuseLayer,
    generation: u64,
    probe: bool,
    settled: bool,
}

impl Permit {
    fn settle(&mut self, good: bool) {
        self.settled = true;
        let mut state = self.fuse.state();
        let late = state.generation != self.generation;
        if late && !(good && self.fuse.flaw == Flaw::LateSuccessCloses) {
            return;
        }
        state.failures = if good { 0 } else { state.failures + 1 };
        if good && state.opened.is_some() {
            *state = State { generation: state.generation + 1, ..State::default() };
        } else if self.probe || state.failures >= FAILURES {
            let generation = state.generation + 1;
            *state = State { opened: Some((clock::now(), now_for_real())), generation, ..State::default() };
        }
    }
}

// The flaw itself: a layer that reads the clock of the machine.
#[expect(clippy::disallowed_methods)]
fn now_for_real() -> std::time::Instant {
    std::time::Instant::now()
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.probe && !self.settled && self.fuse.flaw != Flaw::LeaksItsProbe {
            self.fuse.state().probing = false;
        }
    }
}

impl Layer<Probe> for FuseLayer {
    type Service = Fuse;

    fn layer(&self, inner: Probe) -> Fuse {
        Fuse { inner, shared: self.clone(), refused: false }
    }
}

#[derive(Debug)]
pub(crate) struct Fuse {
    inner: Probe,
    shared: FuseLayer,
    refused: bool,
}

impl Clone for Fuse {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: self.shared.clone(), refused: false }
    }
}

impl Service<u64> for Fuse {
    type Response = u64;
    type Error = Fault;
    type Future = FuseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.refused = !self.shared.admits();
        if self.refused { Poll::Ready(Ok(())) } else { self.inner.poll_ready(cx) }
    }

    fn call(&mut self, request: u64) -> FuseFuture {
        let refused = std::mem::take(&mut self.refused) && self.shared.flaw != Flaw::DecidesTwice;
        if refused || !self.shared.admits() {
            return FuseFuture { call: None, permit: None };
        }
        let permit = self.shared.admit();
        FuseFuture { call: Some(self.inner.call(request)), permit: Some(permit) }
    }
}

pin_project! {
    pub(crate) struct FuseFuture {
        // `None` where the call is refused.
        #[pin]
        call: Option<Reply<u64, Fault>>,
        permit: Option<Permit>,
    }
}

impl Future for FuseFuture {
    type Output = Result<u64, Fault>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(call) = this.call.as_pin_mut() else {
            return Poll::Ready(Err(Rejected::new(Reason::Open, "fuse", false).into()));
        };
        let answer = ready!(call.poll(cx));
        if let Some(mut permit) = this.permit.take() {
            permit.settle(answer.is_ok());
        }
        Poll::Ready(answer)
    }
}

//! A bulkhead that refuses, or queues, and its flaws.

use buttress::{
    Rejected,
    rejected::Reason,
    testing::{Fault, Probe, Reply},
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tower::{Layer, Service};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// The rejection comes from `poll_ready`.
    RejectsInReady,
    /// The permit is taken in `poll_ready`.
    PermitInReady,
    /// The inner service is asked for readiness before it is refused.
    AsksBeforeRefusing,
    /// The inner service is called before admission is decided.
    CallsBeforeAdmission,
    /// The permit is lost when the call is dropped after so many polls.
    LeaksWhenDroppedAfter(u32),
    /// The permit is lost when a poll inside panics.
    LeaksOnPanic,
    /// The permit is lost when the call inside fails.
    LeaksOnError,
    /// A call that leaves the queue still stands in it.
    LeaksItsPlace,
    /// A call that leaves the queue when it is its turn takes the turn along.
    LeaksItsTurn,
    /// The queue is in `poll_ready`.
    WaitsInReady,
    /// The inner service is readied, and then the call queues.
    WaitsWithFullHands,
    /// The room is made in `layer()`.
    StateInLayerCall,
    /// Each clone has a room of its own.
    StateInClone,
    /// All layers share one room.
    StateInStatic,
}

/// For how many calls there is room, and what becomes of the others.
#[derive(Clone, Debug)]
pub(crate) struct GateLayer {
    room: Arc<Semaphore>,
    places: usize,
    queues: bool,
    flaw: Flaw,
}

thread_local! {
    static ONE: Arc<Semaphore> = Arc::new(Semaphore::new(1));
    static MANY: Arc<Semaphore> = Arc::new(Semaphore::new(8));
}

impl GateLayer {
    pub(crate) fn new(places: usize, queues: bool, flaw: Flaw) -> Self {
        let room = match (flaw, places) {
            (Flaw::StateInStatic, 1) => ONE.with(Arc::clone),
            (Flaw::StateInStatic, _) => MANY.with(Arc::clone),
            _ => Arc::new(Semaphore::new(places)),
        };
        Self { room, places, queues, flaw }
    }
}

impl Layer<Probe> for GateLayer {
    type Service = Gate;

    fn layer(&self, inner: Probe) -> Gate {
        let own = self.flaw == Flaw::StateInLayerCall;
        let room = if own { Arc::new(Semaphore::new(self.places)) } else { Arc::clone(&self.room) };
        let settings = Self { room, ..self.clone() };
        Gate { inner, settings, refused: false, permit: None, waiting: None }
    }
}

type Acquire = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>>>>;

pub(crate) struct Gate {
    inner: Probe,
    settings: GateLayer,
    refused: bool,
    permit: Option<OwnedSemaphorePermit>,
    waiting: Option<Acquire>,
}

impl Clone for Gate {
    fn clone(&self) -> Self {
        let mut settings = self.settings.clone();
        if settings.flaw == Flaw::StateInClone {
            settings.room = Arc::new(Semaphore::new(settings.places));
        }
        Self { inner: self.inner.clone(), settings, refused: false, permit: None, waiting: None }
    }
}

fn full() -> Fault {
    Rejected::new(Reason::Full, "gate", false).into()
}

impl Service<u64> for Gate {
    type Response = u64;
    type Error = Fault;
    type Future = GateFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        let GateLayer { room, queues, flaw, .. } = &self.settings;
        let is_full = room.available_permits() == 0;
        if *queues {
            if *flaw == Flaw::WaitsInReady && is_full {
                let room = Arc::clone(room);
                let waiting = self.waiting.get_or_insert_with(|| Box::pin(room.acquire_owned()));
                drop(ready!(waiting.as_mut().poll(cx)));
                self.waiting = None;
            }
            return if *flaw == Flaw::WaitsWithFullHands {
                self.inner.poll_ready(cx)
            } else {
                Poll::Ready(Ok(()))
            };
        }
        match flaw {
            Flaw::RejectsInReady if is_full => return Poll::Ready(Err(full())),
            Flaw::AsksBeforeRefusing => ready!(self.inner.poll_ready(cx))?,
            Flaw::PermitInReady if self.permit.is_none() => {
                self.permit = Arc::clone(room).try_acquire_owned().ok();
            }
            _ => {}
        }
        self.refused = is_full && self.permit.is_none();
        if self.refused { Poll::Ready(Ok(())) } else { self.inner.poll_ready(cx) }
    }

    fn call(&mut self, request: u64) -> GateFuture {
        let GateLayer { room, queues, flaw, .. } = &self.settings;
        let room = Arc::clone(room);
        if *queues {
            // As many as there is room for start at once, and pay for no queue.
            let (acquire, permit) = match Arc::clone(&room).try_acquire_owned() {
                Ok(permit) => (None, Some(permit)),
                Err(_) => (Some(Box::pin(room.acquire_owned()) as Acquire), None),
            };
            let fresh = self.inner.clone();
            let inner = std::mem::replace(&mut self.inner, fresh);
            return GateFuture::new(State::Queueing { acquire, inner, request }, permit, *flaw);
        }
        if *flaw == Flaw::CallsBeforeAdmission {
            let call = self.inner.call(request);
            return match room.try_acquire_owned() {
                Ok(permit) => GateFuture::new(State::Calling { call }, Some(permit), *flaw),
                Err(_) => GateFuture::new(State::Refused, None, *flaw),
            };
        }
        let refused = std::mem::take(&mut self.refused);
        let permit = self.permit.take().or_else(|| room.try_acquire_owned().ok());
        match permit {
            Some(permit) if !refused => {
                GateFuture::new(State::Calling { call: self.inner.call(request) }, Some(permit), *flaw)
            }
            _ => GateFuture::new(State::Refused, None, *flaw),
        }
    }
}

pin_project! {
    pub(crate) struct GateFuture {
        #[pin]
        state: State,
        permit: Option<OwnedSemaphorePermit>,
        flaw: Flaw,
        polls: u32,
        busy: bool,
        ended: bool,
    }

    impl PinnedDrop for GateFuture {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let lost = match this.flaw {
                Flaw::LeaksWhenDroppedAfter(polls) => !*this.ended && !*this.busy && this.polls == polls,
                Flaw::LeaksOnPanic => *this.busy,
                _ => false,
            };
            if let (true, Some(permit)) = (lost, this.permit.take()) {
                permit.forget();
            }
            let StateProj::Queueing { acquire, .. } = this.state.project() else { return };
            match (this.flaw, acquire.take()) {
                (Flaw::LeaksItsPlace, Some(acquire)) => std::mem::forget(acquire),
                (Flaw::LeaksItsTurn, Some(mut acquire)) => {
                    if let Poll::Ready(Ok(turn)) = acquire.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                        turn.forget();
                    }
                }
                _ => {}
            }
        }
    }
}

pin_project! {
    #[project = StateProj]
    enum State {
        Refused,
        Queueing { acquire: Option<Acquire>, inner: Probe, request: u64 },
        Calling { #[pin] call: Reply<u64, Fault> },
    }
}

impl GateFuture {
    fn new(state: State, permit: Option<OwnedSemaphorePermit>, flaw: Flaw) -> Self {
        Self { state, permit, flaw, polls: 0, busy: false, ended: false }
    }
}

impl Future for GateFuture {
    type Output = Result<u64, Fault>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProj::Refused => return Poll::Ready(Err(full())),
                StateProj::Queueing { acquire, inner, request } => {
                    if let Some(queue) = acquire {
                        *this.permit = ready!(queue.as_mut().poll(cx)).ok();
                        *acquire = None;
                    }
                    ready!(inner.poll_ready(cx))?;
                    let call = inner.call(*request);
                    this.state.set(State::Calling { call });
                }
                StateProj::Calling { call } => {
                    *this.busy = true;
                    let answer = call.poll(cx);
                    *this.busy = false;
                    *this.polls += 1;
                    if let Poll::Ready(answer) = &answer {
                        *this.ended = true;
                        let leaks = answer.is_err() && *this.flaw == Flaw::LeaksOnError;
                        if let (true, Some(permit)) = (leaks, this.permit.take()) {
                            permit.forget();
                        }
                    }
                    return answer;
                }
            }
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("settings", &self.settings).finish_non_exhaustive()
    }
}

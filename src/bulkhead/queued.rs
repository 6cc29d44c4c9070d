//! The future of a call that may wait: for its slot, then for the service inside, then for the answer.

use super::{Acquire, Slot, hold};
use crate::{
    deadline::{Alarm, Deadline},
    outcome::{AtEnd, Classify},
    rejected::Rejectable,
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_service::Service;

pin_project! {
    /// The answer of a [`Bulkhead`](super::Bulkhead) with a [`Queue`](super::Queue).
    pub struct QueuedFuture<S, Req, F, H> {
        #[pin]
        state: State<F>,
        // A clone of the service inside that nobody has readied yet; `None` once it was called.
        asked: Option<(S, Req)>,
        // Of a call that takes a slot: it is not held longer by one that waits for the inside to be ready.
        deadline: Option<Deadline>,
        hold: H,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Waiting {
            #[pin]
            acquire: Acquire,
        },
        // Has its slot, or needs none; the inside is asked only now, so that nobody waits with a readied service in hand.
        Readying {
            slot: Option<Slot>,
            // Only where it pends, and there is a deadline.
            #[pin]
            limit: Option<Alarm>,
        },
        Calling {
            #[pin]
            call: F,
            slot: Option<Slot>,
        },
        Ended,
    }
}

impl<S, Req, F, H> QueuedFuture<S, Req, F, H> {
    #[inline]
    pub(super) fn readying(
        slot: Slot,
        deadline: Option<Deadline>,
        service: S,
        request: Req,
        hold: H,
    ) -> Self {
        let state = State::Readying { slot: Some(slot), limit: None };
        Self { state, asked: Some((service, request)), deadline, hold }
    }

    /// A call that is not counted.
    pub(super) const fn passing(service: S, request: Req, hold: H) -> Self {
        let state = State::Readying { slot: None, limit: None };
        Self { state, asked: Some((service, request)), deadline: None, hold }
    }

    pub(super) fn waiting(
        acquire: Acquire,
        deadline: Option<Deadline>,
        service: S,
        request: Req,
        hold: H,
    ) -> Self {
        Self { state: State::Waiting { acquire }, asked: Some((service, request)), deadline, hold }
    }
}

impl<S, Req, H> Future for QueuedFuture<S, Req, S::Future, H>
where
    S: Service<Req>,
    S::Error: Rejectable,
    H: Classify<S::Response, S::Error>,
{
    type Output = Result<<H::AtEnd as AtEnd<S::Response>>::Response<Slot>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProj::Waiting { acquire } => {
                    let slot = ready!(acquire.poll(cx));
                    match slot {
                        Ok(slot) => this.state.set(State::Readying { slot: Some(slot), limit: None }),
                        Err(rejected) => {
                            this.state.set(State::Ended);
                            *this.asked = None;
                            return Poll::Ready(Err(rejected.into()));
                        }
                    }
                }
                StateProj::Readying { slot, limit } => {
                    let Some((service, _)) = this.asked else { return Poll::Pending };
                    match service.poll_ready(cx) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(error)) => {
                            this.state.set(State::Ended);
                            *this.asked = None;
                            return Poll::Ready(Err(error));
                        }
                        Poll::Pending => {
                            let (Some(deadline), Some(held)) = (*this.deadline, slot.as_ref()) else {
                                return Poll::Pending;
                            };
                            ready!(Alarm::until(limit, deadline, cx));
                            let rejected = held.too_late();
                            this.state.set(State::Ended);
                            *this.asked = None;
                            return Poll::Ready(Err(rejected.into()));
                        }
                    }
                    let slot = slot.take();
                    let Some((mut service, request)) = this.asked.take() else { return Poll::Pending };
                    let call = service.call(request);
                    this.state.set(State::Calling { call, slot });
                }
                StateProj::Calling { call, slot } => {
                    return match call.poll(cx) {
                        Poll::Ready(Ok(response)) => {
                            Poll::Ready(Ok(hold::answered(this.hold, response, slot)))
                        }
                        Poll::Ready(Err(error)) => {
                            *slot = None;
                            Poll::Ready(Err(error))
                        }
                        Poll::Pending => Poll::Pending,
                    };
                }
                // Polled after its end, which breaks the contract of futures, it stays pending.
                StateProj::Ended => return Poll::Pending,
            }
        }
    }
}

impl<S, Req, F, H> fmt::Debug for QueuedFuture<S, Req, F, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Waiting { .. } => "Waiting",
            State::Readying { .. } => "Readying",
            State::Calling { .. } => "Calling",
            State::Ended => "Ended",
        };
        f.debug_struct("QueuedFuture").field("state", &state).finish_non_exhaustive()
    }
}

//! The future of a call that does not wait: it has its slot, or is refused.

use super::{Slot, Slots, hold};
use crate::{
    outcome::{AtEnd, Classify},
    rejected::{Reason, Rejectable, Rejected},
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

pin_project! {
    /// The answer of a [`Bulkhead`](super::Bulkhead) without a queue.
    pub struct ResponseFuture<F, H> {
        #[pin]
        state: State<F, H>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, H> {
        Calling {
            #[pin]
            call: F,
            // `None` once there was an answer, and where the call is not counted.
            slot: Option<Slot>,
            hold: H,
        },
        Refused {
            rejected: Option<Rejected>,
        },
    }
}

impl<F, H> ResponseFuture<F, H> {
    #[cold]
    #[inline(never)]
    pub(super) fn refused(slots: &Slots, why: Reason) -> Self {
        Self::rejected(slots.reject(why))
    }

    pub(super) const fn rejected(rejected: Rejected) -> Self {
        Self { state: State::Refused { rejected: Some(rejected) } }
    }

    /// A call that is not counted.
    pub(super) const fn passing(call: F, hold: H) -> Self {
        Self { state: State::Calling { call, slot: None, hold } }
    }

    #[inline]
    pub(super) fn calling(call: F, slot: Slot, hold: H) -> Self {
        Self { state: State::Calling { call, slot: Some(slot), hold } }
    }
}

impl<F, H, Res, E> Future for ResponseFuture<F, H>
where
    F: Future<Output = Result<Res, E>>,
    E: Rejectable,
    H: Classify<Res, E>,
{
    type Output = Result<<H::AtEnd as AtEnd<Res>>::Response<Slot>, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Calling { call, slot, hold } => match call.poll(cx) {
                Poll::Ready(Ok(response)) => Poll::Ready(Ok(hold::answered(hold, response, slot))),
                Poll::Ready(Err(error)) => {
                    *slot = None;
                    Poll::Ready(Err(error))
                }
                Poll::Pending => Poll::Pending,
            },
            // Polled after its end, which breaks the contract of futures, it stays pending.
            StateProj::Refused { rejected } => {
                rejected.take().map_or(Poll::Pending, |rejected| Poll::Ready(Err(rejected.into())))
            }
        }
    }
}

impl<F, H> fmt::Debug for ResponseFuture<F, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Refused { .. } => "Refused",
            State::Calling { .. } => "Calling",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish_non_exhaustive()
    }
}

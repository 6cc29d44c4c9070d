//! The future of a call that does not wait: it has its slot, or is refused.

use super::{Slot, hold};
use crate::{
    outcome::{AtEnd, Classify},
    rejected::{Rejectable, Rejected},
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
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
        Refused {
            rejected: Option<Rejected>,
        },
        Calling {
            #[pin]
            call: F,
            slot: Option<Slot>,
            hold: H,
        },
    }
}

impl<F, H> ResponseFuture<F, H> {
    #[cold]
    pub(super) fn refused(rejected: Rejected) -> Self {
        Self { state: State::Refused { rejected: Some(rejected) } }
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
            StateProj::Calling { call, slot, hold } => {
                // Polled after its end, which breaks the contract of futures: it stays pending.
                if slot.is_none() {
                    return Poll::Pending;
                }
                let answer = ready!(call.poll(cx));
                let Some(slot) = slot.take() else { return Poll::Pending };
                Poll::Ready(hold::answer(hold, answer, slot))
            }
            StateProj::Refused { rejected } => match rejected.take() {
                Some(rejected) => Poll::Ready(Err(rejected.into())),
                None => Poll::Pending,
            },
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

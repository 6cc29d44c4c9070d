//! The future for deadlines out: the call, or the refusal.

use crate::{
    deadline::Scope,
    rejected::{Rejectable, Rejected},
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

pin_project! {
    /// The answer of a [`SendDeadline`](super::SendDeadline).
    pub struct SendDeadlineFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Calling {
            #[pin]
            call: Scope<F>,
        },
        Refused {
            rejected: Option<Rejected>,
        },
    }
}

impl<F> SendDeadlineFuture<F> {
    pub(super) const fn calling(call: Scope<F>) -> Self {
        Self { state: State::Calling { call } }
    }

    #[cold]
    pub(super) const fn refused(rejected: Rejected) -> Self {
        Self { state: State::Refused { rejected: Some(rejected) } }
    }
}

impl<F, T, E> Future for SendDeadlineFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Rejectable,
{
    type Output = Result<T, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Calling { call } => call.poll(cx),
            // Polled after its end, which breaks the contract of futures, it stays pending.
            StateProj::Refused { rejected } => {
                rejected.take().map_or(Poll::Pending, |rejected| Poll::Ready(Err(rejected.into())))
            }
        }
    }
}

impl<F> fmt::Debug for SendDeadlineFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Calling { .. } => "Calling",
            State::Refused { .. } => "Refused",
        };
        f.debug_struct("SendDeadlineFuture").field("state", &state).finish_non_exhaustive()
    }
}

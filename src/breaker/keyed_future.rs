//! The future of a call that may have no key: then it is no circuit's affair.

use super::{Permit, ResponseFuture};
use crate::{
    outcome::{AtEnd, Classify},
    rejected::Rejectable,
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

pin_project! {
    /// The answer of a [`KeyedBreaker`](super::KeyedBreaker).
    pub struct KeyedResponseFuture<F, C> {
        #[pin]
        state: State<F, C>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, C> {
        // A circuit was asked.
        Asked {
            #[pin]
            call: ResponseFuture<F, C>,
        },
        Passing {
            #[pin]
            call: F,
        },
    }
}

impl<F, C> KeyedResponseFuture<F, C> {
    #[inline]
    pub(super) const fn asked(call: ResponseFuture<F, C>) -> Self {
        Self { state: State::Asked { call } }
    }

    #[inline]
    pub(super) const fn passing(call: F) -> Self {
        Self { state: State::Passing { call } }
    }
}

impl<F, C, Res, E> Future for KeyedResponseFuture<F, C>
where
    F: Future<Output = Result<Res, E>>,
    E: Rejectable,
    C: Classify<Res, E>,
{
    type Output = Result<<C::AtEnd as AtEnd<Res>>::Response<Permit>, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Asked { call } => call.poll(cx),
            StateProj::Passing { call } => call.poll(cx).map_ok(C::AtEnd::pass),
        }
    }
}

impl<F, C> fmt::Debug for KeyedResponseFuture<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            State::Asked { call } => call.fmt(f),
            State::Passing { .. } => {
                f.debug_struct("KeyedResponseFuture").field("state", &"Passing").finish_non_exhaustive()
            }
        }
    }
}

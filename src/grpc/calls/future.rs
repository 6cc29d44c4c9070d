//! The future of a call, however often it is made.

use super::{ByCodes, Coded, Messages, Resend};
use crate::{hedge, rejected::Rejectable, retry};
use ::http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};
use tower_service::Service;

type Retrying<S, B> = retry::ResponseFuture<S, Request<B>, ByCodes, Messages>;
type Hedging<S, B> = hedge::ResponseFuture<S, Request<B>, Messages, ByCodes>;

pin_project! {
    /// The answer of a [`Calls`](super::Calls), inside its deadline.
    pub struct CallFuture<S, B>
    where
        S: Service<Request<B>>,
        B: Resend,
    {
        #[pin]
        state: State<S::Future, Retrying<S, B>, Hedging<S, B>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<O, R, H> {
        Once {
            #[pin]
            call: O,
        },
        Retrying {
            #[pin]
            call: R,
        },
        Hedging {
            #[pin]
            call: H,
        },
    }
}

impl<S, B> CallFuture<S, B>
where
    S: Service<Request<B>>,
    B: Resend,
{
    pub(super) const fn once(call: S::Future) -> Self {
        Self { state: State::Once { call } }
    }

    pub(super) const fn retry(call: Retrying<S, B>) -> Self {
        Self { state: State::Retrying { call } }
    }

    pub(super) const fn hedge(call: Hedging<S, B>) -> Self {
        Self { state: State::Hedging { call } }
    }
}

impl<S, B, T> Future for CallFuture<S, B>
where
    S: Service<Request<B>, Response = Response<T>> + Clone,
    S::Error: Rejectable + Coded,
    B: Resend,
    T: Body,
{
    type Output = Result<S::Response, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Once { call } => call.poll(cx),
            StateProj::Retrying { call } => call.poll(cx),
            StateProj::Hedging { call } => call.poll(cx),
        }
    }
}

impl<S, B> fmt::Debug for CallFuture<S, B>
where
    S: Service<Request<B>>,
    B: Resend,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Once { .. } => "Once",
            State::Retrying { .. } => "Retrying",
            State::Hedging { .. } => "Hedging",
        };
        f.debug_struct("CallFuture").field("state", &state).finish_non_exhaustive()
    }
}

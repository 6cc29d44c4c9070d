//! The future: waits for the head of the response.

use ::http::Response;
use ::reqwest::{Body, Client, Error, Request};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

type Call = <Client as tower_service::Service<Request>>::Future;

pin_project! {
    /// The answer of a [`Service`](super::Service).
    pub struct ResponseFuture {
        #[pin]
        state: State,
    }
}

pin_project! {
    #[project = StateProj]
    enum State {
        Calling {
            #[pin]
            call: Call,
        },
        // It is no request for reqwest.
        Failed {
            error: Option<Error>,
        },
    }
}

impl ResponseFuture {
    pub(super) const fn calling(call: Call) -> Self {
        Self { state: State::Calling { call } }
    }

    pub(super) const fn failed(error: Error) -> Self {
        Self { state: State::Failed { error: Some(error) } }
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<Body>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Calling { call } => Poll::Ready(ready!(call.poll(cx)).map(Response::from)),
            // Polled after its end, which breaks the contract of futures, it stays pending.
            StateProj::Failed { error } => {
                error.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error)))
            }
        }
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Calling { .. } => "Calling",
            State::Failed { .. } => "Failed",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish_non_exhaustive()
    }
}

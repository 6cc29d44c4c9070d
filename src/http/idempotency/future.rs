//! The future of a call: a request without a key allocates nothing; one with a key is boxed.

use super::{
    Refusal, StoredBody,
    config::Config,
    keyed,
    readying::{Readying, TooLate},
};
use ::http::Response;
use bytes::Bytes;
use http_body::Body;
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tower_service::Service;

type Answer<B, E> = Result<Response<StoredBody<B>>, E>;

pin_project! {
    /// The answer of an [`Idempotency`](super::Idempotency).
    pub struct IdempotencyFuture<I: Service<R>, R, B: Body> {
        #[pin]
        state: State<I, R, I::Future, I::Error, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<I, R, F, E, B: Body> {
        // Without a key, for the inside to be ready.
        Readying { service: I, request: Option<R>, readying: Readying, config: Option<Arc<Config>> },
        Calling { #[pin] call: F },
        // With a key: its future has no name, and is too large to be moved about.
        Keyed { answer: Pin<Box<dyn Future<Output = Answer<B, E>> + Send>> },
        Refused { response: Option<Response<StoredBody<B>>> },
    }
}

impl<I: Service<R>, R, B: Body> IdempotencyFuture<I, R, B> {
    /// With the config where there is a deadline.
    pub(super) const fn passing(
        service: I,
        request: R,
        readying: Readying,
        config: Option<Arc<Config>>,
    ) -> Self {
        Self { state: State::Readying { service, request: Some(request), readying, config } }
    }

    pub(super) fn keyed(answer: impl Future<Output = Answer<B, I::Error>> + Send + 'static) -> Self {
        Self { state: State::Keyed { answer: Box::pin(answer) } }
    }

    pub(super) const fn refused(response: Response<StoredBody<B>>) -> Self {
        Self { state: State::Refused { response: Some(response) } }
    }
}

impl<I, R, B> Future for IdempotencyFuture<I, R, B>
where
    I: Service<R, Response = Response<B>>,
    B: Body<Data = Bytes>,
{
    type Output = Answer<B, I::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let call = match this.state.as_mut().project() {
                StateProj::Readying { service, request, readying, config } => {
                    if let Err(TooLate) = ready!(readying.poll(service, cx))? {
                        let config = config.take();
                        let refused = config.map(|config| keyed::refuse(&config, Refusal::DeadlinePassed));
                        this.state.set(State::Refused { response: refused });
                        continue;
                    }
                    // Polled after its end, which breaks the contract of futures, it stays pending.
                    let Some(request) = request.take() else { return Poll::Pending };
                    service.call(request)
                }
                StateProj::Calling { call } => {
                    return call.poll(cx).map_ok(|response| response.map(StoredBody::passing));
                }
                StateProj::Keyed { answer } => return answer.as_mut().poll(cx),
                StateProj::Refused { response } => {
                    return response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)));
                }
            };
            this.state.set(State::Calling { call });
        }
    }
}

impl<I: Service<R>, R, B: Body> fmt::Debug for IdempotencyFuture<I, R, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Readying { .. } => "Readying",
            State::Calling { .. } => "Calling",
            State::Keyed { .. } => "Keyed",
            State::Refused { .. } => "Refused",
        };
        f.debug_struct("IdempotencyFuture").field("state", &state).finish_non_exhaustive()
    }
}

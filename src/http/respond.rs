//! The outermost layer of a server's stack: a rejection leaves it as a response.

use super::{Problem, Render};
use crate::rejected::{Apart, Rejected};
use ::http::{Request, Response};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_layer::Layer;
use tower_service::Service;

/// Answers rejections as problem documents; the rest of the errors pass through. The [`Rejected`] itself is in the extensions
/// of the response.
///
/// [`guard`](super::guard) is this and the lift in one word. By hand it stands outermost, and `lift` innermost.
///
/// ```
/// # use std::{convert::Infallible, time::Duration};
/// # use buttress::{http, lift, timeout::TimeoutLayer};
/// # use axum::{body::Body, extract::Request, response::Response};
/// # use tower::ServiceExt;
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let svc = tower::ServiceBuilder::new()
///     .layer(http::respond())
///     .layer(TimeoutLayer::new(Duration::from_secs(3)))
///     .layer(lift())
///     .service_fn(|_: Request| std::future::pending::<Result<Response, Infallible>>());
/// let answer: Result<Response, Infallible> = svc.oneshot(Request::new(Body::empty())).await;
/// assert_eq!(answer.unwrap().status(), 504);
/// # }
/// ```
#[must_use]
pub const fn respond() -> RespondLayer {
    RespondLayer { render: Problem }
}

/// The layer that [`respond`] gives.
#[derive(Clone, Copy, Debug)]
pub struct RespondLayer<R = Problem> {
    render: R,
}

impl<R> RespondLayer<R> {
    /// Another way to answer, usually a function of the rejection.
    pub const fn with(render: R) -> Self {
        Self { render }
    }
}

impl<S, R: Clone> Layer<S> for RespondLayer<R> {
    type Service = Respond<S, R>;

    fn layer(&self, inner: S) -> Respond<S, R> {
        Respond { inner, render: self.render.clone(), refused: None }
    }
}

/// A service whose rejections are answered. See [`respond`].
#[derive(Debug)]
pub struct Respond<S, R = Problem> {
    inner: S,
    render: R,
    /// A foreign layer inside has rejected in `poll_ready`; the call is answered with it.
    refused: Option<Rejected>,
}

/// A clone starts afresh: readiness belongs to the instance.
impl<S: Clone, R: Clone> Clone for Respond<S, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), render: self.render.clone(), refused: None }
    }
}

impl<S, Q, B, R> Service<Request<Q>> for Respond<S, R>
where
    S: Service<Request<Q>, Response = Response<B>>,
    S::Error: Apart,
    R: Render<B>,
{
    type Response = Response<B>;
    type Error = <S::Error as Apart>::Rest;
    type Future = RespondFuture<S::Future, R>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match ready!(self.inner.poll_ready(cx)) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(error.apart().map(|rejected| self.refused = Some(rejected))),
        }
    }

    #[inline]
    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let render = Some(self.render.for_request(request.headers()));
        let state = match self.refused.take() {
            None => State::Calling { call: self.inner.call(request) },
            Some(rejected) => State::Refused { rejected },
        };
        RespondFuture { state, render }
    }
}

pin_project! {
    /// The answer of a [`Respond`].
    pub struct RespondFuture<F, R> {
        #[pin]
        state: State<F>,
        // `None` once it has answered.
        render: Option<R>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Calling { #[pin] call: F },
        Refused { rejected: Rejected },
    }
}

impl<F, B, E, R> Future for RespondFuture<F, R>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Apart,
    R: Render<B>,
{
    type Output = Result<Response<B>, E::Rest>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let rejected = match this.state.project() {
            StateProj::Calling { call } => match ready!(call.poll(cx)) {
                Ok(response) => return Poll::Ready(Ok(response)),
                Err(error) => error.apart()?,
            },
            StateProj::Refused { rejected } => rejected.clone(),
        };
        match this.render.take() {
            Some(render) => {
                let mut response = render.render(&rejected);
                // For layers outside, which cannot tell a 503 of ours from one of the service.
                response.extensions_mut().insert(rejected);
                Poll::Ready(Ok(response))
            }
            // Polled after its end, which breaks the contract of futures: it stays pending.
            None => Poll::Pending,
        }
    }
}

impl<F, R> fmt::Debug for RespondFuture<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RespondFuture").finish_non_exhaustive()
    }
}

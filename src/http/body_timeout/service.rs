//! The service: puts the limits around each response's body.

use super::{TimeoutBody, layer::Settings};
use crate::deadline::Deadline;
use ::http::{Request, Response};
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_service::Service;

/// A service whose response bodies are limited in time. See [`BodyTimeoutLayer`](super::BodyTimeoutLayer).
#[derive(Clone, Debug)]
pub struct BodyTimeout<S> {
    inner: S,
    settings: Settings,
}

impl<S> BodyTimeout<S> {
    pub(super) const fn new(inner: S, settings: Settings) -> Self {
        Self { inner, settings }
    }
}

impl<S, Q, B> Service<Request<Q>> for BodyTimeout<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
{
    type Response = Response<TimeoutBody<B>>;
    type Error = S::Error;
    type Future = BodyTimeoutFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let settings = self.settings.clone();
        BodyTimeoutFuture { deadline: Deadline::current(), call: self.inner.call(request), settings }
    }
}

pin_project! {
    /// The answer of a [`BodyTimeout`].
    #[derive(Debug)]
    pub struct BodyTimeoutFuture<F> {
        #[pin]
        call: F,
        deadline: Option<Deadline>,
        settings: Settings,
    }
}

impl<F, B, E> Future for BodyTimeoutFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<TimeoutBody<B>>, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.call.poll(cx))?;
        Poll::Ready(Ok(response.map(|body| TimeoutBody::limited(body, *this.deadline, this.settings))))
    }
}

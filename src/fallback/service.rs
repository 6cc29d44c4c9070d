//! The service: keeps what a fallback would need, and calls.

use super::{ResponseFuture, Source, layer::Settings};
use crate::{
    deadline::Deadline,
    outcome::{Classify, ErrorsFail},
    rejected::Rejectable,
};
use std::{
    fmt,
    task::{Context, Poll},
};
use tower_service::Service;

/// A service with an answer for when it has none. See the [module](super).
#[derive(Clone)]
pub struct Fallback<S, K, C = ErrorsFail> {
    inner: S,
    settings: Settings<K, C>,
}

impl<S, K, C> Fallback<S, K, C> {
    pub(super) const fn new(inner: S, settings: Settings<K, C>) -> Self {
        Self { inner, settings }
    }
}

impl<S, Req, K, C> Service<Req> for Fallback<S, K, C>
where
    S: Service<Req>,
    S::Error: Rejectable,
    K: Source<Req, S::Response, S::Error> + Clone,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = K::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, Req, K, C>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let kept = self.settings.source.keep(&request);
        // Who answers at once has no use for it.
        let deadline = if K::WAITS { Deadline::current() } else { None };
        ResponseFuture::calling(self.inner.call(request), kept, deadline, self.settings.clone())
    }
}

impl<S: fmt::Debug, K: fmt::Debug, C> fmt::Debug for Fallback<S, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback")
            .field("inner", &self.inner)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

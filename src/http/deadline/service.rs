//! The service for deadlines in: finds the one of the request, and runs the call under it.

use super::{HeaderMillis, ReadTimeout, layer::Trust};
use crate::{
    clock,
    deadline::{Deadline, Scope},
};
use ::http::{HeaderMap, Request};
use std::{
    task::{Context, Poll},
    time::Duration,
};
use tower_service::Service;

/// A service whose calls run under the deadline of their request. See [`DeadlineLayer`](super::DeadlineLayer).
#[derive(Clone, Debug)]
pub struct DeadlineService<S, R = HeaderMillis> {
    inner: S,
    read: R,
    trust: Trust,
}

impl<S, R> DeadlineService<S, R> {
    pub(super) const fn new(inner: S, read: R, trust: Trust) -> Self {
        Self { inner, read, trust }
    }
}

impl<S, R: ReadTimeout> DeadlineService<S, R> {
    /// The clock is read only where there is a time to add to it.
    fn find(&self, headers: &HeaderMap) -> Option<Deadline> {
        let told = self.trust.header.and_then(|max| Some(self.read.read(headers)?.min(max)));
        let least: Option<Duration> = told.into_iter().chain(self.trust.at_most).min();
        least.map(|given| Deadline::after(clock::now(), given))
    }
}

impl<S, B, R> Service<Request<B>> for DeadlineService<S, R>
where
    S: Service<Request<B>>,
    R: ReadTimeout,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Scope<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let carried = request.extensions().get::<Deadline>().copied();
        let found = Deadline::earlier(self.find(request.headers()), carried);
        let Some(deadline) = Deadline::earlier(found, Deadline::current()) else {
            return Scope::new(None, self.inner.call(request));
        };
        // For whoever is behind a `Buffer` or a spawn, and has another copy of this layer.
        if carried != Some(deadline) {
            request.extensions_mut().insert(deadline);
        }
        let call = deadline.sync_scope(|| self.inner.call(request));
        deadline.scope(call)
    }
}

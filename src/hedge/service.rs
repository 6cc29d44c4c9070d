//! The service: makes the first attempt, and keeps what another would need.

use super::{
    Again, ResponseFuture,
    shared::{Held, Shared},
    spare::Spare,
};
use crate::{outcome::Classify, rejected::Rejectable};
use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};
use tower_service::Service;

/// A service whose slow calls are made a second time. See the [module](super).
pub struct Hedge<S, A, C> {
    inner: S,
    shared: Arc<Shared<A, C>>,
}

impl<S, A, C> Hedge<S, A, C> {
    pub(super) const fn new(inner: S, shared: Arc<Shared<A, C>>) -> Self {
        Self { inner, shared }
    }
}

impl<S: Clone, A, C> Clone for Hedge<S, A, C> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.shared))
    }
}

impl<S, Req, A, C> Service<Req> for Hedge<S, A, C>
where
    S: Service<A::Sent> + Clone,
    S::Error: Rejectable,
    A: Again<Req>,
    C: Classify<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, Req, A, C>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let (request, kept) = self.shared.again.first(request);
        let Some(kept) = kept.filter(|_| !self.shared.is_off()) else {
            return ResponseFuture::alone(self.inner.call(request));
        };
        // The instance that was readied goes along, and the clone stays behind.
        let clone = self.inner.clone();
        let mut service = mem::replace(&mut self.inner, clone);
        let first = service.call(request);
        ResponseFuture::racing(first, Spare::new(service, kept, Held(Arc::clone(&self.shared))))
    }
}

impl<S: fmt::Debug, A, C> fmt::Debug for Hedge<S, A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hedge").field("inner", &self.inner).field("shared", &self.shared).finish()
    }
}

//! The service: makes the first attempt, and keeps what another would need.

use super::{ResponseFuture, shared::Shared, spare::Spare};
use crate::{
    budget::Extra,
    outcome::Classify,
    rejected::Rejectable,
    replay::{Payer, Replay},
};
use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};
use tower_service::Service;

/// A service whose slow calls are made a second time. See the [module](super).
pub struct Hedge<S, R, C> {
    inner: S,
    shared: Arc<Shared<R, C>>,
}

impl<S, R, C> Hedge<S, R, C> {
    pub(super) const fn new(inner: S, shared: Arc<Shared<R, C>>) -> Self {
        Self { inner, shared }
    }
}

impl<S: Clone, R, C> Clone for Hedge<S, R, C> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.shared))
    }
}

impl<S, Req, R, C> Service<Req> for Hedge<S, R, C>
where
    S: Service<R::Sent> + Clone,
    S::Error: Rejectable,
    R: Replay<Req>,
    C: Classify<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, Req, R, C>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let Shared { replay, named, .. } = &*self.shared;
        if self.shared.is_off() {
            let (request, _) = replay.first(request, Extra::Hedge);
            return ResponseFuture::alone(self.inner.call(request));
        }
        let budget = replay.budget(&request, *named);
        let (request, kept) = replay.first(request, Extra::Hedge);
        let Some(kept) = kept else {
            return ResponseFuture::alone(self.inner.call(request));
        };
        // The instance that was readied goes along, and the clone stays behind.
        let clone = self.inner.clone();
        let service = mem::replace(&mut self.inner, clone);
        let mut spare = Spare::new(service, kept, Payer::new(&self.shared, budget));
        let first = spare.call(request);
        ResponseFuture::racing(first, spare)
    }
}

impl<S: fmt::Debug, R, C> fmt::Debug for Hedge<S, R, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hedge").field("inner", &self.inner).field("shared", &self.shared).finish()
    }
}

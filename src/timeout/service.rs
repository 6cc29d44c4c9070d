//! The service: refuses what is too late, and starts the rest.

use super::{Limit, ResponseFuture, Watch, settings::Settings};
use crate::{deadline::Deadline, rejected::Rejectable};
use std::{
    task::{Context, Poll},
    time::Duration,
};
use tower_service::Service;

/// A service whose calls are cut when they take too long. See the [module](super).
#[derive(Debug)]
pub struct Timeout<S, L = Duration> {
    inner: S,
    settings: Settings<L>,
    /// `poll_ready` found the deadline passed and did not ask inside: this call is refused.
    refused: bool,
}

impl<S, L> Timeout<S, L> {
    pub(super) const fn new(inner: S, settings: Settings<L>) -> Self {
        Self { inner, settings, refused: false }
    }
}

/// A clone starts afresh: readiness belongs to the instance.
impl<S: Clone, L: Clone> Clone for Timeout<S, L> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.settings.clone())
    }
}

impl<S, Req, L> Service<Req> for Timeout<S, L>
where
    S: Service<Req>,
    S::Error: Rejectable,
    L: Limit<Req, Watch: Watch<S::Response, S::Error>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, L::Watch>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.refused = too_late(Deadline::current());
        if self.refused {
            return Poll::Ready(Ok(()));
        }
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let deadline = Deadline::current();
        let Settings { limit, name, observed } = &self.settings;
        if std::mem::take(&mut self.refused) || too_late(deadline) {
            return ResponseFuture::refused(limit.watch(), name, observed);
        }
        let (limit, watch) = (limit.limit(&request), limit.watch());
        ResponseFuture::calling(self.inner.call(request), limit, watch, deadline, name, observed)
    }
}

/// Whether there is a deadline and it has passed. Reads the clock only where there is one.
#[inline]
pub(super) fn too_late(deadline: Option<Deadline>) -> bool {
    deadline.is_some_and(Deadline::is_over)
}

//! The service: sends the first attempt by the instance that was ready, and gives it to the future with all it needs.

use super::{
    Dispose, ResponseFuture,
    dispose::{Answer, Sent},
    shared::Shared,
};
use crate::{
    budget::{Extra, Purse},
    deadline::Deadline,
    outcome::{Classify, ErrorsFail},
    rejected::Rejectable,
    replay::{Clones, Payer, Replay},
};
use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};
use tower_service::Service;

/// A service whose calls are sent again. See the [module](super).
pub struct Retry<S, C = ErrorsFail, R = Clones> {
    inner: S,
    shared: Arc<Shared<C, R>>,
}

impl<S, C, R> Retry<S, C, R> {
    pub(super) const fn new(inner: S, shared: Arc<Shared<C, R>>) -> Self {
        Self { inner, shared }
    }
}

impl<S: Clone, C, R> Clone for Retry<S, C, R> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.shared))
    }
}

impl<S, Req, C, R> Service<Req> for Retry<S, C, R>
where
    S: Service<Sent<R, Req>, Error: Rejectable> + Clone,
    C: Classify<Answer<S, R, Req>, S::Error>,
    R: Replay<Req> + Dispose<Answer<S, R, Req>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, Req, C, R>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let clone = self.inner.clone();
        let mut service = mem::replace(&mut self.inner, clone);
        let budget = self.shared.replay.budget(&request, self.shared.named);
        let (sent, kept) = self.shared.replay.first(request, Extra::Retry);
        // One reference for the whole call. It cannot be done without: the policy is of the user's types, and a call may
        // outlive its service, as in `oneshot`.
        let mut purse = Purse::of(Payer::new(&self.shared, budget));
        let call = purse.around(|| service.call(sent));
        ResponseFuture::new(call, service, kept, purse, Deadline::current())
    }
}

impl<S: fmt::Debug, C, R> fmt::Debug for Retry<S, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("inner", &self.inner)
            .field("name", &self.shared.name)
            .field("budget", &self.shared.budget)
            .finish_non_exhaustive()
    }
}

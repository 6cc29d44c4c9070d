//! The service: finds how the method is called, and calls it so.

use super::{
    CallFuture, Coded, Resend,
    layer::Plans,
    plans::{How, Made},
};
use crate::{
    clock, deadline::Deadline, grpc::GrpcTimeout, http::ReadTimeout, rejected::Rejectable,
    timeout::TotalFuture,
};
use ::http::{Request, Response};
use http_body::Body;
use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// A client that goes by a service config. See [`CallsLayer`](super::CallsLayer).
#[derive(Debug)]
pub struct Calls<S> {
    inner: S,
    plans: Arc<Plans>,
    /// `poll_ready` found the deadline passed and did not ask inside: this call is refused.
    refused: bool,
}

impl<S> Calls<S> {
    pub(super) const fn new(inner: S, plans: Arc<Plans>) -> Self {
        Self { inner, plans, refused: false }
    }
}

/// A clone starts afresh: readiness belongs to the instance.
impl<S: Clone> Clone for Calls<S> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.plans))
    }
}

impl<S, B, T> Service<Request<B>> for Calls<S>
where
    S: Service<Request<B>, Response = Response<T>> + Clone,
    S::Error: Rejectable + Coded,
    B: Resend,
    T: Body,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = TotalFuture<CallFuture<S, B>>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.refused = Deadline::current().is_some_and(|deadline| deadline.passed(clock::now()));
        if self.refused { Poll::Ready(Ok(())) } else { self.inner.poll_ready(cx) }
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Made { total, how } = self.plans.of(request.uri().path());
        // What the caller of the method has set for itself. It is of this process, and so it is believed.
        let own = GrpcTimeout::default().read(request.headers());
        let own = own.map(|time| Deadline::after(clock::now(), time));
        // What was found too late stays so, though it be called outside of the deadline.
        let own = if mem::take(&mut self.refused) { Some(Deadline::at(clock::now())) } else { own };
        let mut planned = total.layer(Planned { inner: &mut self.inner, how });
        match own {
            Some(deadline) => deadline.sync_scope(|| planned.call(request)),
            None => planned.call(request),
        }
    }
}

/// One call, inside its deadline.
struct Planned<'a, S> {
    inner: &'a mut S,
    how: &'a How,
}

impl<S: Clone> Planned<'_, S> {
    /// The instance that was readied; a clone stays behind.
    fn readied(&mut self) -> S {
        let clone = self.inner.clone();
        mem::replace(self.inner, clone)
    }
}

impl<S, B, T> Service<Request<B>> for Planned<'_, S>
where
    S: Service<Request<B>, Response = Response<T>> + Clone,
    S::Error: Rejectable + Coded,
    B: Resend,
    T: Body,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = CallFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.how {
            How::Once => CallFuture::once(self.inner.call(request)),
            How::Retry(retry) => CallFuture::retry(retry.layer(self.readied()).call(request)),
            How::Hedge(hedge) => CallFuture::hedge(hedge.layer(self.readied()).call(request)),
        }
    }
}

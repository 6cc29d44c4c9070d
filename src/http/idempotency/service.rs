//! The service: what has no key passes, what has one is run by its record.

use super::{
    Failure, IdempotencyFuture, Refusal, StoredBody,
    config::{Config, Entry},
    keyed::{self, Asking},
    readying::Readying,
};
use crate::{
    deadline::Deadline,
    idempotency::{Keeper, KeyStore},
    telemetry::IdempotencyOutcome,
};
use ::http::{Request, Response};
use bytes::Bytes;
use http_body::Body;
use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};
use tower_service::Service;

/// A service whose requests with a key run once. See [`IdempotencyLayer`](super::IdempotencyLayer).
pub struct Idempotency<I, S> {
    inner: I,
    keeper: Keeper<S>,
    config: Arc<Config>,
}

impl<I, S> Idempotency<I, S> {
    pub(super) const fn new(inner: I, keeper: Keeper<S>, config: Arc<Config>) -> Self {
        Self { inner, keeper, config }
    }
}

impl<I: Clone, S> Clone for Idempotency<I, S> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.keeper.clone(), Arc::clone(&self.config))
    }
}

impl<I, S, Q, B> Service<Request<Q>> for Idempotency<I, S>
where
    I: Service<Request<Q>, Response = Response<B>> + Clone + Send + 'static,
    I::Future: Send,
    I::Error: Failure + Send + 'static,
    S: KeyStore,
    Q: Body<Data = Bytes> + From<Bytes> + Send + 'static,
    Q::Error: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Send,
{
    type Response = Response<StoredBody<B>>;
    type Error = I::Error;
    type Future = IdempotencyFuture<I, Request<Q>, B>;

    /// Always ready: a request with a key reads its body and asks its store first, and must not hold the readiness of the
    /// inside meanwhile.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), I::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let (head, body) = request.into_parts();
        let key = match self.config.entry(&head) {
            Entry::Keyed(key) => key,
            Entry::Refused(refusal) => return self.refused(refusal),
            entry @ (Entry::Pass | Entry::Bypass) => {
                if entry == Entry::Bypass {
                    self.keeper.tell(IdempotencyOutcome::Bypassed);
                }
                let deadline = Deadline::current();
                // Only who may come too late is told so.
                let config = deadline.map(|_| Arc::clone(&self.config));
                let readying = Readying::by(deadline);
                let request = Request::from_parts(head, body);
                return IdempotencyFuture::passing(self.inner.clone(), request, readying, config);
            }
        };
        let Some(id) = self.config.record(&head, &key) else { return self.refused(Refusal::Nobody) };
        let asking = Asking {
            service: self.inner.clone(),
            keeper: self.keeper.clone(),
            config: Arc::clone(&self.config),
            id,
            key,
            readying: Readying::by(Deadline::current()),
        };
        IdempotencyFuture::keyed(keyed::answer(asking, head, body))
    }
}

impl<I, S> Idempotency<I, S> {
    #[cold]
    fn refused<Q, B: Body<Data = Bytes>>(&self, refusal: Refusal) -> IdempotencyFuture<I, Request<Q>, B>
    where
        I: Service<Request<Q>, Response = Response<B>>,
    {
        self.keeper.tell(keyed::outcome(refusal));
        IdempotencyFuture::refused(keyed::refuse(&self.config, refusal))
    }
}

impl<I: fmt::Debug, S> fmt::Debug for Idempotency<I, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idempotency")
            .field("inner", &self.inner)
            .field("keeper", &self.keeper)
            .finish_non_exhaustive()
    }
}

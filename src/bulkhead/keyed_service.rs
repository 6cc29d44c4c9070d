//! The service: takes a slot of the request's key, then calls the inside.

use super::{KeyedSlots, NoQueue, QueuedFuture, Queueing, ResponseFuture, Slot, ToHead};
use crate::{
    deadline::Deadline,
    keyed::KeyOf,
    outcome::{AtEnd, Classify},
    rejected::Rejectable,
};
use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    task::{Context, Poll},
};
use tower_service::Service;

/// A service that is called so many times at once for each key. See [`KeyedBulkheadLayer`](super::KeyedBulkheadLayer).
pub struct KeyedBulkhead<S, K, P, Q = NoQueue, H = ToHead> {
    inner: S,
    slots: KeyedSlots<K>,
    key_of: P,
    queue: Q,
    hold: H,
}

impl<S, K, P, Q, H> KeyedBulkhead<S, K, P, Q, H> {
    pub(super) const fn new(inner: S, slots: KeyedSlots<K>, key_of: P, queue: Q, hold: H) -> Self {
        Self { inner, slots, key_of, queue, hold }
    }
}

impl<S: Clone, K, P: Clone, Q: Clone, H: Clone> Clone for KeyedBulkhead<S, K, P, Q, H> {
    fn clone(&self) -> Self {
        let Self { inner, slots, key_of, queue, hold } = self;
        Self::new(inner.clone(), slots.clone(), key_of.clone(), queue.clone(), hold.clone())
    }
}

impl<S, Req, K, P, H> Service<Req> for KeyedBulkhead<S, K, P, NoQueue, H>
where
    S: Service<Req>,
    S::Error: Rejectable,
    K: Hash + Eq + Borrow<P::Key>,
    P: KeyOf<Req>,
    P::Key: ToOwned<Owned = K>,
    H: Classify<S::Response, S::Error> + Clone,
{
    type Response = <H::AtEnd as AtEnd<S::Response>>::Response<Slot>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, H>;

    /// Whose slots to ask is known when the request is there.
    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let slots = &self.slots;
        let deadline = Deadline::current();
        let entered = self.key_of.with_key(&request, |key| key.map(|key| slots.enter(key, deadline)));
        let hold = self.hold.clone();
        let Some(entered) = entered else { return ResponseFuture::passing(self.inner.call(request), hold) };
        match entered.or_else(|slots| slots.enter(deadline)) {
            Ok(slot) => ResponseFuture::calling(self.inner.call(request), slot, hold),
            Err(rejected) => ResponseFuture::rejected(rejected),
        }
    }
}

impl<S, Req, K, P, Q, H> Service<Req> for KeyedBulkhead<S, K, P, Q, H>
where
    Q: Queueing,
    S: Service<Req> + Clone,
    S::Error: Rejectable,
    K: Hash + Eq + Borrow<P::Key>,
    P: KeyOf<Req>,
    P::Key: ToOwned<Owned = K>,
    H: Classify<S::Response, S::Error> + Clone,
{
    type Response = <H::AtEnd as AtEnd<S::Response>>::Response<Slot>;
    type Error = S::Error;
    type Future = QueuedFuture<S, Req, S::Future, H>;

    /// Always ready: a call that waits for its turn must not hold the readiness of the inside meanwhile.
    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let slots = &self.slots;
        let deadline = Deadline::current();
        let entered = self.key_of.with_key(&request, |key| key.map(|key| slots.enter(key, deadline)));
        let (service, hold) = (self.inner.clone(), self.hold.clone());
        match entered {
            None => QueuedFuture::passing(service, request, hold),
            Some(Ok(slot)) => QueuedFuture::readying(slot, deadline, service, request, hold),
            Some(Err(slots)) => QueuedFuture::waiting(
                slots.join(self.queue.queue(), deadline),
                deadline,
                service,
                request,
                hold,
            ),
        }
    }
}

impl<S: fmt::Debug, K, P, Q, H> fmt::Debug for KeyedBulkhead<S, K, P, Q, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBulkhead")
            .field("inner", &self.inner)
            .field("slots", &self.slots)
            .finish_non_exhaustive()
    }
}

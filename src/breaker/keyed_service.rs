//! The service: asks the circuit of the request's key, then the inside.

use super::{Circuits, KeyedResponseFuture, Permit, ResponseFuture};
use crate::{
    keyed::KeyOf,
    outcome::{AtEnd, Classify, ErrorsFail},
    rejected::Rejectable,
};
use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    task::{Context, Poll},
};
use tower_service::Service;

/// A service behind a circuit for each key. See [`KeyedBreakerLayer`](super::KeyedBreakerLayer).
pub struct KeyedBreaker<S, K, P, C = ErrorsFail> {
    inner: S,
    circuits: Circuits<K>,
    key_of: P,
    classify: C,
}

impl<S, K, P, C> KeyedBreaker<S, K, P, C> {
    pub(super) fn new(inner: S, circuits: Circuits<K>, key_of: P, classify: C) -> Self {
        Self { inner, circuits, key_of, classify }
    }
}

impl<S: Clone, K, P: Clone, C: Clone> Clone for KeyedBreaker<S, K, P, C> {
    fn clone(&self) -> Self {
        let Self { inner, circuits, key_of, classify } = self;
        Self::new(inner.clone(), circuits.clone(), key_of.clone(), classify.clone())
    }
}

impl<S, Req, K, P, C> Service<Req> for KeyedBreaker<S, K, P, C>
where
    S: Service<Req>,
    S::Error: Rejectable,
    K: Hash + Eq + Borrow<P::Key>,
    P: KeyOf<Req>,
    P::Key: ToOwned<Owned = K>,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = <C::AtEnd as AtEnd<S::Response>>::Response<Permit>;
    type Error = S::Error;
    type Future = KeyedResponseFuture<S::Future, C>;

    /// Which circuit to ask is known when the request is there.
    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let circuits = &self.circuits;
        match self.key_of.with_key(&request, |key| key.map(|key| circuits.ask(key))) {
            Some(Ok(mut permit)) => {
                permit.begin();
                KeyedResponseFuture::asked(ResponseFuture::calling(permit, self.classify.clone(), || {
                    self.inner.call(request)
                }))
            }
            Some(Err(rejected)) => KeyedResponseFuture::asked(ResponseFuture::refused(rejected)),
            None => KeyedResponseFuture::passing(self.inner.call(request)),
        }
    }
}

impl<S: fmt::Debug, K, P, C> fmt::Debug for KeyedBreaker<S, K, P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBreaker")
            .field("inner", &self.inner)
            .field("circuits", &self.circuits)
            .finish_non_exhaustive()
    }
}

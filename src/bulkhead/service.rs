//! The service: takes a slot first, then calls the inside.

use super::{NoQueue, QueuedFuture, Queueing, ResponseFuture, Slot, Slots, ToHead, shared::Shared};
use crate::{
    deadline::Deadline,
    outcome::{AtEnd, Classify},
    rejected::{Reason, Rejectable},
};
use std::{
    fmt, mem,
    task::{Context, Poll},
};
use tower_service::Service;

/// A service that is called so many times at once, and no more. See the [module](super).
pub struct Bulkhead<S, Q = NoQueue, H = ToHead> {
    inner: S,
    slots: Slots,
    /// Those of `slots`, without the way over the handle.
    shared: &'static Shared,
    queue: Q,
    hold: H,
    /// `poll_ready` found no slot free and did not ask inside: this call is refused. Never with a queue.
    refused: bool,
}

impl<S, Q, H> Bulkhead<S, Q, H> {
    pub(super) fn new(inner: S, slots: Slots, queue: Q, hold: H) -> Self {
        Self { inner, shared: slots.owner().shared, slots, queue, hold, refused: false }
    }
}

/// A clone starts afresh: readiness belongs to the instance.
impl<S: Clone, Q: Clone, H: Clone> Clone for Bulkhead<S, Q, H> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.slots.clone(), self.queue.clone(), self.hold.clone())
    }
}

impl<S, Req, H> Service<Req> for Bulkhead<S, NoQueue, H>
where
    S: Service<Req>,
    S::Error: Rejectable,
    H: Classify<S::Response, S::Error> + Clone,
{
    type Response = <H::AtEnd as AtEnd<S::Response>>::Response<Slot>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, H>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.refused = self.shared.compartment.is_full();
        if self.refused { Poll::Ready(Ok(())) } else { self.inner.poll_ready(cx) }
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let entered = if mem::take(&mut self.refused) {
            Err(Reason::Full)
        } else {
            self.shared.enter(Deadline::current())
        };
        match entered {
            Ok(slot) => ResponseFuture::calling(self.inner.call(request), slot, self.hold.clone()),
            Err(reason) => ResponseFuture::refused(&self.slots, reason),
        }
    }
}

impl<S, Req, Q, H> Service<Req> for Bulkhead<S, Q, H>
where
    Q: Queueing,
    S: Service<Req> + Clone,
    S::Error: Rejectable,
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
        let (service, hold) = (self.inner.clone(), self.hold.clone());
        let deadline = Deadline::current();
        match self.shared.enter(deadline) {
            Ok(slot) => QueuedFuture::readying(slot, deadline, service, request, hold),
            Err(reason) => {
                let acquire = self.slots.ask(reason, self.queue.queue(), deadline);
                QueuedFuture::waiting(acquire, deadline, service, request, hold)
            }
        }
    }
}

impl<S: fmt::Debug, Q: fmt::Debug, H> fmt::Debug for Bulkhead<S, Q, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulkhead")
            .field("inner", &self.inner)
            .field("slots", &self.slots)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

//! The layer: slots around a service.

use super::{Bulkhead, NoQueue, Queue, Queueing, Slots, ToHead};
use std::time::Duration;
use tower_layer::Layer;

/// Puts [`Slots`] around a service. See the [module](super).
///
/// `Q` says who waits: [`NoQueue`], or a [`Queue`], for which the service inside has to be `Clone`. `H` says how long a slot
/// is held.
#[derive(Clone, Debug)]
pub struct BulkheadLayer<Q = NoQueue, H = ToHead> {
    slots: Slots,
    queue: Q,
    hold: H,
}

impl BulkheadLayer {
    /// Around these slots: a call that finds none free is refused, and a slot is held until there is an answer.
    #[must_use]
    pub fn new(slots: &Slots) -> Self {
        Self { slots: slots.clone(), queue: NoQueue::new(), hold: ToHead::new() }
    }
}

impl<Q, H> BulkheadLayer<Q, H> {
    /// Calls that find no slot free join a queue where fewer than `len` wait: see [`Queue::new`]. Each waits for a second
    /// at most, unless [`max_wait`](BulkheadLayer::max_wait) says otherwise.
    #[must_use]
    pub fn queue(self, len: u32) -> BulkheadLayer<Queue, H> {
        let Self { slots, hold, .. } = self;
        BulkheadLayer { slots, queue: Queue::new(len), hold }
    }

    /// The same, by a queue that is asked for anew by each call that finds no slot free: a [`LiveQueue`](super::LiveQueue).
    #[must_use]
    pub fn queue_by<N: Queueing>(self, queue: N) -> BulkheadLayer<N, H> {
        let Self { slots, hold, .. } = self;
        BulkheadLayer { slots, queue, hold }
    }

    /// The slots.
    #[must_use]
    pub const fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Who waits.
    #[cfg(feature = "http")]
    pub(crate) const fn queueing(&self) -> &Q {
        &self.queue
    }

    /// Holds each slot until this classifier knows its verdict: `http::ToEnd` holds it to the end of the body. What the
    /// verdict is makes no difference.
    #[must_use]
    pub fn hold<D>(self, until: D) -> BulkheadLayer<Q, D> {
        let Self { slots, queue, .. } = self;
        BulkheadLayer { slots, queue, hold: until }
    }
}

impl<H> BulkheadLayer<Queue, H> {
    /// The longest wait in the queue: see [`Queue::max_wait`].
    #[must_use]
    pub fn max_wait(mut self, time: Duration) -> Self {
        self.queue = self.queue.max_wait(time);
        self
    }
}

impl<S, Q: Clone, H: Clone> Layer<S> for BulkheadLayer<Q, H> {
    type Service = Bulkhead<S, Q, H>;

    fn layer(&self, inner: S) -> Bulkhead<S, Q, H> {
        Bulkhead::new(inner, self.slots.clone(), self.queue.clone(), self.hold.clone())
    }
}

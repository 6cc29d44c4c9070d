//! The layer: slots for each key, around one service.

use super::{KeyedBulkhead, KeyedSlots, NoQueue, Queue, Queueing, ToHead};
use crate::keyed;
use std::{borrow::Cow, fmt, time::Duration};
use tower_layer::Layer;

/// Puts [`KeyedSlots`] around a service that reaches many: each call takes a slot of its key.
///
/// | question | answer |
/// |---|---|
/// | `poll_ready`, without a queue | asks inside, and nothing else: it cannot know which key comes next. The slot is taken in `call`, before the inside is called |
/// | an inner service that is not ready | is not ready for any key: where one host may block it for all, put a bulkhead into each host's own service instead, or take a queue, which asks inside after the turn has come |
/// | a request without a key | passes through, uncounted |
/// | everything else | as in the [`BulkheadLayer`](super::BulkheadLayer) |
///
/// HTTP clients are keyed by authority in one word, `KeyedBulkheadLayer::per_authority` (feature `http`). By anything else:
///
/// ```
/// use std::{borrow::Cow, future::pending, io};
/// use buttress::{bulkhead::{KeyedBulkheadLayer, KeyedSlots}, over};
/// # use tower::{Service, ServiceExt};
///
/// let slots = KeyedSlots::new(100, 1);
/// let by_table = KeyedBulkheadLayer::new(&slots, |query: &String| query.split(' ').nth(3).map(Cow::from));
/// let mut database = over(by_table, tower::service_fn(|_: String| pending::<Result<(), io::Error>>()));
///
/// # #[tokio::main(flavor = "current_thread")] async fn main_of(mut database: impl Service<String, Error: std::fmt::Debug, Response: std::fmt::Debug>, slots: KeyedSlots) {
/// let slow = database.ready().await.unwrap().call("select id from orders".into());
/// let other = database.ready().await.unwrap().call("select id from users".into());
/// let third = database.ready().await.unwrap().call("select id from orders".into());
/// assert!(third.await.is_err());
/// assert_eq!(slots.known("users").unwrap().in_flight(), 1);
/// # drop((slow, other));
/// # }
/// # main_of(database, slots);
/// ```
pub struct KeyedBulkheadLayer<K, P, Q = NoQueue, H = ToHead> {
    slots: KeyedSlots<K>,
    key_of: P,
    queue: Q,
    hold: H,
}

impl<K, F, Q: ?Sized> KeyedBulkheadLayer<K, keyed::By<F, Q>> {
    /// Around these slots, by the key that `key` finds in a request: a call that finds none free is refused, and a slot is
    /// held until there is an answer.
    #[must_use]
    pub fn new<Req>(slots: &KeyedSlots<K>, key: F) -> Self
    where
        F: for<'r> Fn(&'r Req) -> Option<Cow<'r, Q>>,
        Q: ToOwned<Owned = K>,
    {
        Self::by(slots, keyed::By::new(key))
    }
}

impl<K, P> KeyedBulkheadLayer<K, P> {
    /// The same, by whatever finds the key.
    #[must_use]
    pub fn by(slots: &KeyedSlots<K>, key_of: P) -> Self {
        Self { slots: slots.clone(), key_of, queue: NoQueue::new(), hold: ToHead::new() }
    }
}

impl<K, P, Q, H> KeyedBulkheadLayer<K, P, Q, H> {
    /// A queue for each key: see [`BulkheadLayer::queue`](super::BulkheadLayer::queue).
    #[must_use]
    pub fn queue(self, len: u32) -> KeyedBulkheadLayer<K, P, Queue, H> {
        let Self { slots, key_of, hold, .. } = self;
        KeyedBulkheadLayer { slots, key_of, queue: Queue::new(len), hold }
    }

    /// The same, by a queue that is asked for anew: see [`BulkheadLayer::queue_by`](super::BulkheadLayer::queue_by).
    #[must_use]
    pub fn queue_by<N: Queueing>(self, queue: N) -> KeyedBulkheadLayer<K, P, N, H> {
        let Self { slots, key_of, hold, .. } = self;
        KeyedBulkheadLayer { slots, key_of, queue, hold }
    }

    /// Holds each slot until this classifier knows its verdict: see [`BulkheadLayer::hold`](super::BulkheadLayer::hold).
    #[must_use]
    pub fn hold<D>(self, until: D) -> KeyedBulkheadLayer<K, P, Q, D> {
        let Self { slots, key_of, queue, .. } = self;
        KeyedBulkheadLayer { slots, key_of, queue, hold: until }
    }

    /// Who waits.
    #[cfg(feature = "http")]
    pub(crate) const fn queueing(&self) -> &Q {
        &self.queue
    }

    /// The slots.
    #[must_use]
    pub const fn slots(&self) -> &KeyedSlots<K> {
        &self.slots
    }
}

impl<K, P, H> KeyedBulkheadLayer<K, P, Queue, H> {
    /// The longest wait in the queue: see [`Queue::max_wait`].
    #[must_use]
    pub fn max_wait(mut self, time: Duration) -> Self {
        self.queue = self.queue.max_wait(time);
        self
    }
}

impl<S, K, P: Clone, Q: Clone, H: Clone> Layer<S> for KeyedBulkheadLayer<K, P, Q, H> {
    type Service = KeyedBulkhead<S, K, P, Q, H>;

    fn layer(&self, inner: S) -> Self::Service {
        let Self { slots, key_of, queue, hold } = self.clone();
        KeyedBulkhead::new(inner, slots, key_of, queue, hold)
    }
}

impl<K, P: Clone, Q: Clone, H: Clone> Clone for KeyedBulkheadLayer<K, P, Q, H> {
    fn clone(&self) -> Self {
        let Self { slots, key_of, queue, hold } = self;
        Self { slots: slots.clone(), key_of: key_of.clone(), queue: queue.clone(), hold: hold.clone() }
    }
}

impl<K, P, Q, H> fmt::Debug for KeyedBulkheadLayer<K, P, Q, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBulkheadLayer").field("slots", &self.slots).finish_non_exhaustive()
    }
}

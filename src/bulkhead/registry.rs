//! Slots for each host, each route, each key: made when first asked for, at most so many.

use super::{Acquire, Queue, Slot, Slots};
use crate::{
    deadline::Deadline,
    keyed::{Family, Kind},
    rejected::{Name, Rejected},
    telemetry::{Observed, Observer},
};
use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};

/// [`Slots`] by key, with one limit for each. Clones are the same slots.
///
/// The trouble: slots around a client of many hosts are taken one and all by the one that is slow. Here each key has slots
/// of its own, from its first call on.
///
/// There are at most so many keys. When all places are taken, a newcomer gets that of the key that was idle longest, of
/// those with nobody inside and nobody waiting. If there is none, newcomers share one more set of slots,
/// [`overflow`](Self::overflow), and [`Event::Overflow`](crate::telemetry::Event::Overflow) says so once, until a newcomer
/// finds a place again. A call that comes for a key at the very instant at which it is given up may run beside the slots that
/// are made anew for it.
///
/// Keys are hosts or routes. Never key by path, user or id: each key is a name, and so a label in your metrics and a word
/// in your logs. The bound holds that damage down, no more.
///
/// ```
/// use buttress::bulkhead::KeyedSlots;
///
/// let slots: KeyedSlots = KeyedSlots::new(100, 1);
/// let orders = slots.try_acquire("orders:80").unwrap();
/// assert_eq!(slots.try_acquire("orders:80").unwrap_err().name(), "orders:80");
/// assert!(slots.try_acquire("payments:80").is_ok());
/// assert_eq!(slots.known("orders:80").unwrap().in_flight(), 1);
/// # drop(orders);
/// ```
pub struct KeyedSlots<K = String> {
    family: Family<K, Limited>,
}

/// Slots of one limit.
#[derive(Clone)]
struct Limited {
    /// Of all handles over one registry.
    limit: Arc<AtomicU32>,
    observed: Observed,
}

impl Kind for Limited {
    type Handle = Slots;

    fn make(&self, name: Name) -> Slots {
        Slots::new(name, self.limit.load(SeqCst)).observed(&self.observed)
    }

    /// Slots that nobody holds and nobody waits for are as good as new ones.
    fn may_leave(slots: &Slots) -> bool {
        slots.in_flight() == 0 && slots.waiting() == 0
    }

    fn name(slots: &Slots) -> Name {
        slots.name()
    }

    fn observed(&self) -> Observed {
        self.observed.clone()
    }
}

impl<K> KeyedSlots<K> {
    /// At most `limit` calls at once for each of at most `bound` keys, named as the keys are written. 0 is taken as 1, and
    /// a bound above [`Registry::MAX_BOUND`](crate::keyed::Registry::MAX_BOUND) as that.
    #[must_use]
    pub fn new(bound: usize, limit: u32) -> Self
    where
        K: fmt::Display + 'static,
    {
        Self::named_by(bound, limit, K::to_string)
    }

    /// The same, named by a function of the key: where keys are no text, or where two sets of slots have some in common. It
    /// is called under a lock, and must not ask for slots.
    ///
    /// ```
    /// use buttress::bulkhead::KeyedSlots;
    ///
    /// let shards = KeyedSlots::named_by(16, 8, |shard: &u8| format!("users-{shard}"));
    /// assert_eq!(shards.get(&7).name().as_str(), "users-7");
    /// ```
    #[must_use]
    pub fn named_by<N: Into<Name>>(
        bound: usize,
        limit: u32,
        name_of: impl Fn(&K) -> N + Send + Sync + 'static,
    ) -> Self {
        let limited = Limited { limit: Arc::new(AtomicU32::new(limit.max(1))), observed: Observed::new() };
        Self { family: Family::named_by(bound, limited, name_of) }
    }

    /// The name of the slots that newcomers share, `"overflow"` where nothing is said. For this handle and the clones that
    /// are made of it from now on, and only as long as those slots have not been made.
    #[must_use]
    pub fn overflow_name(self, name: impl Into<Name>) -> Self {
        Self { family: self.family.overflow_name(name.into()) }
    }

    /// Lets `observer` hear the slots of all keys that are made from now on, by this handle and the clones that are made of
    /// it from now on.
    #[must_use]
    pub fn observe(self, observer: impl Observer) -> Self {
        Self { family: self.family.change(|limited| limited.observed = Observed::by(observer)) }
    }

    /// The most keys that there may be, beside the slots that newcomers share.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.family.registry().bound()
    }

    /// How many may hold a slot of one key at once.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.family.kind().limit.load(SeqCst)
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.family.registry().len()
    }

    /// Whether there are none yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.family.registry().is_empty()
    }
}

impl<K: Hash + Eq> KeyedSlots<K> {
    /// The slots of a key, made if they have not been; or those that newcomers share.
    pub fn get<Q>(&self, key: &Q) -> Slots
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.family.get(key)
    }

    /// Another limit from now on for each key, for the slots that newcomers share, and for those that will be made: as
    /// [`Slots::set_limit`], which sets the limit of one key alone, until the next word here.
    ///
    /// ```
    /// use buttress::bulkhead::KeyedSlots;
    ///
    /// let slots: KeyedSlots = KeyedSlots::new(100, 1);
    /// let one = slots.try_acquire("orders:80").unwrap();
    /// assert!(slots.try_acquire("orders:80").is_err());
    /// slots.set_limit(2);
    /// assert!(slots.try_acquire("orders:80").is_ok());
    /// # drop(one);
    /// ```
    pub fn set_limit(&self, limit: u32) {
        let common = &self.family.kind().limit;
        common.store(limit.max(1), SeqCst);
        loop {
            let limit = common.load(SeqCst);
            // Without the lock of the keys: those who are let in are woken. Slots that are made meanwhile have the limit.
            for slots in self.family.registry().values() {
                slots.set_limit(limit);
            }
            // Of two that set at once, whoever comes last with the older number comes again with the newer one.
            if common.load(SeqCst) == limit {
                return;
            }
        }
    }

    /// A slot of that key, if one is free and nobody waits for it. Where its slots are there, this counts no reference and
    /// allocates nothing.
    ///
    /// # Errors
    /// As [`Slots::try_acquire`].
    pub fn try_acquire<Q>(&self, key: &Q) -> Result<Slot, Rejected>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let deadline = Deadline::current();
        self.enter(key, deadline).or_else(|slots| slots.enter(deadline))
    }

    /// A slot of that key, at once or after its turn in the queue: as [`Slots::acquire`].
    pub fn acquire<Q>(&self, key: &Q, queue: Queue) -> Acquire
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let deadline = Deadline::current();
        match self.enter(key, deadline) {
            Ok(slot) => Acquire::taken(slot),
            Err(slots) => slots.join(queue, deadline),
        }
    }

    /// A slot by the short way, or the slots that are to be asked at length: that is done when the lock is free, since
    /// listeners are told.
    #[inline]
    pub(super) fn enter<Q>(&self, key: &Q, deadline: Option<Deadline>) -> Result<Slot, Slots>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let known = self.family.registry().with_known(key, |slots| {
            slots.owner().shared.enter_quietly(deadline).ok_or_else(|| slots.clone())
        });
        known.unwrap_or_else(|| Err(self.get(key)))
    }

    /// The slots of a key if they have been made. Such a look, from a dashboard or by hand, keeps no key from leaving.
    pub fn known<Q>(&self, key: &Q) -> Option<Slots>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.family.registry().get(key)
    }

    /// Forgets the slots of a key, whoever is inside; the next call makes others.
    pub fn remove<Q>(&self, key: &Q) -> Option<Slots>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.family.registry().remove(key)
    }

    /// The slots that those share who find no place.
    #[must_use]
    pub fn overflow(&self) -> Slots {
        self.family.overflow()
    }

    /// All that there are, with their keys, in no order; without those that newcomers share.
    #[must_use]
    pub fn list(&self) -> Vec<(K, Slots)>
    where
        K: Clone,
    {
        self.family.registry().snapshot()
    }
}

impl<K> Clone for KeyedSlots<K> {
    fn clone(&self) -> Self {
        Self { family: self.family.clone() }
    }
}

impl<K> fmt::Debug for KeyedSlots<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedSlots").field("registry", &self.family).finish_non_exhaustive()
    }
}

//! The shelf behind its lock, and the words that keep most good answers off it.

use super::{Bounds, fresh::Fresh, shelf::Shelf};
use crate::clock::Instant;
use std::{
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// The last good answers of a layer; one for all its services.
pub(crate) struct Store<K, V> {
    bounds: Bounds,
    hasher: RandomState,
    fresh: Fresh,
    shelf: RwLock<Shelf<K, V>>,
}

/// A key and its hash, which is taken once a call.
#[derive(Clone, Debug)]
pub(crate) struct Signed<K> {
    key: K,
    hash: u64,
}

#[cfg(feature = "http")]
impl<K> Signed<K> {
    pub(crate) const fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Hash + Eq, V> Store<K, V> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            hasher: RandomState::new(),
            fresh: Fresh::new(bounds.entries, bounds.refresh_after()),
            shelf: RwLock::new(Shelf::new(bounds)),
        }
    }

    pub(crate) const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    #[inline]
    pub(crate) fn sign(&self, key: K) -> Signed<K> {
        let hash = self.hasher.hash_one(&key);
        Signed { key, hash }
    }

    /// Whether this caller is to keep the answer that is good now.
    #[inline]
    pub(crate) fn claim(&self, key: &Signed<K>, now: Instant) -> bool {
        self.fresh.claim(key.hash, now) && self.wants(key, now)
    }

    #[cold]
    fn wants(&self, key: &Signed<K>, now: Instant) -> bool {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner).wants(&key.key, now)
    }

    /// Keeps what was good at `at`.
    #[cold]
    pub(crate) fn put(&self, key: Signed<K>, value: V, size: usize, at: Instant) {
        let left = {
            let mut shelf = self.shelf.write().unwrap_or_else(PoisonError::into_inner);
            let left = shelf.put(key.key, key.hash, value, size, at);
            for entry in &left.evicted {
                self.fresh.forget(entry.hash());
            }
            left
        };
        // Behind the lock: what leaves can be large, and its drop is the user's code.
        drop((left.replaced, left.evicted));
    }

    /// The key has no good answer any more.
    #[cfg(feature = "http")]
    #[cold]
    pub(crate) fn forget(&self, key: &Signed<K>) {
        let gone = self.shelf.write().unwrap_or_else(PoisonError::into_inner).remove(&key.key);
        drop(gone);
    }

    /// The answer for the key, and its age.
    #[cold]
    pub(crate) fn get(&self, key: &Signed<K>, now: Instant) -> Option<(Arc<V>, Duration)> {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner).get(&key.key, now)
    }
}

impl<K: Hash + Eq, V> fmt::Debug for Store<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shelf = self.shelf.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Store")
            .field("bounds", &self.bounds)
            .field("entries", &shelf.len())
            .field("size", &shelf.size())
            .finish_non_exhaustive()
    }
}

//! A key with its value, and how it is found by a borrowed key.

use std::{
    borrow::Borrow,
    hash::{Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

pub(super) struct Entry<K, V> {
    pub(super) key: K,
    pub(super) value: V,
    /// The tick of its last use.
    used: AtomicU64,
}

impl<K, V> Entry<K, V> {
    pub(super) fn new(key: K, value: V, tick: u64) -> Self {
        Self { key, value, used: AtomicU64::new(tick) }
    }

    /// It is used now. Writes only once a tick, so that cores that share an entry do not take its line from each other.
    #[inline]
    pub(super) fn touch(&self, tick: u64) {
        if self.used.load(Relaxed) < tick {
            self.used.store(tick, Relaxed);
        }
    }

    pub(super) fn used(&self) -> u64 {
        self.used.load(Relaxed)
    }
}

/// An entry as it stands in the index: hashed and compared by its key.
pub(super) struct Shared<K, V>(pub(super) Arc<Entry<K, V>>);

/// What has a key of that form: an entry, or a question.
///
/// `Borrow<Q>` for `Shared` would be the plain way, but that cannot be written for every `Q`: it might be `Shared` itself.
pub(super) trait Keyed<Q: ?Sized> {
    fn key(&self) -> &Q;
}

impl<K: Borrow<Q>, V, Q: ?Sized> Keyed<Q> for Shared<K, V> {
    fn key(&self) -> &Q {
        self.0.key.borrow()
    }
}

/// A question for a key.
pub(super) struct Asked<'a, Q: ?Sized>(pub(super) &'a Q);

impl<Q: ?Sized> Keyed<Q> for Asked<'_, Q> {
    fn key(&self) -> &Q {
        self.0
    }
}

impl<'a, K: Borrow<Q> + 'a, V: 'a, Q: ?Sized + 'a> Borrow<dyn Keyed<Q> + 'a> for Shared<K, V> {
    fn borrow(&self) -> &(dyn Keyed<Q> + 'a) {
        self
    }
}

impl<Q: Hash + ?Sized> Hash for dyn Keyed<Q> + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl<Q: Eq + ?Sized> PartialEq for dyn Keyed<Q> + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<Q: Eq + ?Sized> Eq for dyn Keyed<Q> + '_ {}

impl<K: Hash, V> Hash for Shared<K, V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

impl<K: Eq, V> PartialEq for Shared<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl<K: Eq, V> Eq for Shared<K, V> {}

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
        self.fresh.claim(key.hash, now) && self.is_due(key, now)
    }

    /// The words forget: a key that shares one was there in between.
    #[cold]
    fn is_due(&self, key: &Signed<K>, now: Instant) -> bool {
        let kept = self.shelf.read().unwrap_or_else(PoisonError::into_inner).fresh(&key.key, now);
        // Else the refresh would run from now, and what is kept grow twice as old.
        kept.inspect(|at| self.fresh.correct(key.hash, *at)).is_none()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use std::sync::mpsc;

    const SECOND: Duration = Duration::from_secs(1);

    fn store() -> Store<u32, u32> {
        Store::new(Bounds::age(1000 * SECOND).entries(8).refresh(SECOND))
    }

    #[test]
    fn a_key_that_was_kept_a_moment_ago_takes_no_lock() {
        let (store, now) = (Arc::new(store()), clock::now());
        let key = store.sign(7);
        assert!(store.claim(&key, now));
        store.put(key.clone(), 1, 1, now);
        let (tell, told) = mpsc::channel();
        let locked = store.shelf.write().expect("not poisoned");
        let shared = Arc::clone(&store);
        let other = std::thread::spawn(move || tell.send(shared.claim(&key, now + SECOND / 2)));
        // It waits only for one that hangs.
        assert_eq!(told.recv_timeout(60 * SECOND), Ok(false));
        drop(locked);
        other.join().expect("no panic").expect("heard");
    }

    /// 16 words: a key that shares this one's, and no tag.
    fn neighbour(store: &Store<u32, u32>, one: &Signed<u32>) -> Signed<u32> {
        (1..100_000)
            .map(|n| store.sign(n))
            .find(|two| two.hash % 16 == one.hash % 16 && two.hash >> 48 != one.hash >> 48)
            .expect("one of so many")
    }

    #[test]
    fn a_key_whose_word_was_taken_is_kept_when_its_own_refresh_is_over() {
        let (store, start) = (store(), clock::now());
        let one = store.sign(0);
        let two = neighbour(&store, &one);
        let claims = |key, millis| store.claim(key, start + Duration::from_millis(millis));
        assert!(claims(&one, 0));
        store.put(one.clone(), 1, 1, start);
        assert!(claims(&two, 10));
        assert!(!claims(&one, 990), "it has its word again, and was kept at 0");
        assert!(claims(&one, 1005));
    }

    #[test]
    fn two_keys_that_share_a_word_are_kept_once_a_refresh_all_the_same() {
        let store = store();
        let one = store.sign(0);
        let two = neighbour(&store, &one);
        let start = clock::now();
        let mut kept = [Vec::new(), Vec::new()];
        let step = if cfg!(miri) { 101 } else { 7 };
        for millis in (0..10_000_u64 / step).map(|turn| turn * step) {
            let now = start + Duration::from_millis(millis);
            for (key, kept) in [&one, &two].into_iter().zip(&mut kept) {
                if store.claim(key, now) {
                    store.put(key.clone(), 1, 1, now);
                    kept.push(millis);
                }
            }
        }
        for kept in kept {
            assert!(kept.len() >= 9, "{kept:?}");
            assert!(
                kept.windows(2).all(|pair| (1000..1003 + step).contains(&(pair[1] - pair[0]))),
                "{kept:?}"
            );
        }
    }
}

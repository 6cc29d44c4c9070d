//! The last good answers by key: which are kept, which leave, which are still good enough. Plain; takes the time.

use super::Bounds;
use crate::clock::{self, Instant};
use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::Arc,
    time::Duration,
};

/// The answers that are kept: one a key, within [`Bounds`].
#[derive(Debug)]
pub(super) struct Shelf<K, V> {
    bounds: Bounds,
    entries: HashMap<Arc<K>, Entry<V>>,
    /// The oldest first; the number tells those of one instant apart.
    by_age: BTreeMap<(Instant, u64), Arc<K>>,
    puts: u64,
    size: usize,
}

#[derive(Debug)]
pub(super) struct Entry<V> {
    value: Arc<V>,
    size: usize,
    hash: u64,
    place: (Instant, u64),
}

impl<V> Entry<V> {
    /// The hash under which it was put.
    pub(super) const fn hash(&self) -> u64 {
        self.hash
    }
}

/// What has left.
#[derive(Debug)]
pub(super) struct Left<V> {
    /// The former answer of the same key.
    pub(super) replaced: Option<Entry<V>>,
    /// Answers of other keys.
    pub(super) evicted: Vec<Entry<V>>,
}

impl<V> Left<V> {
    const fn nothing() -> Self {
        Self { replaced: None, evicted: Vec::new() }
    }
}

impl<K: Hash + Eq, V> Shelf<K, V> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, entries: HashMap::new(), by_age: BTreeMap::new(), puts: 0, size: 0 }
    }

    /// The answer for `key` at `now`, and its age.
    pub(super) fn get(&self, key: &K, now: Instant) -> Option<(Arc<V>, Duration)> {
        let entry = self.entries.get(key)?;
        let age = clock::since(now, entry.place.0);
        (age <= self.bounds.age).then(|| (Arc::clone(&entry.value), age))
    }

    /// When the answer for the key was good, if it is so new that one that is good at `now` need not be kept.
    pub(super) fn fresh(&self, key: &K, now: Instant) -> Option<Instant> {
        let (at, _) = self.entries.get(key)?.place;
        (clock::since(now, at) < self.bounds.refresh_after()).then_some(at)
    }

    /// Keeps an answer that was good at `at`. What is too large is not kept, and neither is what is older than that which
    /// is there: a slow body can come after a quick one that began later.
    pub(super) fn put(&mut self, key: K, hash: u64, value: V, size: usize, at: Instant) -> Left<V> {
        if size > self.bounds.largest() || self.entries.get(&key).is_some_and(|entry| entry.place.0 > at) {
            return Left::nothing();
        }
        let mut left = Left { replaced: self.remove(&key), evicted: Vec::new() };
        while let Some(oldest) = self.leaves(size, at) {
            left.evicted.extend(self.remove(&oldest));
        }
        self.puts += 1;
        let (key, place) = (Arc::new(key), (at, self.puts));
        self.size += size;
        self.by_age.insert(place, Arc::clone(&key));
        self.entries.insert(key, Entry { value: Arc::new(value), size, hash, place });
        left
    }

    /// Who leaves first so that an answer of this size has room.
    fn leaves(&self, size: usize, now: Instant) -> Option<Arc<K>> {
        let (place, key) = self.by_age.first_key_value()?;
        let too_old = clock::since(now, place.0) > self.bounds.age;
        let no_room =
            self.entries.len() >= self.bounds.entries || self.size.saturating_add(size) > self.bounds.size;
        (too_old || no_room).then(|| Arc::clone(key))
    }

    /// Takes the answer of a key away.
    pub(super) fn remove(&mut self, key: &K) -> Option<Entry<V>> {
        let entry = self.entries.remove(key)?;
        self.by_age.remove(&entry.place);
        self.size -= entry.size;
        Some(entry)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) const fn size(&self) -> usize {
        self.size
    }
}

#[cfg(test)]
mod tests;

//! The atomics of the cores, as loom has them.

pub(crate) use loom::sync::atomic::Ordering;
use std::fmt;

/// Loom's, but for the store.
///
/// A compare-and-swap takes the place right after the value that it found, so a store that comes later comes later for
/// everybody. Loom leaves the two unordered, and lets a thread read the older after it has stored the newer itself, which no
/// machine does. As a swap, the store has its place.
pub(crate) struct AtomicU64(loom::sync::atomic::AtomicU64);

impl AtomicU64 {
    pub(crate) fn new(value: u64) -> Self {
        Self(loom::sync::atomic::AtomicU64::new(value))
    }

    pub(crate) fn load(&self, order: Ordering) -> u64 {
        self.0.load(order)
    }

    pub(crate) fn store(&self, value: u64, order: Ordering) {
        self.0.swap(value, order);
    }

    pub(crate) fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        self.0.fetch_add(value, order)
    }

    pub(crate) fn fetch_max(&self, value: u64, order: Ordering) -> u64 {
        self.0.fetch_max(value, order)
    }

    pub(crate) fn fetch_or(&self, value: u64, order: Ordering) -> u64 {
        self.0.fetch_or(value, order)
    }

    pub(crate) fn fetch_and(&self, value: u64, order: Ordering) -> u64 {
        self.0.fetch_and(value, order)
    }

    pub(crate) fn compare_exchange(
        &self,
        from: u64,
        to: u64,
        done: Ordering,
        not: Ordering,
    ) -> Result<u64, u64> {
        self.0.compare_exchange(from, to, done, not)
    }

    pub(crate) fn compare_exchange_weak(
        &self,
        from: u64,
        to: u64,
        done: Ordering,
        not: Ordering,
    ) -> Result<u64, u64> {
        self.0.compare_exchange_weak(from, to, done, not)
    }
}

/// Looks at nothing: what is printed must not add interleavings.
impl fmt::Debug for AtomicU64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AtomicU64")
    }
}

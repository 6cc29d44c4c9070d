//! The core of every budget that is a bucket: one word of tokens that nobody can overdraw.
//!
//! Counted in thousandths, so that a tenth of a token is exact. What is taken is taken by a swap of the word that was looked
//! at, so of two who see the last token one gets it. A full bucket is not written to: where nothing fails, calls on many
//! cores only read.

use super::sync::{AtomicU64, Ordering::Relaxed};

/// Thousandths of a token.
pub(super) const TOKEN: u64 = 1000;

#[derive(Debug)]
pub(super) struct Level {
    now: AtomicU64,
    max: u64,
}

impl Level {
    /// A full one.
    pub(super) fn full(max: u64) -> Self {
        Self { now: AtomicU64::new(max), max }
    }

    #[inline]
    pub(super) fn now(&self) -> u64 {
        self.now.load(Relaxed)
    }

    #[inline]
    pub(super) const fn max(&self) -> u64 {
        self.max
    }

    /// Puts `much` in, as far as there is room. Whether anything has changed.
    #[inline]
    pub(super) fn put(&self, much: u64) -> bool {
        let mut now = self.now();
        while now < self.max {
            let then = now.saturating_add(much).min(self.max);
            match self.now.compare_exchange_weak(now, then, Relaxed, Relaxed) {
                Ok(_) => return then != now,
                Err(other) => now = other,
            }
        }
        false
    }

    /// Takes `much`, if there is that much, and more than `above` before it is taken.
    pub(super) fn take(&self, much: u64, above: Option<u64>) -> bool {
        let mut now = self.now();
        while now >= much && above.is_none_or(|above| now > above) {
            match self.now.compare_exchange_weak(now, now - much, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(other) => now = other,
            }
        }
        false
    }

    /// Takes `much`, or all where there is less. Whether anything has changed.
    pub(super) fn drain(&self, much: u64) -> bool {
        let mut now = self.now();
        while now > 0 {
            let then = now.saturating_sub(much);
            match self.now.compare_exchange_weak(now, then, Relaxed, Relaxed) {
                Ok(_) => return then != now,
                Err(other) => now = other,
            }
        }
        false
    }
}

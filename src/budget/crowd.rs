//! The core of a budget by concurrency: how many calls run, how many of their attempts are extra ones, in one word.

use super::sync::{AtomicU64, Ordering::Relaxed};

/// A billion billionths: all.
const WHOLE: u64 = 1_000_000_000;
/// Extra attempts are counted in the upper half.
const ONE_EXTRA: u64 = 1 << 32;

#[derive(Debug)]
pub(super) struct Crowd {
    word: AtomicU64,
}

impl Crowd {
    pub(super) fn new() -> Self {
        Self { word: AtomicU64::new(0) }
    }

    /// Calls, and extra attempts beside them.
    pub(super) fn count(&self) -> (u32, u32) {
        let word = self.word.load(Relaxed);
        (word as u32, (word >> 32) as u32)
    }

    /// A call has begun.
    pub(super) fn enter(&self) {
        self.word.fetch_add(1, Relaxed);
    }

    /// That call, and so many extra attempts that have not ended yet, are over.
    pub(super) fn leave(&self, extras: u32) {
        self.word.fetch_sub(1 + u64::from(extras) * ONE_EXTRA, Relaxed);
    }

    /// One more attempt, while there are fewer extra ones than `floor`, or while their share of all that run is no more than
    /// so many billionths.
    pub(super) fn take(&self, billionths: u32, floor: u32) -> bool {
        let mut word = self.word.load(Relaxed);
        loop {
            let (calls, extras) = (u64::from(word as u32), word >> 32);
            let within = extras * WHOLE <= u64::from(billionths) * (calls + extras);
            if extras >= u64::from(floor) && !within {
                return false;
            }
            match self.word.compare_exchange_weak(word, word + ONE_EXTRA, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(other) => word = other,
            }
        }
    }

    /// That attempt has ended.
    pub(super) fn give_back(&self) {
        self.word.fetch_sub(ONE_EXTRA, Relaxed);
    }
}

//! The results of the last while, counted without a lock: a fixed number of buckets, each one word.
//!
//! A bucket's word carries the lap of the clock that it belongs to. A record that finds an older lap starts the bucket
//! anew in the same swap that counts it, so that time passes without anybody sweeping. A record that finds a newer lap (a
//! clock that went back) counts there: nothing is wiped.
//!
//! Laps are cut short, and after a night without calls over a short window an old one would look like a new one. So the
//! first record of a lap takes away what is older than the lap before: what is in the buckets is never old enough for that.

use super::{
    ring::Totals,
    sync::{AtomicU64, Ordering},
};

/// Buckets a window: the oldest tenth leaves at a time.
pub(super) const BUCKETS: u64 = 10;

/// One bucket. The bits: lap 24, generation 4, calls 18, of which failed 18.
///
/// A second word of the same make counts the slow ones in the place of the failed, where that is asked for.
#[derive(Clone, Copy)]
struct Bucket(u64);

const COUNT: u64 = (1 << 18) - 1;
const CALL: u64 = 1 << 18;
const MARK_AT: u32 = 36;

/// Lap and generation: what a bucket must carry to count.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark(u64);

const GENERATION: u64 = 0xf;
const LAP: u64 = (1 << 24) - 1;

impl Mark {
    const fn new(lap: u64, generation: u32) -> Self {
        Self((lap & LAP) << 4 | generation as u64 & GENERATION)
    }

    const fn is_of(self, generation: u32) -> bool {
        self.0 & GENERATION == generation as u64 & GENERATION
    }

    /// Of the same lap or a later one. Laps come round after two days of a window of ten milliseconds: what is up to half of
    /// that ahead is later, the rest is the past.
    const fn is_since(self, other: Self) -> bool {
        (self.0 >> 4).wrapping_sub(other.0 >> 4) & LAP < LAP / 2
    }
}

impl Bucket {
    const fn empty(mark: Mark) -> Self {
        Self(mark.0 << MARK_AT)
    }

    /// Of a lap that is over: it counts for nothing, and the first record starts it anew.
    const fn over(lap: u64, generation: u32) -> Self {
        Self::empty(Mark::new(lap.wrapping_sub(2), generation))
    }

    const fn mark(self) -> Mark {
        Mark(self.0 >> MARK_AT)
    }

    const fn calls(self) -> u64 {
        (self.0 / CALL) & COUNT
    }

    const fn hits(self) -> u64 {
        self.0 & COUNT
    }

    /// One call more. A bucket that is full keeps its rate: both counts are halved first.
    const fn with(self, hit: bool) -> Self {
        let fits = if self.calls() < COUNT {
            self
        } else {
            Self((self.mark().0 << MARK_AT) | (self.calls() / 2 * CALL) | (self.hits() / 2))
        };
        Self(fits.0 + CALL + hit as u64)
    }
}

#[derive(Debug)]
pub(super) struct Buckets {
    words: Box<[AtomicU64]>,
    /// The number of the last bucket that saw a failure or a slow call, plus the length of the window: until then a
    /// success has something to be weighed against.
    uneasy_until: AtomicU64,
    /// The last lap that has begun, in full.
    lap: AtomicU64,
}

/// After so many laps without a record the marks say nothing.
const LONG: u64 = LAP / 4;

/// What a record found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing in the window can open the circuit.
    Quiet,
    /// The window holds failures or slow calls: so many of so many.
    Uneasy(Totals),
    /// The record belongs to an earlier generation.
    Stale,
}

impl Buckets {
    pub(super) fn new(with_slow: bool) -> Self {
        let words = if with_slow { 2 * BUCKETS } else { BUCKETS };
        Self {
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
            uneasy_until: AtomicU64::new(0),
            lap: AtomicU64::new(0),
        }
    }

    /// Empty, for `generation`. Only under the slot's lock.
    pub(super) fn clear(&self, generation: u32, now: u64) {
        for word in &self.words {
            word.store(Bucket::over(now / BUCKETS, generation).0, Ordering::Release);
        }
        self.uneasy_until.store(0, Ordering::Release);
        self.lap.store(now / BUCKETS, Ordering::Release);
    }

    /// Takes away what is older than the lap before this one. Who records in a lap has been through here first, or finds
    /// that somebody has.
    #[cold]
    fn begin_lap(&self, lap: u64, generation: u32) {
        let last = self.lap.load(Ordering::Acquire);
        let Some(laps) = lap.checked_sub(last).filter(|laps| *laps > 0) else { return };
        for at in &self.words {
            let mut word = at.load(Ordering::Acquire);
            while Bucket(word).mark().is_of(generation)
                && (laps > LONG || !Bucket(word).mark().is_since(Mark::new(lap.wrapping_sub(1), generation)))
            {
                // Somebody else has begun it meanwhile, and what is there now may be of today.
                if self.lap.load(Ordering::Acquire) != last {
                    return;
                }
                let over = Bucket::over(lap, generation).0;
                match at.compare_exchange_weak(word, over, Ordering::AcqRel, Ordering::Acquire) {
                    Ok(_) => break,
                    Err(now) => word = now,
                }
            }
        }
        self.lap.fetch_max(lap, Ordering::AcqRel);
    }

    #[inline]
    fn has_begun(&self, lap: u64) -> bool {
        self.lap.load(Ordering::Acquire) >= lap
    }

    /// The short way for a success where no failure and no slow call can be in the window. `false` where nothing was done.
    #[inline]
    pub(super) fn record_quietly(&self, generation: u32, now: u64) -> bool {
        self.uneasy_until.load(Ordering::Acquire) <= now
            && self.has_begun(now / BUCKETS)
            && !self.has_slow()
            && count(
                &self.words[(now % BUCKETS) as usize],
                Mark::new(now / BUCKETS, generation),
                generation,
                false,
            )
    }

    /// Records one result in the bucket of number `now` (the time in widths of a bucket).
    #[inline]
    pub(super) fn record(&self, generation: u32, now: u64, failed: bool, slow: bool) -> Found {
        let mark = Mark::new(now / BUCKETS, generation);
        let at = (now % BUCKETS) as usize;
        if !self.has_begun(now / BUCKETS) {
            self.begin_lap(now / BUCKETS, generation);
        }
        if failed || slow {
            self.uneasy_until.fetch_max(now + BUCKETS, Ordering::AcqRel);
        }
        if !count(&self.words[at], mark, generation, failed) {
            return Found::Stale;
        }
        if self.has_slow() && !count(&self.words[at + BUCKETS as usize], mark, generation, slow) {
            return Found::Stale;
        }
        if self.uneasy_until.load(Ordering::Acquire) <= now {
            return Found::Quiet;
        }
        Found::Uneasy(self.totals(generation, now))
    }

    /// What the buckets of the last while hold.
    pub(super) fn totals(&self, generation: u32, now: u64) -> Totals {
        if !self.has_begun((now / BUCKETS).saturating_sub(1)) {
            return Totals::default();
        }
        let (calls, failed) = sum(&self.words[..BUCKETS as usize], generation, now);
        let slow = if self.has_slow() { sum(&self.words[BUCKETS as usize..], generation, now).1 } else { 0 };
        Totals { calls, failed, slow }
    }

    pub(super) fn has_slow(&self) -> bool {
        self.words.len() > BUCKETS as usize
    }
}

/// Counts one call into a bucket. False where the bucket is of another generation.
#[inline]
fn count(at: &AtomicU64, mark: Mark, generation: u32, hit: bool) -> bool {
    let mut word = at.load(Ordering::Acquire);
    loop {
        let bucket = Bucket(word);
        if !bucket.mark().is_of(generation) {
            return false;
        }
        let current = if bucket.mark().is_since(mark) { bucket } else { Bucket::empty(mark) };
        match at.compare_exchange_weak(word, current.with(hit).0, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return true,
            Err(now) => word = now,
        }
    }
}

fn sum(words: &[AtomicU64], generation: u32, now: u64) -> (u32, u32) {
    let (mut calls, mut hits) = (0u64, 0u64);
    for (at, word) in (0u64..).zip(words) {
        let bucket = Bucket(word.load(Ordering::Acquire));
        // The newest number that belongs to this place and is not after now.
        let back = (now % BUCKETS + BUCKETS - at) % BUCKETS;
        let Some(number) = now.checked_sub(back) else { continue };
        let mark = Mark::new(number / BUCKETS, generation);
        if bucket.mark().is_of(generation) && bucket.mark().is_since(mark) {
            calls += bucket.calls();
            hits += bucket.hits();
        }
    }
    // Ten buckets of eighteen bits fit.
    (calls as u32, hits as u32)
}

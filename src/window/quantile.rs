//! The time that so large a share of the last calls took no longer than.

use super::{
    Ratio,
    scale::{self, STEPS},
    sync::{AtomicU64, Ordering::Relaxed},
    tally::{LONGEST_TURN, Tally},
};
use std::{fmt, time::Duration};

/// A quantile of the last durations, in fixed memory, recorded by many threads without a lock.
///
/// The trouble: "the time in which 95 of 100 calls answer" is a question about all calls, and the mean with a few deviations
/// is no answer to it, since durations have long tails. Sorting the last thousand for every call is one, and costs what it
/// costs. This one counts durations on a scale of sixteen steps for each doubling, which is a fixed number of words, and one
/// addition and one swap a call.
///
/// ```
/// use std::time::Duration;
/// use buttress::window::{Quantile, Ratio};
///
/// let p95 = Quantile::new(Ratio::percent(95));
/// for millis in 1..=1000 {
///     p95.record(Duration::from_millis(millis));
/// }
/// let time = p95.get().unwrap();
/// assert!(time >= Duration::from_millis(950) && time <= Duration::from_millis(1010), "{time:?}");
/// ```
///
/// # What it answers
///
/// - **Of which durations.** The last [`over`](Self::over) ones, up to twice as many: they leave in turns, the older half at
///   once. [`get`](Self::get) keeps its answer for a sixteenth of a turn.
/// - **How exact.** Never less than the exact quantile of those, and at most a sixteenth and a microsecond more. Durations of
///   over 71 minutes count as 71 minutes.
/// - **Of too few.** Nothing, until there have been [`least`](Self::least) of them.
///
/// A share of 0 is the least of them, a share of all the longest. No clock is read, so a quiet night ages nothing.
pub struct Quantile {
    tally: Tally,
    share: Ratio,
    least: u64,
    /// The last answer, in microseconds, and below it the number of the sample it was made at, cut to 32 bits.
    known: AtomicU64,
}

/// No answer yet. As an answer it would be 71 minutes after four billion samples, and only be made again.
const UNKNOWN: u64 = u64::MAX;

const SHORTEST_TURN: u32 = 4;
const TURN: u32 = 10;
const LEAST: u64 = 100;

impl Quantile {
    /// Over the last 1024, once there have been 100.
    #[must_use]
    pub fn new(share: Ratio) -> Self {
        Self { tally: Tally::new(STEPS, TURN), share, least: LEAST, known: AtomicU64::new(UNKNOWN) }
    }

    /// Over so many of the last durations, rounded up to a power of two: at least 16, at most 8 388 608. Forgets what was
    /// recorded. To be told apart, a share of 99.9 % needs some thousands.
    #[must_use]
    pub fn over(mut self, samples: u32) -> Self {
        let turn = samples.checked_next_power_of_two().map_or(LONGEST_TURN, u32::ilog2);
        self.tally = Tally::new(STEPS, turn.clamp(SHORTEST_TURN, LONGEST_TURN));
        self.known = AtomicU64::new(UNKNOWN);
        self
    }

    /// Answers only once there have been so many; at least 1.
    #[must_use]
    pub const fn least(mut self, samples: u32) -> Self {
        self.least = if samples == 0 { 1 } else { samples as u64 };
        self
    }

    /// Which share it is the quantile of.
    #[must_use]
    pub const fn share(&self) -> Ratio {
        self.share
    }

    /// How many were recorded, the forgotten ones included.
    #[must_use]
    pub fn recorded(&self) -> u64 {
        self.tally.recorded()
    }

    /// Records a duration.
    #[inline]
    pub fn record(&self, time: Duration) {
        self.tally.record(scale::step_of(time));
    }

    /// The quantile; `None` before there have been enough. What it once found it answers until a sixteenth of a turn later.
    #[must_use]
    pub fn get(&self) -> Option<Duration> {
        let recorded = self.tally.recorded();
        if recorded < self.least {
            return None;
        }
        let known = self.known.load(Relaxed);
        let age = u64::from((recorded as u32).wrapping_sub(known as u32));
        if known != UNKNOWN && age < 1 << (self.tally.turn() - SHORTEST_TURN) {
            return Some(Duration::from_micros(known >> 32));
        }
        let micros = self.micros()?;
        // Whoever comes second overwrites an answer that is as good.
        self.known.store(u64::from(micros) << 32 | recorded & u64::from(u32::MAX), Relaxed);
        Some(Duration::from_micros(micros.into()))
    }

    /// Looked for anew, through all the steps above it.
    fn micros(&self) -> Option<u32> {
        let share = u128::from(self.share.billionths());
        let step = self.tally.lowest(|counts| {
            // The nearest rank: the smallest duration that at least this share of all is no longer than.
            let rank = (share * u128::from(counts)).div_ceil(u128::from(Ratio::ONE.billionths()));
            counts.saturating_sub((rank as u64).max(1))
        })?;
        Some(scale::micros_of(step))
    }
}

impl fmt::Debug for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quantile")
            .field("share", &self.share)
            .field("recorded", &self.recorded())
            .field("time", &self.get())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

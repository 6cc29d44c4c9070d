//! The sums that a window answers, and the rates in them.

use super::{Ratio, Sample};

/// How many calls a window holds, and how many of them failed or were slow.
///
/// A slow failure counts in both; [`slow_failed`](Self::slow_failed) says how many of those there are. All sums
/// saturate, which takes over five hundred years at a call a nanosecond.
///
/// ```
/// use buttress::window::{Counts, Ratio};
///
/// let counts = Counts::of(8, 2);
/// assert_eq!(counts.succeeded(), 6);
/// assert_eq!(counts.failure_rate(8), Some(Ratio::percent(25)));
/// assert_eq!(counts.failure_rate(9), None); // not enough calls to tell
/// assert!(counts.failure_rate(9) < Some(Ratio::ZERO)); // so no threshold is reached either
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Counts {
    /// All results.
    pub calls: u64,
    /// The failures among them, slow ones included.
    pub failed: u64,
    /// The slow ones among them, failures included.
    pub slow: u64,
    /// Those that were slow and failed.
    pub slow_failed: u64,
}

impl Counts {
    /// So many calls, so many of them failed, none of them slow.
    #[must_use]
    pub const fn of(calls: u64, failed: u64) -> Self {
        Self { calls, failed, slow: 0, slow_failed: 0 }
    }

    /// The same, with so many slow ones, of which so many failed.
    #[must_use]
    pub const fn with_slow(mut self, slow: u64, slow_failed: u64) -> Self {
        self.slow = slow;
        self.slow_failed = slow_failed;
        self
    }

    /// Counts one more.
    #[inline]
    pub const fn record(&mut self, sample: Sample) {
        self.calls = self.calls.saturating_add(1);
        self.failed = self.failed.saturating_add(sample.failed as u64);
        self.slow = self.slow.saturating_add(sample.slow as u64);
        self.slow_failed = self.slow_failed.saturating_add((sample.failed && sample.slow) as u64);
    }

    /// Those that did not fail.
    #[must_use]
    pub const fn succeeded(&self) -> u64 {
        self.calls.saturating_sub(self.failed)
    }

    /// The share that failed; `None` below `min_calls`, and where there is no call at all.
    ///
    /// A count window never holds more than its size: take the smaller of the two as `min_calls`.
    #[must_use]
    pub const fn failure_rate(&self, min_calls: u64) -> Option<Ratio> {
        self.rate(self.failed, min_calls)
    }

    /// The share that was slow; `None` below `min_calls`, and where there is no call at all.
    #[must_use]
    pub const fn slow_rate(&self, min_calls: u64) -> Option<Ratio> {
        self.rate(self.slow, min_calls)
    }

    const fn rate(&self, part: u64, min_calls: u64) -> Option<Ratio> {
        if self.calls == 0 || self.calls < min_calls { None } else { Some(Ratio::of(part, self.calls)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_kinds_of_result_are_told_apart() {
        let mut counts = Counts::default();
        for sample in [Sample::OK, Sample::FAILED, Sample::OK.slow(), Sample::FAILED.slow()] {
            counts.record(sample);
        }
        assert_eq!(counts, Counts::of(4, 2).with_slow(2, 1));
        assert_eq!(counts.succeeded(), 2);
    }

    #[test]
    fn no_rate_is_known_of_no_calls_or_too_few() {
        assert_eq!(Counts::default().failure_rate(0), None);
        assert_eq!(Counts::default().slow_rate(0), None);
        assert_eq!(Counts::of(1, 1).failure_rate(0), Some(Ratio::ONE));
        assert_eq!(Counts::of(4, 4).failure_rate(5), None);
        assert_eq!(Counts::of(5, 5).with_slow(1, 1).slow_rate(5), Some(Ratio::percent(20)));
    }

    #[test]
    fn full_counts_stay_full_and_more_failures_than_calls_are_all() {
        let mut counts = Counts::of(u64::MAX, u64::MAX).with_slow(u64::MAX, u64::MAX);
        counts.record(Sample::FAILED.slow());
        assert_eq!(counts, Counts::of(u64::MAX, u64::MAX).with_slow(u64::MAX, u64::MAX));
        assert_eq!(Counts::of(1, 2).failure_rate(1), Some(Ratio::ONE));
        assert_eq!(Counts::of(1, 2).succeeded(), 0);
    }
}

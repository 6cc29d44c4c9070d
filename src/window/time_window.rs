//! The results of the last so many seconds, in a fixed number of buckets.

use super::{Counts, Sample};
use crate::clock::{self, Instant};
use std::time::Duration;

/// The results of a length of time, in buckets that age and leave whole.
///
/// With ten buckets over ten seconds a result counts for at least nine seconds and never for more than ten: the window
/// is the bucket that is running and the nine before it. Recording costs the same at any traffic, and after any pause:
/// a night without calls is one step.
///
/// The edges of the buckets lie on a grid: whole widths from the instant it was made at, or from one of your choice
/// ([`with_buckets`](Self::with_buckets)). A window that starts its buckets where a call happens to come loses a bit of
/// its length with each.
///
/// A clock that goes backwards counts into the bucket that is running; nothing is lost.
///
/// ```
/// use std::time::Duration;
/// use buttress::{clock, window::{Counts, Sample, TimeWindow}};
///
/// let start = clock::now();
/// let at = |millis| start + Duration::from_millis(millis);
/// let mut window = TimeWindow::new(Duration::from_secs(10), start);
/// window.record(at(900), Sample::FAILED);
/// window.record(at(5_000), Sample::OK);
/// assert_eq!(window.counts(at(9_999)), Counts::of(2, 1));
/// assert_eq!(window.counts(at(10_000)), Counts::of(1, 0)); // the first second has left
/// assert_eq!(window.counts(at(86_400_000)), Counts::of(0, 0));
/// ```
#[derive(Clone, Debug)]
pub struct TimeWindow {
    /// At least one.
    buckets: Box<[Bucket]>,
    /// The bucket that is running; the one after it is the oldest.
    head: usize,
    /// Where the running bucket begins. It only moves forward, by whole widths.
    edge: Instant,
    /// At least [`NARROWEST`].
    width: Duration,
    /// The sum of the buckets, exactly.
    total: Counts,
}

/// A bucket narrower than this holds no two calls that follow each other.
const NARROWEST: u64 = 1_000_000;

impl TimeWindow {
    /// The most buckets that a window has: 2 KiB of them.
    pub const MAX_BUCKETS: u32 = 128;

    /// A window of that length in ten buckets, the first of which begins now.
    ///
    /// A length of zero is the smallest that works, ten milliseconds; [`Duration::MAX`] is some five hundred years.
    #[must_use]
    pub fn new(length: Duration, now: Instant) -> Self {
        Self::with_buckets(length, 10, now)
    }

    /// A window of that length in so many buckets, whose edges lie whole widths from `edge`.
    ///
    /// No buckets is one (it forgets everything at each edge); above [`MAX_BUCKETS`](Self::MAX_BUCKETS) is
    /// `MAX_BUCKETS`. A bucket is never narrower than a millisecond: a shorter window is made that much longer. An edge
    /// in the past puts the buckets on the grid of that clock; with one in the future, the first bucket runs until then
    /// and a width more.
    #[must_use]
    pub fn with_buckets(length: Duration, buckets: u32, edge: Instant) -> Self {
        let buckets = buckets.clamp(1, Self::MAX_BUCKETS);
        // Rounded up: never shorter than was asked for.
        let width = nanos(length).div_ceil(buckets.into()).max(NARROWEST);
        Self {
            buckets: (0..buckets).map(|_| Bucket::default()).collect(),
            head: 0,
            edge,
            width: Duration::from_nanos(width),
            total: Counts::default(),
        }
    }

    /// Counts one result.
    ///
    /// A bucket that holds four billion counts no more, and its rates stay as they are.
    #[inline]
    pub fn record(&mut self, now: Instant, sample: Sample) {
        self.advance(now);
        if self.buckets[self.head].record(sample) {
            self.total.record(sample);
        }
    }

    /// What it holds at `now`.
    #[inline]
    pub fn counts(&mut self, now: Instant) -> Counts {
        self.advance(now);
        self.total
    }

    /// Forgets everything; the edges stay where they are.
    pub fn clear(&mut self) {
        self.buckets.fill(Bucket::default());
        self.total = Counts::default();
    }

    /// The time between two edges.
    #[must_use]
    pub const fn width(&self) -> Duration {
        self.width
    }

    /// Makes the bucket of `now` the running one.
    #[inline]
    fn advance(&mut self, now: Instant) {
        let elapsed = clock::since(now, self.edge);
        if elapsed >= self.width {
            self.turn(now, elapsed);
        }
    }

    /// Lets go of what `elapsed` since the edge has made too old.
    fn turn(&mut self, now: Instant, elapsed: Duration) {
        // In 128 bits: the steps of a long pause over a narrow bucket are never cut off.
        let (steps, into) =
            (elapsed.as_nanos() / self.width.as_nanos(), elapsed.as_nanos() % self.width.as_nanos());
        // Onto the grid, not onto `now`. What has passed of the new bucket is less than a width, so it fits.
        let into = Duration::from_nanos(u64::try_from(into).unwrap_or(0));
        self.edge = now.checked_sub(into).unwrap_or(now);
        if steps >= self.buckets.len() as u128 {
            return self.clear();
        }
        for _ in 0..steps {
            self.head = (self.head + 1) % self.buckets.len();
            std::mem::take(&mut self.buckets[self.head]).leave(&mut self.total);
        }
    }
}

/// Nanoseconds, saturating at some five hundred years.
fn nanos(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}

/// [`Counts`] in half the space: ten of them, with all the rest, stay under 384 bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    calls: u32,
    failed: u32,
    slow: u32,
    slow_failed: u32,
}

impl Bucket {
    /// Counts it, unless the bucket is full. The other sums never pass `calls`, so they fit where it does.
    #[inline]
    fn record(&mut self, sample: Sample) -> bool {
        let Some(calls) = self.calls.checked_add(1) else { return false };
        self.calls = calls;
        self.failed += u32::from(sample.failed);
        self.slow += u32::from(sample.slow);
        self.slow_failed += u32::from(sample.failed && sample.slow);
        true
    }

    /// Takes it out of a total in which it was counted.
    fn leave(self, total: &mut Counts) {
        total.calls -= u64::from(self.calls);
        total.failed -= u64::from(self.failed);
        total.slow -= u64::from(self.slow);
        total.slow_failed -= u64::from(self.slow_failed);
    }
}

#[cfg(test)]
mod tests;

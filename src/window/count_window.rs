//! The last N results, and only those.

use super::{Counts, Sample};

/// The last N results, one bit each.
///
/// A result in, the oldest out: the counts speak of the last N calls and of nothing before. Recording costs the same
/// at any size. A hundred results take under 100 bytes in all, a thousand about 200; what is slow takes a bit more a
/// call, and is kept only where asked for ([`with_slow`](Self::with_slow)).
///
/// ```
/// use buttress::window::{CountWindow, Counts, Sample};
///
/// let mut window = CountWindow::new(100);
/// for _ in 0..1000 {
///     window.record(Sample::OK);
/// }
/// for _ in 0..60 {
///     window.record(Sample::FAILED);
/// }
/// assert_eq!(window.counts(), Counts::of(100, 60));
/// ```
#[derive(Clone, Debug)]
pub struct CountWindow {
    failed: Plane,
    /// Empty where slow calls are not kept.
    slow: Plane,
    /// Where the next result goes: once the window is full, the place of the oldest.
    next: u32,
    size: u32,
    // What the planes hold, kept up to date by the difference that each result makes.
    calls: u32,
    failures: u32,
    slows: u32,
    slow_failures: u32,
}

impl CountWindow {
    /// The most results that a window holds: 8 KiB, or 16 with slow calls.
    pub const MAX: u32 = 1 << 16;

    /// A window of the last `size` results that tells failures from successes. 0 is 1; above [`MAX`](Self::MAX) is
    /// `MAX`.
    #[must_use]
    pub fn new(size: u32) -> Self {
        let size = size.clamp(1, Self::MAX);
        Self {
            failed: Plane::of(size),
            slow: Plane::of(0),
            next: 0,
            size,
            calls: 0,
            failures: 0,
            slows: 0,
            slow_failures: 0,
        }
    }

    /// The same, which also keeps what was slow. Without this, a slow sample counts as one in good time.
    #[must_use]
    pub fn with_slow(size: u32) -> Self {
        let window = Self::new(size);
        Self { slow: Plane::of(window.size), ..window }
    }

    /// Counts one result, and forgets the one that is N calls old.
    #[inline]
    pub fn record(&mut self, sample: Sample) {
        let sample = sample.slow_if(sample.slow && !self.slow.is_empty());
        // A place that was never written holds zeros: nothing leaves with it.
        let old = Sample {
            failed: self.failed.replace(self.next, sample.failed),
            slow: self.slow.replace(self.next, sample.slow),
        };
        self.next = if self.next + 1 == self.size { 0 } else { self.next + 1 };
        self.calls = (self.calls + 1).min(self.size);
        // The old one is counted in each sum, so that none goes below zero.
        self.failures = self.failures + u32::from(sample.failed) - u32::from(old.failed);
        self.slows = self.slows + u32::from(sample.slow) - u32::from(old.slow);
        self.slow_failures =
            self.slow_failures + u32::from(sample.failed && sample.slow) - u32::from(old.failed && old.slow);
    }

    /// What it holds.
    #[inline]
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            calls: self.calls.into(),
            failed: self.failures.into(),
            slow: self.slows.into(),
            slow_failed: self.slow_failures.into(),
        }
    }

    /// How many results it can hold.
    #[must_use]
    pub const fn size(&self) -> u32 {
        self.size
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.failed.clear();
        self.slow.clear();
        (self.next, self.calls, self.failures, self.slows, self.slow_failures) = (0, 0, 0, 0, 0);
    }
}

/// One bit a result.
#[derive(Clone, Debug)]
struct Plane(Box<[u64]>);

impl Plane {
    fn of(bits: u32) -> Self {
        Self((0..bits.div_ceil(u64::BITS)).map(|_| 0).collect())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes a bit and gives the one that was there; past the end there is none to write, and none was there.
    #[inline]
    fn replace(&mut self, at: u32, bit: bool) -> bool {
        let Some(word) = self.0.get_mut((at / u64::BITS) as usize) else { return false };
        let place = at % u64::BITS;
        let old = *word >> place & 1 == 1;
        *word = *word & !(1 << place) | u64::from(bit) << place;
        old
    }

    fn clear(&mut self) {
        self.0.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    /// Everything it takes: the struct and its heap.
    fn bytes(window: &CountWindow) -> usize {
        size_of_val(window) + size_of_val(&*window.failed.0) + size_of_val(&*window.slow.0)
    }

    #[test]
    fn memory_stays_under_the_bars() {
        assert!(bytes(&CountWindow::new(100)) <= 192);
        assert!(bytes(&CountWindow::new(1000)) <= 320);
        assert!(bytes(&CountWindow::with_slow(100)) <= 256);
        assert!(bytes(&CountWindow::with_slow(1000)) <= 512);
        // The docs say "under 100" and "about 200".
        assert!(bytes(&CountWindow::new(100)) < 100 && bytes(&CountWindow::new(1000)) < 200);
        assert!(bytes(&CountWindow::with_slow(u32::MAX)) <= 16 * 1024 + 128);
    }

    #[test]
    #[cfg_attr(miri, ignore = "as many records as fit, and their sums are the point")]
    fn a_window_of_none_holds_one_and_a_window_of_all_holds_the_most() {
        let mut one = CountWindow::new(0);
        one.record(Sample::FAILED);
        one.record(Sample::OK);
        assert_eq!((one.size(), one.counts()), (1, Counts::of(1, 0)));

        let mut most = CountWindow::new(u32::MAX);
        assert_eq!(most.size(), CountWindow::MAX);
        most.record(Sample::FAILED);
        for _ in 1..CountWindow::MAX {
            most.record(Sample::OK);
        }
        assert_eq!(most.counts(), Counts::of(CountWindow::MAX.into(), 1));
        most.record(Sample::OK);
        assert_eq!(most.counts(), Counts::of(CountWindow::MAX.into(), 0));
    }

    #[test]
    fn failures_show_after_any_number_of_successes() {
        let mut window = CountWindow::new(100);
        (0..1000).for_each(|_| window.record(Sample::OK));
        (0..900).for_each(|_| window.record(Sample::FAILED));
        assert_eq!(window.counts(), Counts::of(100, 100));
    }

    #[test]
    fn without_the_second_plane_nothing_is_slow() {
        let mut window = CountWindow::new(3);
        window.record(Sample::FAILED.slow());
        assert_eq!(window.counts(), Counts::of(1, 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 1000 }, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_holds_the_last_results_and_only_those(
            size in prop_oneof![0..6u32, 60..70u32, 120..200u32],
            keeps_slow in any::<bool>(),
            steps in prop::collection::vec((any::<bool>(), any::<bool>(), 0..200u8), 0..if cfg!(miri) { 45 } else { 450 }),
        ) {
            let mut window = if keeps_slow { CountWindow::with_slow(size) } else { CountWindow::new(size) };
            let mut naive = VecDeque::new();
            for (failed, slow, chance) in steps {
                if chance == 0 {
                    window.clear();
                    naive.clear();
                }
                window.record(Sample::of(failed).slow_if(slow));
                naive.push_back(Sample::of(failed).slow_if(slow && keeps_slow));
                if naive.len() > size.max(1) as usize {
                    naive.pop_front();
                }
                let mut expected = Counts::default();
                naive.iter().for_each(|sample| expected.record(*sample));
                prop_assert_eq!(window.counts(), expected);
            }
        }
    }
}

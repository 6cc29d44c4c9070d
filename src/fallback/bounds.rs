//! How much is kept of the answers that were good, and for how long.

use crate::clock;
use std::time::Duration;

/// The bounds of a last-good fallback: age, number, size.
///
/// ```
/// use std::time::Duration;
/// use buttress::fallback::Bounds;
///
/// // answers of the last ten minutes, for at most 500 keys, each of at most 16 KiB
/// let bounds = Bounds::age(Duration::from_secs(600)).entries(500).each(16 << 10);
/// # drop(bounds);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub(crate) age: Duration,
    pub(crate) entries: usize,
    pub(crate) size: usize,
    pub(crate) each: usize,
    refresh: Duration,
}

impl Bounds {
    /// Answers of up to this age are given: one exactly so old still is. Zero is taken as one millisecond;
    /// [`Duration::MAX`] is no bound.
    ///
    /// The others where they are not set: 1024 keys, 16 MiB in all, 64 KiB an answer, kept anew once a second.
    #[must_use]
    pub const fn age(age: Duration) -> Self {
        let age = if age.is_zero() { clock::GRAIN } else { age };
        Self { age, entries: 1024, size: 16 << 20, each: 64 << 10, refresh: Duration::from_secs(1) }
    }

    /// At most so many keys; at least 1. One more, and that whose answer is oldest leaves. Let it be more than there are in
    /// use: a key that has left is kept again by its next good answer, behind a lock.
    #[must_use]
    pub const fn entries(mut self, entries: u32) -> Self {
        // As far as an address goes, and at least one.
        self.entries = if entries == 0 { 1 } else { entries as usize };
        self
    }

    /// At most so many bytes in all; at least 1. For HTTP it is headers, bodies and keys that count (a URI, and some hundred
    /// bytes around it), for other responses what [`weigh`](super::FallbackLayer::weigh) says. The oldest leave first.
    #[must_use]
    pub const fn size(mut self, bytes: usize) -> Self {
        self.size = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// At most so many bytes for one answer, counted as in [`size`](Self::size); at least 1. A larger one is passed on and
    /// not kept; an earlier answer for its key stays.
    #[must_use]
    pub const fn each(mut self, bytes: usize) -> Self {
        self.each = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// Keeps an answer only where the one that is there is older than this. So the calls in between take no lock and clone
    /// nothing, and what is given in place of an answer may be older than the last good one by as much. At most half of the
    /// age, so that a key that goes well is never without; zero keeps every answer.
    #[must_use]
    pub const fn refresh(mut self, refresh: Duration) -> Self {
        self.refresh = refresh;
        self
    }

    pub(crate) fn refresh_after(&self) -> Duration {
        self.refresh.min(self.age / 2)
    }

    /// The largest single answer.
    pub(crate) fn largest(&self) -> usize {
        self.each.min(self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_the_smallest_that_works_and_max_is_no_bound() {
        let none = Bounds::age(Duration::ZERO).entries(0).size(0).each(0).refresh(Duration::MAX);
        assert_eq!((none.age, none.entries, none.size, none.each), (clock::GRAIN, 1, 1, 1));
        assert_eq!(none.refresh_after(), clock::GRAIN / 2);
        let all = Bounds::age(Duration::MAX).entries(u32::MAX).size(usize::MAX).each(usize::MAX);
        assert_eq!((all.age, all.entries, all.largest()), (Duration::MAX, u32::MAX as usize, usize::MAX));
    }
}

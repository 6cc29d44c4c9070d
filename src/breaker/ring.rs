//! The last N results, counted without a lock.
//!
//! One word holds the place of the next result and how many of the last N failed or were slow; the results themselves
//! are bits in words that carry the tag of their generation. A record takes its place with one compare-and-swap, exchanges
//! its bit with the one that leaves the window, and corrects the counts only where the two differ: a success over a
//! success is that one swap.
//!
//! Each bit is exchanged and each difference is counted exactly once, so the counts are always those of the bits: nothing
//! drifts. Two records that race for more than a whole lap of the ring may change places; both are of the last N by then
//! as near as makes sense to ask.

use super::sync::{AtomicU64, Ordering};

/// The most results a ring holds.
pub(super) const MAX: u32 = 4095;

/// Results a word, beside its tag: of a thousand results each word is full.
const BITS: u32 = 50;

/// What the ring holds after a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) calls: u32,
    pub(super) failed: u32,
    pub(super) slow: u32,
}

/// Place and counts. The bits: tag 25, full 1, place 12, failed 13, slow 13.
///
/// The counts stand [`BIAS`] higher than they are: where two records race for a lap, the clearing of a bit can be counted
/// before its setting is, and the count must not borrow from its neighbour meanwhile.
#[derive(Clone, Copy)]
struct Head(u64);

const COUNT: u64 = (1 << 13) - 1;
const BIAS: u64 = 1024;
const SLOW: u64 = 1;
const FAILED: u64 = 1 << 13;
const PLACE_AT: u32 = 26;
const PLACE: u64 = (1 << 12) - 1;
const FULL: u64 = 1 << 38;
const TAG_AT: u32 = 39;

impl Head {
    #[inline]
    const fn fresh(generation: u32) -> Self {
        Self(((generation as u64) << TAG_AT) | (BIAS * FAILED) | (BIAS * SLOW))
    }

    /// Its lowest 25 bits; the highest are cut off by the shift on both sides.
    const fn is_of(self, generation: u32) -> bool {
        self.0 >> TAG_AT == (generation as u64) << TAG_AT >> TAG_AT
    }

    #[inline]
    const fn place(self) -> u32 {
        (self.0 >> PLACE_AT & PLACE) as u32
    }

    const fn is_full(self) -> bool {
        self.0 & FULL != 0
    }

    /// The next place, and full once the last one was taken.
    #[inline]
    const fn stepped(self, size: u32) -> Self {
        let place = self.place() + 1;
        let kept = self.0 & !(PLACE << PLACE_AT);
        if place == size { Self(kept | FULL) } else { Self(kept | (place as u64) << PLACE_AT) }
    }

    /// Of that generation, and neither a failure nor a slow call in it.
    #[inline]
    const fn is_quiet_of(self, generation: u32) -> bool {
        self.0 & !((PLACE << PLACE_AT) | FULL) == Self::fresh(generation).0
    }

    const fn totals(self, size: u32) -> Totals {
        Totals {
            calls: if self.is_full() { size } else { self.place() },
            failed: ((self.0 / FAILED) & COUNT).saturating_sub(BIAS) as u32,
            slow: (self.0 & COUNT).saturating_sub(BIAS) as u32,
        }
    }
}

#[derive(Debug)]
pub(super) struct Ring {
    head: AtomicU64,
    /// One plane of bits for failed, a second for slow where it is asked for; then what others keep here.
    words: Box<[AtomicU64]>,
    size: u16,
    /// Words a plane.
    plane: u8,
    slow: bool,
}

impl Ring {
    /// For the last `size` results, at least one and at most [`MAX`]; with so many words beside, which are no matter of the
    /// ring's.
    pub(super) fn new(size: u32, with_slow: bool, beside: usize) -> Self {
        let size = size.clamp(1, MAX);
        let plane = size.div_ceil(BITS);
        let words = if with_slow { 2 * plane } else { plane } as usize + beside;
        Self {
            head: AtomicU64::new(Head::fresh(0).0),
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
            // Twelve bits and seven.
            size: size as u16,
            plane: plane as u8,
            slow: with_slow,
        }
    }

    pub(super) fn size(&self) -> u32 {
        self.size.into()
    }

    /// The words beside.
    #[inline]
    pub(super) fn beside(&self) -> &[AtomicU64] {
        self.words.get(self.planes()..).unwrap_or_default()
    }

    /// The words of results.
    fn planes(&self) -> usize {
        usize::from(self.plane) << u32::from(self.slow)
    }

    /// Empty, for `generation`. Only under the slot's lock.
    pub(super) fn clear(&self, generation: u32) {
        // Those of the old generation that still write find the tag gone, here or in the head; those of the new one come only
        // after the turn.
        for word in self.words.iter().take(self.planes()) {
            word.store(tag(generation), Ordering::Release);
        }
        self.head.store(Head::fresh(generation).0, Ordering::Release);
    }

    /// The short way for a success where the ring holds neither a failure nor a slow call: a success over a success
    /// changes nothing but the place. `false` where nothing was done.
    #[inline]
    pub(super) fn record_quietly(&self, generation: u32) -> bool {
        let head = Head(self.head.load(Ordering::Acquire));
        head.is_quiet_of(generation) && {
            let next = head.stepped(self.size());
            self.head.compare_exchange(head.0, next.0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        }
    }

    /// Records a failure where nobody asks for slow calls. `None` where it belongs to another generation.
    #[inline]
    pub(super) fn record_failure(&self, generation: u32) -> Option<Totals> {
        let (place, taken) = self.take(generation)?;
        let change = self.exchange(0, place, generation, true)? * FAILED as i64;
        let head = if change == 0 { taken } else { self.correct(generation, change)? };
        Some(head.totals(self.size()))
    }

    /// Records one result. `None` where it belongs to another generation.
    #[inline(never)]
    pub(super) fn record(&self, generation: u32, failed: bool, slow: bool) -> Option<Totals> {
        let (place, taken) = self.take(generation)?;
        let mut change = self.exchange(0, place, generation, failed)? * FAILED as i64;
        if self.has_slow() {
            change += self.exchange(self.plane.into(), place, generation, slow)? * SLOW as i64;
        }
        let head = if change == 0 { taken } else { self.correct(generation, change)? };
        Some(head.totals(self.size()))
    }

    /// What the ring holds now.
    pub(super) fn totals(&self) -> Totals {
        Head(self.head.load(Ordering::Acquire)).totals(self.size())
    }

    pub(super) fn has_slow(&self) -> bool {
        self.slow
    }

    /// Takes the next place; with the head after that.
    #[inline]
    fn take(&self, generation: u32) -> Option<(u32, Head)> {
        let mut head = Head(self.head.load(Ordering::Acquire));
        loop {
            if !head.is_of(generation) {
                return None;
            }
            let next = head.stepped(self.size());
            match self.head.compare_exchange_weak(head.0, next.0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some((head.place(), next)),
                Err(now) => head = Head(now),
            }
        }
    }

    /// Puts `bit` at `place`; by how much the number of set bits has changed.
    #[inline]
    fn exchange(&self, plane: u32, place: u32, generation: u32, bit: bool) -> Option<i64> {
        let at = &self.words[(plane + place / BITS) as usize];
        let mask = 1u64 << (place % BITS);
        let mut word = at.load(Ordering::Acquire);
        loop {
            if word >> BITS != tag(generation) >> BITS {
                return None;
            }
            if (word & mask != 0) == bit {
                return Some(0);
            }
            match at.compare_exchange_weak(word, word ^ mask, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(if bit { 1 } else { -1 }),
                Err(now) => word = now,
            }
        }
    }

    #[inline(never)]
    fn correct(&self, generation: u32, change: i64) -> Option<Head> {
        let mut head = Head(self.head.load(Ordering::Acquire));
        loop {
            if !head.is_of(generation) {
                return None;
            }
            let next = Head(head.0.wrapping_add_signed(change));
            match self.head.compare_exchange_weak(head.0, next.0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(next),
                Err(now) => head = Head(now),
            }
        }
    }
}

/// The tag of a generation, in the place where a word of results holds it.
const fn tag(generation: u32) -> u64 {
    (generation as u64) << BITS
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};
    use std::collections::VecDeque;

    /// The last results, as a list.
    struct Plain {
        size: usize,
        slow: bool,
        results: VecDeque<(bool, bool)>,
    }

    impl Plain {
        fn record(&mut self, failed: bool, slow: bool) {
            self.results.push_back((failed, slow && self.slow));
            if self.results.len() > self.size {
                self.results.pop_front();
            }
        }

        fn totals(&self) -> Totals {
            let count =
                |which: fn(&(bool, bool)) -> bool| self.results.iter().filter(|of| which(of)).count() as u32;
            Totals { calls: self.results.len() as u32, failed: count(|of| of.0), slow: count(|of| of.1) }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 500 }, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_ring_holds_what_a_list_of_the_last_results_holds(
            size in prop_oneof![0..6u32, 48..52u32, 98..102u32, Just(MAX), Just(u32::MAX)],
            slow in any::<bool>(),
            generation in prop_oneof![0..3u32, Just(u32::MAX), any::<u32>()],
            // Mostly runs of the same, so that it is quiet at times.
            runs in vec((1..if cfg!(miri) { 12 } else { 60_usize }, any::<bool>(), any::<bool>()), 1..9),
        ) {
            let ring = Ring::new(size, slow, 0);
            ring.clear(generation);
            let mut plain = Plain { size: size.clamp(1, MAX) as usize, slow, results: VecDeque::new() };
            for (times, failed, slow) in runs {
                for _ in 0..times {
                    let quiet = plain.totals().failed + plain.totals().slow == 0;
                    let plainly = !failed && !slow;
                    // The short way is taken where it can be, and only there.
                    if plainly && quiet {
                        prop_assert!(ring.record_quietly(generation));
                        plain.record(false, false);
                    } else {
                        if !quiet {
                            prop_assert!(!ring.record_quietly(generation));
                        }
                        plain.record(failed, slow);
                        // The way of its own that a failure takes where nobody asks for slow calls.
                        let totals = if failed && !ring.has_slow() {
                            ring.record_failure(generation)
                        } else {
                            ring.record(generation, failed, slow)
                        };
                        prop_assert_eq!(totals, Some(plain.totals()));
                    }
                    prop_assert_eq!(ring.totals(), plain.totals());
                }
            }
            // Nothing of it is left for another generation, and it takes nothing of one.
            let next = generation.wrapping_add(1);
            prop_assert_eq!(ring.record(next, true, true), None);
            prop_assert_eq!(ring.record_failure(next), None);
            prop_assert!(!ring.record_quietly(next));
            prop_assert_eq!(ring.totals(), plain.totals());
            ring.clear(next);
            prop_assert_eq!(ring.totals(), Totals::default());
            prop_assert_eq!(ring.record(generation, true, true), None);
            prop_assert!(!ring.record_quietly(generation));
            prop_assert!(ring.record_quietly(next));
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "thousands of records, and their sums are the point")]
    fn the_largest_ring_counts_to_its_size_in_both_planes() {
        let ring = Ring::new(MAX, true, 0);
        for _ in 0..2 * MAX {
            ring.record(0, true, true);
        }
        assert_eq!(ring.totals(), Totals { calls: MAX, failed: MAX, slow: MAX });
        for left in (0..MAX).rev() {
            assert_eq!(ring.record(0, false, false), Some(Totals { calls: MAX, failed: left, slow: left }));
        }
    }

    #[test]
    fn results_whose_words_have_gone_on_are_of_another_generation() {
        // As if a thread had taken its place, and then slept over a turn.
        let ring = Ring::new(9, true, 0);
        ring.clear(1);
        ring.record(1, true, false);
        assert_eq!(ring.exchange(0, 0, 0, false), None);
        assert_eq!(ring.exchange(0, 0, 2, false), None);
        assert!(ring.correct(0, -(FAILED as i64)).is_none());
        assert_eq!(ring.totals(), Totals { calls: 1, failed: 1, slow: 0 });
    }

    #[test]
    fn what_is_taken_back_before_it_was_counted_borrows_from_nobody() {
        let ring = Ring::new(9, true, 0);
        let less = -(FAILED as i64) - SLOW as i64;
        assert_eq!(ring.correct(0, less).map(|head| head.totals(9)), Some(Totals::default()));
        assert!(!ring.record_quietly(0), "it is not quiet");
        assert_eq!(ring.correct(0, -less).map(|head| head.totals(9)), Some(Totals::default()));
        assert!(ring.record_quietly(0));
    }
}

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

/// Buckets a window: the oldest tenth leaves at a time. Three for the model checker, which follows each access to each of
/// them: one that is recorded in, and one on either side.
pub(super) const BUCKETS: u64 = if cfg!(loom) { 3 } else { 10 };

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

type Words = [AtomicU64; BUCKETS as usize];

fn words() -> Words {
    std::array::from_fn(|_| AtomicU64::new(0))
}

#[derive(Debug)]
pub(super) struct Buckets {
    words: Words,
    /// Where slow calls are counted as well.
    slow: Option<Box<Words>>,
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
        Self {
            words: words(),
            slow: with_slow.then(|| Box::new(words())),
            uneasy_until: AtomicU64::new(0),
            lap: AtomicU64::new(0),
        }
    }

    /// Empty, for `generation`. Only under the slot's lock.
    pub(super) fn clear(&self, generation: u32, now: u64) {
        for word in self.all() {
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
        for at in self.all() {
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
        if let Some(words) = &self.slow
            && !count(&words[at], mark, generation, slow)
        {
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
        let (calls, failed) = sum(&self.words, generation, now);
        let slow = self.slow.as_ref().map_or(0, |words| sum(words, generation, now).1);
        Totals { calls, failed, slow }
    }

    pub(super) fn has_slow(&self) -> bool {
        self.slow.is_some()
    }

    fn all(&self) -> impl Iterator<Item = &AtomicU64> {
        self.words.iter().chain(self.slow.iter().flat_map(|words| words.iter()))
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

fn sum(words: &Words, generation: u32, now: u64) -> (u32, u32) {
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

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    const G: u32 = 7;
    /// As the slot counts: never at zero.
    const START: u64 = 2 * BUCKETS;

    fn buckets(with_slow: bool, now: u64) -> Buckets {
        let buckets = Buckets::new(with_slow);
        buckets.clear(G, now);
        buckets
    }

    fn totals(calls: u32, failed: u32, slow: u32) -> Totals {
        Totals { calls, failed, slow }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 500 }, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn buckets_hold_what_a_list_of_the_last_results_holds(
            start in prop_oneof![Just(START), START..1_000u64, Just(BUCKETS << 24)],
            with_slow in any::<bool>(),
            steps in vec((
                prop_oneof![5 => Just(0u64), 5 => 1..12u64, 1 => 90..230u64, 1 => (1u64 << 20)..(1 << 30)],
                any::<bool>(),
                any::<bool>(),
            ), 1..60),
        ) {
            let buckets = buckets(with_slow, start);
            let mut now = start;
            let mut results: Vec<(u64, bool, bool)> = Vec::new();
            for (wait, failed, slow) in steps {
                now += wait;
                let in_window = |results: &[(u64, bool, bool)]| {
                    let live: Vec<_> = results.iter().filter(|(at, ..)| now - at < BUCKETS).copied().collect();
                    let count = |which: fn(&&(u64, bool, bool)) -> bool| live.iter().filter(which).count() as u32;
                    totals(live.len() as u32, count(|of| of.1), if with_slow { count(|of| of.2) } else { 0 })
                };
                prop_assert_eq!(buckets.totals(G, now), in_window(&results));
                let quiet = !results.iter().any(|(at, failed, slow)| now - at < BUCKETS && (*failed || *slow));
                results.push((now, failed, slow));
                let expected = in_window(&results);
                match buckets.record(G, now, failed, slow) {
                    Found::Stale => prop_assert!(false, "stale"),
                    Found::Quiet => prop_assert!(quiet && !failed && !slow),
                    Found::Uneasy(seen) => {
                        prop_assert!(!quiet || failed || slow, "nothing to be uneasy about");
                        prop_assert_eq!(seen, expected);
                    }
                }
                prop_assert_eq!(buckets.totals(G, now), expected);
            }
            let others = buckets.totals(G, now);
            prop_assert_eq!(buckets.record(G + 1, now, true, true), Found::Stale);
            prop_assert_eq!(buckets.totals(G, now), others);
        }
    }

    #[test]
    fn the_short_way_counts_and_is_taken_only_where_all_is_quiet() {
        let plain = buckets(false, START);
        assert!(plain.record_quietly(G, START));
        assert_eq!(plain.totals(G, START), totals(1, 0, 0));
        assert!(!plain.record_quietly(G + 1, START), "of another generation");
        assert!(!plain.record_quietly(G, START + BUCKETS), "nobody has begun that lap");
        assert_eq!(plain.record(G, START + BUCKETS, false, false), Found::Quiet);
        assert!(plain.record_quietly(G, START + BUCKETS));
        assert_eq!(plain.totals(G, START + BUCKETS), totals(2, 0, 0));
        plain.record(G, START + BUCKETS, true, false);
        for back in (1..BUCKETS).rev() {
            assert!(!plain.record_quietly(G, START + 2 * BUCKETS - back), "the failure is in the window");
        }
        plain.record(G, START + 2 * BUCKETS, false, false);
        assert!(plain.record_quietly(G, START + 2 * BUCKETS));

        assert!(!buckets(true, START).record_quietly(G, START), "slow calls are counted beside");
    }

    #[test]
    fn a_record_from_before_counts_in_the_bucket_that_runs_and_wipes_nothing() {
        let buckets = buckets(true, START);
        let now = START + 2 * BUCKETS;
        buckets.record(G, now, true, false);
        // A thread that had read the clock and then slept: for a lap, for two.
        buckets.record(G, now - BUCKETS, false, false);
        buckets.record(G, now - 2 * BUCKETS, true, true);
        assert_eq!(buckets.totals(G, now), totals(3, 2, 1));
        // Into another bucket it counts for what it is: in the window, or out of it.
        buckets.record(G, now - 1, true, false);
        buckets.record(G, now - BUCKETS - 2, true, false);
        assert_eq!(buckets.totals(G, now), totals(4, 3, 1));
        assert_eq!(buckets.totals(G, now + BUCKETS), totals(0, 0, 0));
    }

    #[test]
    fn laps_that_come_round_bring_nothing_back() {
        let laps = LAP + 1;
        for begin in [0, 1, laps - 1, laps, 5 * laps / 2] {
            for pause in [
                1,
                2,
                3,
                255,
                laps / 4,
                laps / 4 + 1,
                laps / 2 - 1,
                laps / 2,
                laps / 2 + 1,
                laps - 1,
                laps,
                laps + 1,
            ] {
                let start = START + begin * BUCKETS;
                let buckets = buckets(true, start);
                (0..BUCKETS).for_each(|at| _ = buckets.record(G, start + at, true, true));
                let now = start + pause * BUCKETS + BUCKETS;
                assert_eq!(buckets.totals(G, now), totals(0, 0, 0), "{begin} {pause}");
                assert_eq!(buckets.record(G, now, false, false), Found::Quiet, "{begin} {pause}");
                assert_eq!(buckets.totals(G, now), totals(1, 0, 0), "{begin} {pause}");
                assert_eq!(buckets.totals(G, now + BUCKETS), totals(0, 0, 0), "{begin} {pause}");
                // And where there was no record at all, but a turn.
                buckets.clear(G + 1, now);
                assert_eq!(buckets.totals(G + 1, now + pause * BUCKETS), totals(0, 0, 0));
                buckets.record(G + 1, now + pause * BUCKETS, true, false);
                assert_eq!(buckets.totals(G + 1, now + pause * BUCKETS), totals(1, 1, 0));
                assert_eq!(buckets.totals(G + 1, now + (pause + 1) * BUCKETS), totals(0, 0, 0));
            }
        }
    }

    #[test]
    fn a_full_bucket_halves_both_counts_and_stays_in_its_bounds() {
        let mark = Mark::new(9, G);
        let full = Bucket((mark.0 << MARK_AT) | (COUNT * CALL) | COUNT);
        let more = full.with(true);
        assert!(more.mark() == mark);
        assert_eq!((more.calls(), more.hits()), (COUNT / 2 + 1, COUNT / 2 + 1));
        let one_less = Bucket((mark.0 << MARK_AT) | ((COUNT - 1) * CALL) | 3);
        assert_eq!((one_less.with(false).calls(), one_less.with(false).hits()), (COUNT, 3));
        let all_full = words();
        all_full.iter().for_each(|word| word.store(full.0, Ordering::Release));
        assert_eq!(
            sum(&all_full, G, 9 * BUCKETS + BUCKETS - 1),
            ((COUNT * BUCKETS) as u32, (COUNT * BUCKETS) as u32)
        );
    }
}

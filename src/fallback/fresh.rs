//! Who was kept a moment ago: so that a good answer takes the lock once a while, and not each time.

use crate::clock::{self, Instant};
use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// A table of words, one for some keys: a tag of the key that was kept last, and when.
///
/// Two keys of one word take turns: the lock is taken more often, and nothing is lost. Two keys of one word and one tag
/// (23 bits besides the place in the table) would pass for each other and be kept less often; no key is ever *given* by
/// its tag.
#[derive(Debug)]
pub(super) struct Fresh {
    words: Box<[AtomicU64]>,
    refresh: u64,
}

/// The lower bits of a word are the time, in steps of 2^20 ns (about a millisecond): 36 years, then they begin anew.
const TIME: u64 = (1 << 40) - 1;
const STEP_BITS: u32 = 20;
/// 64 KiB of words at most.
const WORDS: std::ops::RangeInclusive<usize> = 16..=8192;

impl Fresh {
    pub(super) fn new(entries: usize, refresh: Duration) -> Self {
        let words = entries.saturating_mul(2).clamp(*WORDS.start(), *WORDS.end()).next_power_of_two();
        let nanos = u64::try_from(refresh.as_nanos()).unwrap_or(u64::MAX);
        Self {
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
            refresh: nanos.div_ceil(1 << STEP_BITS).min(TIME),
        }
    }

    /// Whether this caller is to keep its answer; of many at once, one is. Who was told so and then does not is not asked
    /// again until the next refresh, so that a body that proves too large is not collected each time.
    #[inline]
    pub(super) fn claim(&self, hash: u64, now: Instant) -> bool {
        if self.refresh == 0 {
            return true;
        }
        let word = self.word(hash);
        let seen = word.load(Relaxed);
        let time = steps(now);
        if seen & !TIME == tag(hash) && time.wrapping_sub(seen) & TIME < self.refresh {
            return false;
        }
        word.compare_exchange(seen, tag(hash) | time, Relaxed, Relaxed).is_ok()
    }

    /// The key was kept at that time, and not now: the refresh runs from there.
    pub(super) fn correct(&self, hash: u64, at: Instant) {
        self.word(hash).store(tag(hash) | steps(at), Relaxed);
    }

    /// The key was kept and has left: its next good answer is to be kept again.
    pub(super) fn forget(&self, hash: u64) {
        let word = self.word(hash);
        let seen = word.load(Relaxed);
        if seen & !TIME == tag(hash) {
            // Whoever has changed it meanwhile has claimed it.
            let _ = word.compare_exchange(seen, 0, Relaxed, Relaxed);
        }
    }

    #[inline]
    fn word(&self, hash: u64) -> &AtomicU64 {
        // A power of two: the mask is smaller than the length.
        &self.words[usize::try_from(hash & TIME).unwrap_or(0) & (self.words.len() - 1)]
    }
}

#[inline]
fn steps(at: Instant) -> u64 {
    (clock::nanos(at) >> STEP_BITS) & TIME
}

/// The upper bits of the hash; the place comes of the lower ones. Never zero, which is an empty word.
#[inline]
const fn tag(hash: u64) -> u64 {
    (hash | (TIME + 1)) & !TIME
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    const SECOND: Duration = Duration::from_secs(1);
    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn one_claims_and_the_next_waits_for_the_refresh() {
        let fresh = Fresh::new(10, SECOND);
        let now = clock::now();
        assert!(fresh.claim(7, now));
        assert!(!fresh.claim(7, now));
        assert!(!fresh.claim(7, now + SECOND / 2));
        assert!(fresh.claim(7, now + SECOND + clock::GRAIN * 2));
        assert!(!fresh.claim(7, now + SECOND + clock::GRAIN * 3));
        assert!(fresh.claim(7, now + 400 * DAY));
    }

    #[test]
    fn who_was_forgotten_claims_again_and_others_stay() {
        let fresh = Fresh::new(10, SECOND);
        let now = clock::now();
        let other_tag = 7 | (1 << 60);
        assert!(fresh.claim(7, now) && fresh.claim(8, now));
        fresh.forget(other_tag);
        assert!(!fresh.claim(7, now), "the word is shared, the tag is not");
        fresh.forget(7);
        assert!(fresh.claim(7, now));
        assert!(!fresh.claim(8, now));
    }

    #[test]
    fn a_refresh_of_zero_keeps_everything_and_one_of_max_once() {
        let now = clock::now();
        let (always, once) = (Fresh::new(0, Duration::ZERO), Fresh::new(usize::MAX, Duration::MAX));
        assert!(always.claim(1, now) && always.claim(1, now));
        assert!(once.claim(1, now) && !once.claim(1, now + 10_000 * DAY));
        assert_eq!((always.words.len(), once.words.len()), (16, 8192));
    }

    #[test]
    fn a_clock_that_jumps_decades_does_not_end_the_refresh() {
        let fresh = Fresh::new(10, SECOND);
        let mut now = clock::now();
        for years in [1, 6, 12, 18, 25, 30] {
            assert!(fresh.claim(7, now), "before {years} years");
            assert!(!fresh.claim(7, now + SECOND / 2));
            now += DAY * 365 * years;
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever comes between, a key that was not claimed for a refresh and a step claims.
        #[test]
        fn nobody_is_left_out_for_longer_than_a_refresh(
            calls in proptest::collection::vec((0_u64..4, 0_u64..3, 0_u32..2000), 1..if cfg!(miri) { 20 } else { 200 }),
        ) {
            let fresh = Fresh::new(1, SECOND);
            let mut now = clock::now();
            let mut last: HashMap<u64, Instant> = HashMap::new();
            for (place, tagged, millis) in calls {
                now += Duration::from_millis(millis.into());
                let hash = place | (tagged << 41);
                let due = last.get(&hash).is_none_or(|at| clock::since(now, *at) >= SECOND + 3 * clock::GRAIN);
                let claimed = fresh.claim(hash, now);
                prop_assert!(claimed || !due);
                if claimed {
                    last.insert(hash, now);
                }
            }
        }
    }
}

//! The scale on which durations are told apart: sixteen steps for each doubling, from a microsecond to 71 minutes.

use std::time::Duration;

/// Steps for each doubling, as a power of two.
const FINE: u32 = 4;
const EACH: u64 = 1 << FINE;

/// The longest that is told apart, in microseconds.
const TOP: u64 = u32::MAX as u64;

/// How many steps there are.
pub(super) const STEPS: usize = (EACH * (32 - FINE as u64 + 1)) as usize;

/// The step that a duration falls on. A longer one never falls on a lower step.
#[inline]
pub(super) const fn step_of(time: Duration) -> usize {
    // Without the 128 bits of `as_micros`: this stands on the path of every call that is timed.
    let parts = time.subsec_nanos().div_ceil(1000) as u64;
    let micros = time.as_secs().saturating_mul(1_000_000).saturating_add(parts);
    let micros = if micros > TOP { TOP } else { micros };
    if micros < EACH {
        return micros as usize;
    }
    let doublings = 63 - micros.leading_zeros();
    let within = micros >> (doublings - FINE) & (EACH - 1);
    ((doublings - FINE + 1) as u64 * EACH + within) as usize
}

/// The longest duration of a step, in microseconds.
pub(super) const fn micros_of(step: usize) -> u32 {
    let step = step as u64;
    let (doublings, within) = (step / EACH, step % EACH);
    if doublings < 2 {
        return step as u32;
    }
    (((EACH + within + 1) << (doublings - 1)) - 1) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn longest(step: usize) -> Duration {
        Duration::from_micros(micros_of(step) as u64)
    }

    #[test]
    fn the_steps_lie_side_by_side() {
        for step in 0..STEPS {
            assert_eq!(step_of(longest(step)), step);
            assert_eq!(step_of(longest(step) + Duration::from_nanos(1)), (step + 1).min(STEPS - 1));
        }
    }

    #[test]
    fn both_ends_are_on_the_scale() {
        assert_eq!(step_of(Duration::ZERO), 0);
        assert_eq!(step_of(Duration::from_nanos(1)), 1);
        assert_eq!(step_of(Duration::MAX), STEPS - 1);
        assert_eq!(longest(STEPS - 1), Duration::from_micros(TOP));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 2000 }, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_step_is_never_shorter_than_what_falls_on_it_and_at_most_a_sixteenth_longer(nanos in 0..TOP * 1000) {
            let time = Duration::from_nanos(nanos);
            let on = longest(step_of(time));
            prop_assert!(on >= time);
            prop_assert!(on <= time + time / 16 + Duration::from_micros(1), "{time:?} on {on:?}");
        }

        #[test]
        fn a_longer_time_is_never_on_a_lower_step(a in any::<u64>(), b in any::<u64>()) {
            let (short, long) = (a.min(b), a.max(b));
            prop_assert!(step_of(Duration::from_nanos(short)) <= step_of(Duration::from_nanos(long)));
        }
    }
}

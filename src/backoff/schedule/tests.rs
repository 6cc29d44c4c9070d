//! The promises of every kind and jitter, over any setting.

use super::*;
use crate::{backoff::Rng, window::Ratio};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
const ENDS: [Duration; 4] = [Duration::ZERO, Duration::from_nanos(1), DAY, Duration::MAX];
const LATE: [u32; 6] = [0, 33, 1024, 1025, u32::MAX - 1, u32::MAX];

fn kinds(base: Duration) -> [Backoff; 3] {
    [Backoff::constant(base), Backoff::linear(base), Backoff::exponential(base)]
}

fn jitters() -> [Jitter; 6] {
    [
        Jitter::None,
        Jitter::Full,
        Jitter::Equal,
        Jitter::Decorrelated,
        Jitter::Proportional(Ratio::percent(20)),
        Jitter::Proportional(Ratio::ONE),
    ]
}

#[test]
fn what_is_taken_where_nothing_is_said_is_what_the_docs_say() {
    let most = |backoff: Backoff| backoff.delay(u32::MAX, &mut || 1.0);
    assert_eq!(most(Backoff::exponential(SECOND)), Duration::from_secs(30));
    assert_eq!(most(Backoff::linear(SECOND)), Duration::from_secs(30));
    assert_eq!(most(Backoff::exponential(DAY)), DAY);
    assert_eq!(most(Backoff::linear(DAY)), DAY);
    assert_eq!(most(Backoff::constant(DAY)), DAY);
    assert_eq!(most(Backoff::constant(DAY).jitter(Jitter::Proportional(Ratio::ONE))), 2 * DAY);
    assert_eq!(most(Backoff::constant(SECOND).jitter(Jitter::Decorrelated)), Duration::from_secs(30));
    assert_eq!(Backoff::default(), Backoff::exponential(Duration::from_millis(50)));
    for backoff in [Backoff::exponential(SECOND), Backoff::linear(SECOND)] {
        assert_eq!(backoff, backoff.jitter(Jitter::Full));
    }
    assert_eq!(Backoff::constant(SECOND), Backoff::constant(SECOND).jitter(Jitter::None));
}

#[test]
#[cfg_attr(miri, ignore = "sixty thousand sums, which touch no memory but their own")]
fn no_setting_and_no_attempt_panics_or_leaves_the_cap() {
    for base in ENDS {
        for backoff in kinds(base) {
            for factor in [f64::NAN, f64::NEG_INFINITY, -1.0, 0.0, 0.5, 1.0, 1.5, 1e300, f64::INFINITY] {
                for jitter in jitters() {
                    for cap in ENDS {
                        for said in [0.0, 0.5, 1.0, f64::NAN] {
                            let backoff = backoff.factor(factor).jitter(jitter).cap(cap);
                            for attempt in LATE {
                                assert!(
                                    backoff.delay(attempt, &mut || said) <= cap,
                                    "{backoff:?} at {attempt}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_factor_that_is_none_becomes_the_nearest_that_is() {
    let second = |factor| {
        let backoff = Backoff::exponential(SECOND).factor(factor).jitter(Jitter::None);
        assert_eq!(backoff.delay(0, &mut || 0.0), SECOND, "the first delay is the base");
        backoff.delay(1, &mut || 0.0).as_millis()
    };
    assert_eq!(second(0.5), 1000);
    assert_eq!(second(f64::NEG_INFINITY), 1000);
    assert_eq!(second(f64::NAN), 2000);
    assert_eq!(second(1.6), 1600);
    assert_eq!(second(f64::INFINITY), 30_000);
    assert_eq!(Backoff::linear(SECOND).factor(9.0), Backoff::linear(SECOND));
}

#[test]
fn a_base_of_nothing_never_waits_and_a_cap_below_the_base_wins() {
    for jitter in jitters() {
        for attempt in LATE {
            for backoff in kinds(Duration::ZERO) {
                let backoff = backoff.factor(f64::INFINITY).jitter(jitter);
                assert_eq!(backoff.delay(attempt, &mut || 1.0), Duration::ZERO, "{backoff:?}");
            }
            for backoff in kinds(10 * SECOND) {
                assert_eq!(backoff.jitter(jitter).cap(SECOND).delay(attempt, &mut || 1.0), SECOND);
            }
        }
    }
}

#[test]
fn at_the_cap_a_jitter_spreads_below_it_and_does_not_pile_up() {
    let fifth = Jitter::Proportional(Ratio::percent(20));
    for (jitter, millis) in [
        (Jitter::Full, [0, 5_000, 10_000]),
        (Jitter::Equal, [5_000, 7_500, 10_000]),
        (fifth, [8_000, 9_000, 10_000]),
    ] {
        for backoff in [Backoff::exponential(SECOND), Backoff::constant(DAY)] {
            let backoff = backoff.cap(10 * SECOND).jitter(jitter);
            let at = [0.0, 0.5, 1.0].map(|u| backoff.delay(40, &mut || u).as_millis());
            assert_eq!(at, millis, "{backoff:?}");
        }
    }
}

#[test]
fn lengths_beyond_what_a_float_holds_neither_grow_nor_shrink_by_rounding() {
    let just_over = 1.0 + f64::EPSILON;
    let just_under = 1.0 - f64::EPSILON / 2.0;
    for secs in
        (23..64).flat_map(|bits| [1 << bits, (1 << bits) + (1 << (bits - 1)), (1 << bits) - 1 + (1 << bits)])
    {
        for nanos in [0, 1, 500_000_000, 999_999_999] {
            let length = Duration::new(secs, nanos);
            assert_eq!(scale(length, 1.0), length);
            assert!(scale(length, just_under) <= length && scale(length, just_over) >= length, "{length:?}");
        }
    }
}

#[test]
fn the_first_decorrelated_delay_is_spread_already() {
    let backoff = Backoff::exponential(SECOND).jitter(Jitter::Decorrelated);
    assert_eq!(backoff.delay(0, &mut || 0.0), SECOND);
    assert_eq!(backoff.delay(0, &mut || 1.0), 3 * SECOND);
    assert_eq!(backoff.delay(1, &mut || 1.0), 9 * SECOND);
    assert_eq!(backoff.delay(1, &mut || 0.5), Duration::from_millis(3_500));
}

#[test]
fn a_sequence_begun_again_is_a_fresh_one() {
    for jitter in jitters() {
        let fresh = Backoff::exponential(SECOND).jitter(jitter).start();
        let mut used = fresh;
        used.next(&mut || 0.9);
        used.next(&mut || 0.9);
        assert_ne!(used, fresh);
        used.restart();
        assert_eq!(used, fresh);
    }
}

#[test]
#[cfg_attr(miri, ignore = "twenty thousand sums, which touch no memory but their own")]
fn full_jitter_waits_half_of_it_on_average() {
    let backoff = Backoff::exponential(SECOND);
    let seeds = 20_000;
    let sum: Duration = (0..seeds).map(|seed| backoff.delay(2, &mut Rng::seeded(seed))).sum();
    let mean = sum.as_secs_f64() / seeds as f64;
    // e = 4 s; the standard error of the mean is 4 / sqrt(12 * 20000) = 8 ms.
    assert!((mean - 2.0).abs() < 0.04, "{mean}");
}

#[test]
fn one_call_keeps_its_delays_in_under_a_hundred_bytes() {
    assert!(size_of::<Delays>() <= 96, "{}", size_of::<Delays>());
}

fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        6 => (0..100_000_000_000u64).prop_map(Duration::from_nanos),
        2 => any::<u64>().prop_map(Duration::from_nanos),
        1 => (any::<u64>(), 0..1_000_000_000u32).prop_map(|(secs, nanos)| Duration::new(secs, nanos)),
        1 => prop::sample::select(&ENDS),
    ]
}

fn backoffs() -> impl Strategy<Value = Backoff> {
    let kind = prop_oneof![
        durations().prop_map(Backoff::constant),
        durations().prop_map(Backoff::linear),
        (durations(), prop_oneof![1.0..4.0f64, any::<f64>()])
            .prop_map(|(b, f)| Backoff::exponential(b).factor(f)),
    ];
    (kind, durations()).prop_map(|(backoff, cap)| backoff.cap(cap))
}

fn attempts() -> impl Strategy<Value = u32> {
    prop_oneof![0..40u32, any::<u32>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 2000 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_delay_leaves_the_range_of_its_jitter(
        backoff in backoffs(), attempt in attempts(), seed in any::<u64>(), billionths in 0..=1_000_000_000u64,
    ) {
        let rng = &mut Rng::seeded(seed);
        let cap = backoff.limit();
        let e = backoff.jitter(Jitter::None).delay(attempt, rng);
        prop_assert!(e <= cap && e >= backoff.base().min(cap));

        let full = backoff.jitter(Jitter::Full).delay(attempt, rng);
        prop_assert!(full <= e);
        let equal = backoff.jitter(Jitter::Equal).delay(attempt, rng);
        prop_assert!(equal >= e / 2 && equal <= e);

        let share = Ratio::of(billionths, 1_000_000_000);
        let around = backoff.jitter(Jitter::Proportional(share)).delay(attempt, rng);
        // A nanosecond for rounding, and what a float loses of a very long delay.
        let slip = Duration::from_nanos(1) + e / (1 << 30);
        let off = (e.as_secs_f64() * share.as_f64()).min(e.as_secs_f64());
        let off = Duration::try_from_secs_f64(off).unwrap_or(e).min(e);
        prop_assert!(around <= cap);
        prop_assert!(around.saturating_add(slip) >= e - off && around <= e.saturating_add(off).saturating_add(slip));
    }

    #[test]
    fn without_jitter_no_delay_is_shorter_than_the_one_before(backoff in backoffs(), attempt in attempts()) {
        let backoff = backoff.jitter(Jitter::None);
        let (one, two) = (backoff.delay(attempt, &mut || 0.0), backoff.delay(attempt.saturating_add(1), &mut || 0.0));
        prop_assert!(one <= two, "{one:?} {two:?}");
        prop_assert_eq!(backoff.delay(0, &mut || 0.0), backoff.base().min(backoff.limit()));
    }

    #[test]
    fn a_decorrelated_delay_lies_between_the_base_and_three_times_the_one_before(
        backoff in backoffs(), seed in any::<u64>(),
    ) {
        let (base, cap) = (backoff.base(), backoff.limit());
        let (mut delays, rng) = (backoff.jitter(Jitter::Decorrelated).start(), &mut Rng::seeded(seed));
        let mut last = base;
        for _ in 0..100 {
            let delay = delays.next(rng);
            prop_assert!(delay >= base.min(cap) && delay <= last.saturating_mul(3).max(base).min(cap));
            last = delay;
        }
    }

    #[test]
    fn one_seed_gives_one_sequence(backoff in backoffs(), seed in any::<u64>(), which in 0..6usize) {
        let backoff = backoff.jitter(jitters()[which]);
        let run = |seed| {
            let (mut delays, mut rng) = (backoff.start(), Rng::seeded(seed));
            (0..20).map(|_| delays.next(&mut rng)).collect::<Vec<_>>()
        };
        prop_assert_eq!(run(seed), run(seed));
    }

    #[test]
    fn a_sequence_gives_the_delay_of_each_attempt(
        backoff in backoffs(), unit in 0.0..=1.0f64, which in 0..6usize, attempt in 0..60u32,
    ) {
        let backoff = backoff.jitter(jitters()[which]);
        let mut delays = backoff.start();
        for _ in 0..attempt {
            delays.next(&mut || unit);
        }
        prop_assert_eq!(delays.next(&mut || unit), backoff.delay(attempt, &mut || unit));
    }
}

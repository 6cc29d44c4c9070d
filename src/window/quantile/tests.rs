//! The quantile against a list that is sorted.

use super::*;
use crate::backoff::{Random, Rng};
use proptest::prelude::*;
use std::{collections::VecDeque, thread};

const MS: Duration = Duration::from_millis(1);

/// All durations that count, in a list.
struct Naive {
    turn: usize,
    recorded: usize,
    last: VecDeque<Duration>,
}

impl Naive {
    const fn new(turn: usize) -> Self {
        Self { turn, recorded: 0, last: VecDeque::new() }
    }

    fn record(&mut self, time: Duration) {
        self.last.push_back(time);
        self.recorded += 1;
        let counts =
            if self.recorded < self.turn { self.recorded } else { self.turn + self.recorded % self.turn };
        self.last.drain(..self.last.len() - counts);
    }

    /// The smallest that at least this share of all is no longer than.
    fn quantile(&self, share: Ratio) -> Option<Duration> {
        let mut sorted: Vec<_> = self.last.iter().copied().collect();
        sorted.sort_unstable();
        let enough = |&at: &usize| {
            share.billionths() as u128 * sorted.len() as u128 <= (at + 1) as u128 * 1_000_000_000
        };
        (0..sorted.len()).find(enough).map(|at| sorted[at])
    }
}

fn exact(found: Option<Duration>, quantile: Option<Duration>) -> Result<(), TestCaseError> {
    match (found, quantile) {
        (None, None) => Ok(()),
        (Some(found), Some(quantile)) => {
            prop_assert!(found >= quantile, "{found:?} is below {quantile:?}");
            prop_assert!(
                found <= quantile + quantile / 16 + Duration::from_micros(1),
                "{found:?}, not {quantile:?}"
            );
            Ok(())
        }
        other => panic!("one of them knows nothing: {other:?}"),
    }
}

fn found_anew(quantile: &Quantile) -> Option<Duration> {
    quantile.micros().map(|micros| Duration::from_micros(micros.into()))
}

/// Durations of several kinds: even, long-tailed, of two humps, all the same.
fn durations() -> impl Strategy<Value = Vec<Duration>> {
    let kind = prop_oneof![Just(0), Just(1), Just(2), Just(3)];
    (kind, any::<u64>(), 0..if cfg!(miri) { 40 } else { 400_usize }).prop_map(|(kind, seed, len)| {
        let mut rng = Rng::seeded(seed);
        let mut draw = || {
            let unit = rng.unit();
            match kind {
                1 => Duration::from_secs_f64(0.005 * (4.0 * unit * unit).exp()),
                2 if unit < 0.97 => MS * 5,
                3 => MS * 7,
                _ => Duration::from_secs_f64(unit),
            }
        };
        (0..len).map(|_| draw()).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 100 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_the_quantile_of_the_last_ones_and_at_most_a_sixteenth_more(
        times in durations(), billionths in 0..=1_000_000_000_u64, turn in 4..8_u32,
    ) {
        let share = Ratio::of(billionths, 1_000_000_000);
        let quantile = Quantile::new(share).over(1 << turn).least(1);
        let mut naive = Naive::new(1 << turn);
        for time in times {
            quantile.record(time);
            naive.record(time);
            exact(found_anew(&quantile), naive.quantile(share))?;
        }
    }

    #[test]
    fn its_answer_is_at_most_a_sixteenth_of_a_turn_old(times in durations(), turn in 4..8_u32) {
        let share = Ratio::percent(90);
        let quantile = Quantile::new(share).over(1 << turn).least(1);
        let (mut naive, mut recently) = (Naive::new(1 << turn), VecDeque::new());
        for time in times {
            quantile.record(time);
            naive.record(time);
            recently.push_back(naive.quantile(share));
            recently.drain(..recently.len().saturating_sub(1 << (turn - 4)));
            let found = quantile.get();
            prop_assert!(recently.iter().any(|then| exact(found, *then).is_ok()), "{found:?}, and not {recently:?}");
        }
    }
}

#[test]
fn too_few_have_no_quantile() {
    let quantile = Quantile::new(Ratio::percent(95));
    for _ in 0..99 {
        assert_eq!(quantile.get(), None);
        quantile.record(MS);
    }
    assert_eq!(quantile.get(), None);
    quantile.record(MS);
    assert!(quantile.get() >= Some(MS));
}

#[test]
fn it_follows_a_service_that_turns_slow_and_one_that_turns_fast_again() {
    let p95 = Quantile::new(Ratio::percent(95)).over(64);
    let now = |time: Duration, times: u32| {
        for _ in 0..times {
            p95.record(time);
        }
        p95.get().expect("enough")
    };
    assert!(now(10 * MS, 200) < 11 * MS);
    // Slow: as soon as more than one in twenty of what counts is, 72 before it turned.
    assert!(now(100 * MS, 3) < 11 * MS);
    assert!(now(100 * MS, 4) >= 100 * MS);
    // Fast: once the slow ones have left, two turns later at most.
    assert!(now(10 * MS, 64) >= 100 * MS);
    assert!(now(10 * MS, 64) < 11 * MS);
}

#[test]
fn every_share_and_every_duration_is_taken() {
    let of = |share: Ratio, times: &[Duration]| {
        let quantile = Quantile::new(share).least(0);
        assert_eq!(quantile.get(), None, "of nothing there is none");
        times.iter().for_each(|&time| quantile.record(time));
        quantile.get().expect("one is enough")
    };
    let ends = [Duration::ZERO, Duration::MAX];
    let longest = Duration::from_micros(u32::MAX.into());
    assert_eq!(of(Ratio::ZERO, &ends), Duration::ZERO);
    assert_eq!(of(Ratio::new(f64::NAN), &ends), Duration::ZERO);
    assert_eq!(of(Ratio::ONE, &ends), longest);
    assert_eq!(of(Ratio::new(f64::INFINITY), &ends), longest);
    assert_eq!(of(Ratio::percent(50), &ends), Duration::ZERO);
    assert_eq!(of(Ratio::percent(51), &ends), longest);
}

#[test]
fn a_window_of_any_length_is_one_that_works() {
    for (samples, turn) in [(0, 4), (16, 4), (17, 5), (1000, 10), (1 << 23, 23), (u32::MAX, 23)] {
        let quantile = Quantile::new(Ratio::ONE).over(samples).least(1);
        assert_eq!(quantile.tally.turn(), turn, "{samples}");
        quantile.record(MS);
        assert_eq!(quantile.get(), found_anew(&quantile));
    }
    assert_eq!(Quantile::new(Ratio::ONE).least(u32::MAX).get(), None);
}

#[test]
fn the_same_durations_come_to_the_same_answer() {
    let run = || {
        let (quantile, mut rng) = (Quantile::new(Ratio::percent(99)), Rng::seeded(3));
        (0..if cfg!(miri) { 300 } else { 5000 })
            .map(|_| (quantile.record(Duration::from_secs_f64(rng.unit())), quantile.get()).1)
            .collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

#[test]
fn many_threads_lose_none() {
    let (threads, each) = (4, if cfg!(miri) { 16 } else { 4000 });
    let quantile = Quantile::new(Ratio::ZERO).over(threads * each * 2);
    thread::scope(|scope| {
        for at in 1..=threads {
            let quantile = &quantile;
            scope.spawn(move || (0..each).for_each(|_| quantile.record(MS * at)));
        }
    });
    assert_eq!(quantile.recorded(), u64::from(threads * each));
    // The share that each thread brought is found where it is.
    let mut quantile = quantile;
    for at in 1..=threads {
        quantile.share = Ratio::of(at.into(), threads.into());
        let found = found_anew(&quantile);
        assert!(found >= Some(MS * at) && found < Some(MS * at + MS), "{found:?}");
    }
}

//! The books against plain lists and sums.

use super::{
    Bucket, Quota, Rule, Throttle, Window,
    books::Books,
    crowd::Crowd,
    level::{Level, TOKEN},
    span::{SLOTS, Span},
};
use crate::{outcome::Class, telemetry::Extra, window::Ratio};
use proptest::prelude::*;
use std::time::Duration;

mod laws;
mod nested;

const CASES: u32 = if cfg!(miri) { 4 } else { 200 };
const STEPS: usize = if cfg!(miri) { 20 } else { 200 };

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// What happens to a bucket: it is put into, taken from, taken from above a floor, drained.
#[derive(Clone, Copy, Debug)]
enum Move {
    Put(u64),
    Take(u64),
    TakeAbove(u64, u64),
    Drain(u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        (0..3000u64).prop_map(Move::Put),
        (0..3000u64).prop_map(Move::Take),
        (0..3000u64, 0..12_000u64).prop_map(|(much, above)| Move::TakeAbove(much, above)),
        (0..3000u64).prop_map(Move::Drain),
    ];
    prop::collection::vec(one, 0..STEPS / 2)
}

/// What a call does, one step after another.
#[derive(Clone, Copy, Debug)]
enum Step {
    Open,
    Answer(Class, bool),
    Take(Extra),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let class = prop::sample::select(vec![
        Class::Ok,
        Class::Rejected,
        Class::Throttled,
        Class::Failed,
        Class::TimedOut,
        Class::Panicked,
        Class::Cancelled,
    ]);
    let one = prop_oneof![
        3 => Just(Step::Open),
        2 => (class, prop::bool::weighted(0.1)).prop_map(|(class, not)| Step::Answer(class, not)),
        3 => prop::bool::ANY.prop_map(|hedge| Step::Take(if hedge { Extra::Hedge } else { Extra::Retry })),
        1 => (0..400u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(one, 0..STEPS)
}

/// A bucket as somebody would write it who has no other thread beside him: in whole thousandths.
struct Naive {
    level: i64,
    max: i64,
    paid: Option<i64>,
}

impl Naive {
    fn new(tokens: u32) -> Self {
        let max = i64::from(tokens) * 1000;
        Self { level: max, max, paid: None }
    }

    fn add(&mut self, much: i64) {
        self.level = (self.level + much).clamp(0, self.max);
    }

    fn pay(&mut self, cost: i64, allowed: bool) -> bool {
        let allowed = allowed && self.level >= cost;
        if allowed {
            self.level -= cost;
            self.paid = Some(cost);
        }
        allowed
    }
}

fn bucket(capacity: u32, thousandths: u32) -> Bucket {
    Bucket::new().capacity(capacity).deposit(Ratio::of(thousandths.into(), 1000))
}

proptest! {
    #![proptest_config(config(CASES))]

    #[test]
    fn a_level_is_a_sum_that_stays_between_nothing_and_full(moves in moves(), max in 0..20_000u64) {
        let level = Level::full(max);
        let mut naive = i128::from(max);
        for (at, one) in moves.into_iter().enumerate() {
            let before = naive;
            let (done, expected) = match one {
                Move::Put(much) => {
                    naive = (naive + i128::from(much)).min(max.into());
                    (level.put(much), naive != before)
                }
                Move::Take(much) => {
                    let enough = naive >= much.into();
                    naive -= if enough { much.into() } else { 0 };
                    (level.take(much, None), enough)
                }
                Move::TakeAbove(much, above) => {
                    let enough = naive >= much.into() && naive > above.into();
                    naive -= if enough { much.into() } else { 0 };
                    (level.take(much, Some(above)), enough)
                }
                Move::Drain(much) => {
                    naive = (naive - i128::from(much)).max(0);
                    (level.drain(much), naive != before)
                }
            };
            prop_assert_eq!((i128::from(level.now()), done), (naive, expected), "at {}: {:?}", at, one);
        }
    }

    #[test]
    fn a_bucket_is_what_it_says(steps in steps(), capacity in 1..12u32, deposit in 1..=1000u32) {
        let rule = bucket(capacity, deposit);
        let (books, mut naive) = (Books::new(Rule::from(rule).0), Naive::new(capacity));
        let (mut firsts, mut extras) = (0, 0);
        for step in steps {
            match step {
                Step::Open => {
                    books.open(0);
                    naive.add(deposit.into());
                    firsts += 1;
                }
                Step::Answer(class, not) => prop_assert!(!books.answered(class, not, None)),
                Step::Take(extra) => {
                    let above_half = 2 * naive.level > naive.max;
                    let expected = naive.pay(1000, extra == Extra::Retry || above_half);
                    prop_assert_eq!(books.take(extra, None, 0), expected.then_some(TOKEN));
                    extras += i64::from(expected);
                }
                Step::Wait(_) => {}
            }
            prop_assert_eq!(books.level(0), Some(naive.level as u64));
            prop_assert!(1000 * extras <= naive.max + i64::from(deposit) * firsts);
        }
    }

    #[test]
    fn a_quota_is_what_it_says(steps in steps(), capacity in 14..100u32) {
        let rule = Rule::from(Quota::new().capacity(capacity));
        let (books, mut naive) = (Books::new(rule.0), Naive::new(capacity));
        let mut last = None;
        for step in steps {
            match step {
                Step::Open => {
                    prop_assert!(!books.open(0));
                    (naive.paid, last) = (None, None);
                }
                Step::Answer(class, not) => {
                    books.answered(class, not, naive.paid.map(|paid| paid as u64));
                    if class == Class::Ok {
                        naive.add(naive.paid.unwrap_or(1000));
                    }
                    last = Some(class);
                }
                Step::Take(extra) => {
                    let cost = if last == Some(Class::Throttled) { 5000 } else { 14_000 };
                    let expected = naive.pay(cost, true);
                    prop_assert_eq!(books.take(extra, last, 0), expected.then_some(cost as u64));
                }
                Step::Wait(_) => {}
            }
            prop_assert_eq!(books.level(0), Some(naive.level as u64));
        }
    }

    #[test]
    fn a_throttle_is_what_it_says(steps in steps(), max in 1..20u32, ratio in 1..2000u32) {
        let rule = Rule::from(Throttle::new(max, f64::from(ratio) / 1000.0));
        let (books, mut naive) = (Books::new(rule.0), Naive::new(max));
        for step in steps {
            match step {
                Step::Open => prop_assert!(!books.open(0)),
                Step::Answer(class, not) => {
                    books.answered(class, not, Some(0));
                    naive.add(match class {
                        _ if not => -1000,
                        Class::Ok => ratio.into(),
                        Class::Failed | Class::Throttled | Class::TimedOut => -1000,
                        _ => 0,
                    });
                }
                Step::Take(extra) => {
                    let expected = 2 * naive.level > naive.max;
                    prop_assert_eq!(books.take(extra, None, 0), expected.then_some(0));
                }
                Step::Wait(_) => {}
            }
            prop_assert_eq!(books.level(0), Some(naive.level as u64));
        }
    }

    /// The list of all that was put in and taken out, by its slot.
    #[test]
    fn a_span_is_the_sum_of_its_last_slots(
        steps in prop::collection::vec((0..5_000u64, 0..100i64, prop::bool::ANY), 0..STEPS), floor in -200..50i64,
    ) {
        let width = 100;
        let span = Span::new(width * SLOTS);
        let (mut list, mut now) = (Vec::new(), 0);
        for (wait, much, put) in steps {
            now += wait;
            let slot = now / width;
            let sum: i64 = list.iter().filter(|(of, _)| of + SLOTS >= slot).map(|(_, much)| much).sum();
            prop_assert_eq!(span.sum(now), sum, "at {}", now);
            if put {
                span.put(now, much);
                list.push((slot, much));
            } else {
                let enough = sum - much >= floor;
                prop_assert_eq!(span.take(now, much, floor), enough, "at {}", now);
                list.push((slot, if enough { -much } else { 0 }));
            }
        }
    }

    /// Over any stretch as long as the window.
    #[test]
    fn a_window_grants_no_more_than_its_share_and_its_floor(
        steps in steps(), share in 0..3_000_000u32, per_second in 0..3u32,
    ) {
        let second = 1_000_000_000;
        let rule = Window::new(f64::from(share) / 1e6).length(Duration::from_secs(2)).per_second(per_second);
        let books = Books::new(Rule::from(rule).0);
        let (mut firsts, mut extras, mut now) = (Vec::new(), Vec::new(), 0u64);
        for step in steps {
            match step {
                Step::Open => {
                    books.open(now);
                    firsts.push(now);
                }
                Step::Take(extra) => {
                    let span = |since: u64, of: &[u64]| of.iter().filter(|at| **at + since > now).count() as u64;
                    let before = span(2 * second, &extras);
                    match books.take(extra, None, now) {
                        Some(cost) => {
                            prop_assert_eq!(cost, TOKEN);
                            extras.push(now);
                            // A slot more than the window.
                            let paid_by = u64::from(share) * span(2 * second + second / 50, &firsts);
                            let floor = 2_000_000 * u64::from(per_second);
                            prop_assert!((before + 1) * 1_000_000 <= paid_by + floor, "{} at {}", before, now);
                        }
                        None => {
                            let balance = u64::from(share) * span(2 * second, &firsts);
                            let spent = span(2 * second + second / 50, &extras) * 1_000_000;
                            prop_assert!(balance + 2_000_000 * u64::from(per_second) < spent + 1_000_000);
                        }
                    }
                }
                Step::Wait(millis) => now += millis * 1_000_000,
                Step::Answer(..) => {}
            }
        }
    }

    #[test]
    fn a_crowd_counts_who_is_there(
        steps in prop::collection::vec((0..4u8, 0..3u32), 0..STEPS), billionths in 0..=1_000_000_000u32, floor in 1..4u32,
    ) {
        let crowd = Crowd::new();
        // The extra attempts of each call that runs.
        let mut calls: Vec<u32> = Vec::new();
        for (what, which) in steps {
            let extras: u32 = calls.iter().sum();
            let at = which as usize;
            match what {
                0 => {
                    crowd.enter();
                    calls.push(0);
                }
                1 if at < calls.len() => {
                    let all = u64::from(extras) + calls.len() as u64;
                    let share = u64::from(extras) * 1_000_000_000 <= u64::from(billionths) * all;
                    let expected = extras < floor || share;
                    prop_assert_eq!(crowd.take(billionths, floor), expected);
                    calls[at] += u32::from(expected);
                }
                2 if at < calls.len() && calls[at] > 0 => {
                    crowd.give_back();
                    calls[at] -= 1;
                }
                3 if at < calls.len() => crowd.leave(calls.swap_remove(at)),
                _ => {}
            }
            prop_assert_eq!(crowd.count(), (calls.len() as u32, calls.iter().sum()));
        }
    }
}

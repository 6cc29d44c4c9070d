//! The core against a table written out in full, and what holds whatever comes.

use super::{
    Hints,
    decide::{Ended, Pace, Rules, decide},
};
use crate::{
    backoff::{Backoff, Jitter, Rng},
    outcome::{Class, Outcome},
    telemetry::RetryResult,
};
use proptest::prelude::*;
use std::{cell::Cell, time::Duration};

const MS: Duration = Duration::from_millis(1);

const CLASSES: [Class; 7] = [
    Class::Ok,
    Class::Rejected,
    Class::Throttled,
    Class::Failed,
    Class::TimedOut,
    Class::Panicked,
    Class::Cancelled,
];

fn rules() -> Rules {
    Rules {
        attempts: 3,
        backoff: Backoff::exponential(10 * MS).jitter(Jitter::None),
        throttled: None,
        hints: Hints::default(),
    }
}

fn ask(rules: &Rules, attempt: u32, outcome: Outcome, safe: bool) -> Result<Duration, RetryResult> {
    let ended = Ended { attempt, outcome: &outcome, left: None };
    decide(rules, &mut Pace::new(rules), &ended, || safe, &mut Rng::seeded(1))
}

#[test]
fn each_class_has_its_row() {
    use RetryResult::{Final, Unsafe};
    let again = Ok(10 * MS);
    let no = Err(Final);
    let not_twice = Err(Unsafe);
    // The class; safe and reached, safe and not reached, unsafe and reached, unsafe and not reached.
    let table = [
        (Class::Ok, [no, no, no, no]),
        (Class::Failed, [again, again, not_twice, again]),
        (Class::Throttled, [again, again, not_twice, again]),
        (Class::TimedOut, [again, again, not_twice, again]),
        (Class::Rejected, [no, again, no, again]),
        (Class::Panicked, [no, no, no, no]),
        (Class::Cancelled, [no, no, no, no]),
    ];
    for (class, expected) in table {
        let reached = Outcome::of(class);
        let all =
            [(reached, true), (reached.unreached(), true), (reached, false), (reached.unreached(), false)];
        let got = all.map(|(outcome, safe)| ask(&rules(), 1, outcome, safe));
        assert_eq!(got, expected, "{class:?}");
    }
}

#[test]
fn whether_it_is_safe_is_asked_only_where_something_was_reached() {
    let asked = Cell::new(0);
    let rules = rules();
    for outcome in CLASSES.map(|class| Outcome::of(class).unreached()) {
        let ended = Ended { attempt: 1, outcome: &outcome, left: None };
        let safe = || {
            asked.set(asked.get() + 1);
            false
        };
        let _ = decide(&rules, &mut Pace::new(&rules), &ended, safe, &mut Rng::seeded(1));
    }
    assert_eq!(asked.get(), 0);
}

#[test]
fn a_hint_of_the_cap_is_waited_for_and_one_above_ends_the_call() {
    let rules = Rules { hints: Hints::up_to(30 * MS), ..rules() };
    let hint = |wait| ask(&rules, 1, Outcome::FAILED.hint(wait), true);
    assert_eq!(hint(Duration::ZERO), Ok(Duration::ZERO));
    assert_eq!(hint(30 * MS), Ok(30 * MS));
    assert_eq!(hint(30 * MS + Duration::from_nanos(1)), Err(RetryResult::HintTooLong));
    assert_eq!(hint(Duration::MAX), Err(RetryResult::HintTooLong));
}

#[test]
fn a_wait_as_long_as_the_time_left_is_too_long() {
    let rules = rules();
    let left = |left, outcome: Outcome| {
        let ended = Ended { attempt: 1, outcome: &outcome, left: Some(left) };
        decide(&rules, &mut Pace::new(&rules), &ended, || true, &mut Rng::seeded(1))
    };
    assert_eq!(left(10 * MS, Outcome::FAILED), Err(RetryResult::NoTime));
    assert_eq!(left(10 * MS + Duration::from_nanos(1), Outcome::FAILED), Ok(10 * MS));
    assert_eq!(left(5 * MS, Outcome::FAILED.hint(5 * MS)), Err(RetryResult::NoTime));
    assert_eq!(left(Duration::ZERO, Outcome::FAILED.hint(Duration::ZERO)), Err(RetryResult::NoTime));
    assert_eq!(left(Duration::MAX, Outcome::TIMED_OUT.by_own_deadline()), Err(RetryResult::NoTime));
}

#[test]
fn after_a_hint_the_delays_begin_anew_and_throttling_has_its_own() {
    let rules = Rules {
        attempts: 10,
        throttled: Some(Backoff::exponential(100 * MS).jitter(Jitter::None)),
        ..rules()
    };
    let mut pace = Pace::new(&rules);
    let mut next = |outcome: Outcome| {
        let ended = Ended { attempt: 1, outcome: &outcome, left: None };
        decide(&rules, &mut pace, &ended, || true, &mut Rng::seeded(1)).expect("again")
    };
    let waits = [
        next(Outcome::FAILED),
        next(Outcome::THROTTLED),
        next(Outcome::FAILED),
        next(Outcome::THROTTLED.hint(7 * MS)),
        next(Outcome::THROTTLED),
        next(Outcome::FAILED),
    ];
    assert_eq!(waits, [10, 200, 40, 7, 100, 20].map(|millis| MS * millis));
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let flags = any::<(bool, bool, bool)>();
    let hint = prop::option::of(prop_oneof![0..100u64, any::<u64>()]);
    (prop::sample::select(CLASSES.to_vec()), flags, hint).prop_map(|(class, (reached, not, own), hint)| {
        let mut outcome = Outcome::of(class);
        outcome = if reached { outcome } else { outcome.unreached() };
        outcome = if not { outcome.do_not_retry() } else { outcome };
        outcome = if own { outcome.by_own_deadline() } else { outcome };
        hint.map_or(outcome, |millis| outcome.hint(Duration::from_millis(millis)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes of the attempts: no more than there may be, no time past the deadline, no word of the server's
    /// broken, and nothing sent twice that must not be.
    #[test]
    fn a_call_keeps_its_bounds(
        ends in prop::collection::vec((outcomes(), 0..50u32), 1..if cfg!(miri) { 6 } else { 20 }),
        attempts in 1..6u32, left in prop::option::of(0..200u32), safe in any::<bool>(), near in any::<bool>(), seed in any::<u64>(),
    ) {
        let cap = 60 * MS;
        let hints = if near { Hints::near(20 * MS) } else { Hints::up_to(cap) };
        let backoff = Backoff::exponential(10 * MS).cap(40 * MS);
        let rules = Rules { attempts, backoff, throttled: None, hints };
        let deadline = left.map(|left| MS * left);
        let (mut pace, mut rng, mut passed, mut sent) = (Pace::new(&rules), Rng::seeded(seed), Duration::ZERO, 1);
        for (outcome, took) in ends {
            passed += MS * took;
            let left = deadline.map(|deadline| deadline.saturating_sub(passed));
            let ended = Ended { attempt: sent, outcome: &outcome, left };
            let Ok(wait) = decide(&rules, &mut pace, &ended, || safe, &mut rng) else { break };
            prop_assert!(left.is_none_or(|left| wait < left));
            prop_assert!(safe || !outcome.reached());
            prop_assert!(!outcome.asks_not_to_retry());
            match outcome.retry_after() {
                Some(hint) if near => prop_assert!(wait <= 60 * MS && wait >= hint.min(20 * MS)),
                Some(hint) => prop_assert!(wait == hint && wait <= cap),
                None => prop_assert!(wait <= 40 * MS),
            }
            passed += wait;
            sent += 1;
            prop_assert!(sent <= attempts);
        }
    }
}

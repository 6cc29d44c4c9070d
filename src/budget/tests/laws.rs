//! The law that each rule is there for, and settings at their edges.

use super::super::{Bucket, Budget, Quota, Rule, Share, Throttle, Window, books::Books, span::Span};
use crate::{
    outcome::{Class, Outcome},
    telemetry::Extra,
    window::Ratio,
};
use std::time::Duration;

#[test]
fn what_was_put_into_a_window_is_there_for_all_of_it_and_a_hundredth_more_at_most() {
    let window = 10_000_000_000;
    for put_at in [0, 1, 99_999_999, 100_000_000, 12_345_678_901] {
        let there = |after: u64| {
            let span = Span::new(window);
            span.put(put_at, 1);
            span.sum(put_at + after) == 1
        };
        assert!(there(0) && there(window - 1) && there(window), "put at {put_at}");
        assert!(!there(window + window / 100), "put at {put_at}");
        assert!(!there(100 * window) && !there(u64::MAX - put_at), "after a long idle time");
    }
}

#[test]
fn a_clock_that_comes_late_moves_no_window_back() {
    let span = Span::new(1000);
    span.put(5000, 7);
    span.put(100, 5);
    assert_eq!((span.sum(100), span.sum(5000), span.sum(6100)), (12, 12, 0));
}

#[test]
#[cfg_attr(miri, ignore = "twelve thousand calls, and their sums are the point")]
fn no_setting_makes_a_budget_that_never_recovers() {
    let no_setting: [Rule; 6] = [
        Bucket::new().capacity(0).deposit(Ratio::ZERO).into(),
        Quota::new().capacity(0).costs(0, 0).into(),
        Quota::new().capacity(0).costs(100, 7).into(),
        Throttle::new(0, f64::NAN).into(),
        Throttle::new(0, -1.0).into(),
        Share::new(Ratio::ZERO).floor(0).into(),
    ];
    for rule in no_setting {
        let budget = Budget::of(rule);
        let mut call = budget.open();
        let granted = (0..10).filter(|_| call.take(Extra::Retry)).count();
        assert!(granted >= 1, "{rule:?}");
        for _ in 0..2 {
            call.answered(&Outcome::FAILED);
        }
        drop(call);
        for _ in 0..2000 {
            budget.open().answered(&Outcome::OK);
        }
        assert!(budget.open().take(Extra::Retry), "{rule:?} has not recovered");
    }
}

#[test]
fn no_setting_is_too_large() {
    let rules: [Rule; 6] = [
        Bucket::new().capacity(u32::MAX).deposit(Ratio::ONE).into(),
        Quota::new().capacity(u32::MAX).costs(u32::MAX, u32::MAX).into(),
        Throttle::new(u32::MAX, f64::INFINITY).into(),
        Window::new(f64::INFINITY).length(Duration::MAX).per_second(u32::MAX).into(),
        Window::new(f64::NAN).length(Duration::ZERO).per_second(u32::MAX).into(),
        Share::new(Ratio::ONE).floor(u32::MAX).into(),
    ];
    for rule in rules {
        let books = Books::new(rule.0);
        for now in [0, 1, u64::MAX / 2, u64::MAX] {
            books.open(now);
            books.answered(Class::Ok, false, Some(u64::MAX));
            assert!(books.take(Extra::Retry, Some(Class::Failed), now).is_some(), "{rule:?} at {now}");
            books.answered(Class::Failed, true, None);
            books.level(now);
            books.is_fresh(now);
        }
    }
}

#[test]
fn settings_are_taken_as_the_nearest_that_there_is() {
    assert_eq!(Throttle::new(0, 0.0), Throttle::new(1, 0.001));
    assert_eq!(Throttle::new(1001, 0.1), Throttle::new(1000, 0.1));
    assert_eq!(Window::new(-1.0), Window::new(0.0));
    assert_eq!(Window::new(f64::NAN), Window::new(0.0));
    assert_eq!(Window::new(1e9), Window::new(1000.0));
    assert_eq!(Window::new(0.1).length(Duration::ZERO), Window::new(0.1).length(Duration::from_secs(1)));
    assert_eq!(Window::new(0.1).length(Duration::MAX), Window::new(0.1).length(Duration::from_secs(60)));
    assert_eq!(Bucket::new().capacity(0), Bucket::new().capacity(1));
    assert_eq!(Share::new(Ratio::ONE).floor(0), Share::new(Ratio::ONE).floor(1));
}

#[test]
fn a_hedge_leaves_the_lower_half_of_the_bucket_to_retries() {
    let budget = Budget::new();
    let mut call = budget.open();
    let hedges = (0..20).filter(|_| call.take(Extra::Hedge)).count();
    assert_eq!((hedges, budget.tokens()), (5, Some(5.0)));
    let retries = (0..20).filter(|_| call.take(Extra::Retry)).count();
    assert_eq!((retries, budget.tokens()), (5, Some(0.0)));
}

#[test]
fn a_purse_that_is_dropped_gives_back_its_places_and_no_tokens() {
    let crowd = Budget::of(Share::new(Ratio::ZERO).floor(2));
    let mut call = crowd.open();
    assert!(call.take(Extra::Retry) && call.take(Extra::Hedge) && !call.take(Extra::Hedge));
    call.ended();
    assert!(call.take(Extra::Hedge) && !call.take(Extra::Hedge));
    drop(call);
    assert!(crowd.is_fresh());
    // Said once too often, an end is no end.
    let mut call = crowd.open();
    call.ended();
    assert!(call.take(Extra::Hedge) && call.take(Extra::Hedge) && !call.take(Extra::Hedge));

    let bucket = Budget::new();
    let mut call = bucket.open();
    assert!(call.take(Extra::Retry));
    drop(call);
    assert_eq!(bucket.tokens(), Some(9.0));
}

#[test]
fn the_first_name_stays_and_an_empty_one_is_none() {
    assert_eq!(Budget::new().name().as_str(), "budget");
    let budget = Budget::new().named("").named("orders");
    assert_eq!(budget.clone().named("payments").name().as_str(), "orders");
}

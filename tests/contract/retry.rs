//! The retry: with waits and without, where requests are safe and where they are not, and with budgets of other rules.

use crate::{
    affairs::{CUTTING, REFUSING, STATE, TIME, TURN, VERDICT, assert_all_but},
    counting,
};
use buttress::{
    backoff::Backoff,
    budget::{Budget, KeyedBudgets, Quota, Share, Throttle, Window},
    hedge::HedgeLayer,
    keyed::By,
    replay::{Always, Clones},
    retry::{Policy, RetryLayer},
    testing::{Law, Subject, deadline_in},
    window::Ratio,
};
use std::{borrow::Cow, time::Duration};
use tower::layer::util::Stack;

/// A retry refuses nothing, makes nobody wait for a turn, cuts nothing, and keeps no verdict on the service. That the budget
/// is shared by clones, and by nobody else, is shown in `tests/retry`: it shows in no answer that the judge asks for.
const NOT_ITS_AFFAIR: [&[Law]; 6] = [REFUSING, VERDICT, TURN, CUTTING, STATE, TIME];

fn policy() -> Policy<buttress::outcome::ErrorsFail, Clones<Always>> {
    Policy::new().all_safe().backoff(Backoff::constant(Duration::from_millis(50)))
}

fn judge(subject: &Subject) {
    assert_all_but(&NOT_ITS_AFFAIR, &subject.judge());
}

fn subject<L: buttress::testing::Judgeable>(make: impl Fn() -> L + 'static) -> Subject {
    Subject::new(make).calls_again().allocations(counting::made)
}

#[test]
fn a_retry_keeps_the_laws() {
    judge(&subject(|| RetryLayer::new(policy())));
}

#[test]
fn a_retry_that_does_not_wait_keeps_the_laws() {
    judge(&subject(|| RetryLayer::new(policy().backoff(Backoff::constant(Duration::ZERO)).attempts(5))));
}

#[test]
fn a_retry_of_one_attempt_keeps_the_laws() {
    judge(&subject(|| RetryLayer::new(policy().attempts(1))));
}

#[test]
fn a_retry_of_what_is_not_safe_keeps_the_laws() {
    judge(&subject(|| RetryLayer::new(Policy::new())));
}

#[test]
fn a_retry_under_a_deadline_keeps_the_laws() {
    for left in [Duration::ZERO, Duration::from_millis(75), Duration::from_secs(60)] {
        judge(&subject(move || Stack::new(RetryLayer::new(policy()), deadline_in(left))));
    }
}

#[test]
fn a_retry_keeps_the_laws_whatever_pays_for_it() {
    let rules: [fn() -> Budget; 5] = [
        || Budget::of(Quota::new()),
        || Budget::of(Throttle::new(10, 0.1)),
        || Budget::of(Window::new(0.2)),
        || Budget::of(Share::new(Ratio::percent(20))),
        Budget::unlimited,
    ];
    for rule in rules {
        judge(&subject(move || RetryLayer::new(policy().budget(&rule()))));
    }
}

/// The share counts every call, so that each of the two has to know what the other has told it.
#[test]
fn a_retry_around_a_hedge_with_one_budget_keeps_the_laws() {
    judge(&subject(|| {
        let budget = Budget::of(Share::new(Ratio::percent(20)));
        let hedge = HedgeLayer::after(Duration::from_millis(20)).all_safe().budget(&budget);
        Stack::new(hedge, RetryLayer::new(policy().budget(&budget)))
    }));
}

#[test]
fn a_retry_with_a_budget_for_each_key_keeps_the_laws() {
    judge(&subject(|| {
        let budgets = KeyedBudgets::<bool>::new(2, Share::new(Ratio::percent(20)));
        let key_of = By::new(|number: &u64| Some(Cow::Owned(number.is_multiple_of(2))));
        RetryLayer::new(policy().budgets(&budgets, key_of))
    }));
}

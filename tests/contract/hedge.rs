//! The hedge: after a fixed delay, after one that is learnt, at once, and of several.

use crate::{
    affairs::{CUTTING, REFUSING, STATE, TIME, TURN, VERDICT, assert_all_but, assert_not_run},
    counting,
};
use buttress::{
    budget::{KeyedBudgets, Share},
    hedge::HedgeLayer,
    keyed::By,
    testing::{Law, Refusal, Subject, deadline_in},
    timeout::TimeoutLayer,
    window::{Quantile, Ratio},
};
use std::{borrow::Cow, time::Duration};
use tower::layer::util::Stack;

const DELAY: Duration = Duration::from_millis(20);
const LIMIT: Duration = Duration::from_millis(250);

/// A hedge refuses nothing, queues nothing, cuts nothing of its own accord, and keeps no state in which it admits less.
const NOT_ITS_AFFAIR: [&[Law]; 6] = [REFUSING, VERDICT, TURN, CUTTING, STATE, TIME];

fn judge(subject: Subject) {
    let report = subject.calls_again().allocations(counting::made).judge();
    assert_all_but(&NOT_ITS_AFFAIR, &report);
}

#[test]
fn a_hedge_keeps_the_laws() {
    judge(Subject::new(|| HedgeLayer::after(DELAY).all_safe()));
}

#[test]
fn a_hedge_of_several_attempts_keeps_the_laws() {
    judge(Subject::new(|| HedgeLayer::after(DELAY).max(4).all_safe()));
}

/// Its hedges start with every call that is not ready at once, and each has to be put somewhere.
#[test]
fn a_hedge_that_does_not_wait_keeps_all_laws_but_allocates() {
    let subject = Subject::new(|| HedgeLayer::after(Duration::ZERO).max(4).all_safe());
    let report = subject.calls_again().allocations(counting::made).judge();
    report.assert_breaks(&[Law::NothingAllocated]);
    assert_not_run(&NOT_ITS_AFFAIR, &report);
}

#[test]
fn a_hedge_of_requests_that_are_not_safe_keeps_the_laws() {
    judge(Subject::new(|| HedgeLayer::after(DELAY).safe(|_: &u64| false)));
}

#[test]
fn a_hedge_with_a_budget_for_each_key_keeps_the_laws() {
    judge(Subject::new(|| {
        let budgets = KeyedBudgets::<bool>::new(2, Share::new(Ratio::percent(20)));
        let key_of = By::new(|number: &u64| Some(Cow::Owned(number.is_multiple_of(2))));
        HedgeLayer::after(DELAY).all_safe().budgets(&budgets, key_of)
    }));
}

#[test]
fn a_hedge_that_learns_its_delay_keeps_the_laws() {
    judge(Subject::new(|| HedgeLayer::quantile(Ratio::percent(95)).all_safe()));
    judge(Subject::new(|| {
        HedgeLayer::learning(Quantile::new(Ratio::percent(50)).least(1)).between(DELAY, DELAY).all_safe()
    }));
}

/// Where a limit stands over the race, all attempts are cut.
#[test]
fn under_a_timeout_a_hedge_keeps_the_laws() {
    let stack = || Stack::new(HedgeLayer::after(DELAY).max(4).all_safe(), TimeoutLayer::new(LIMIT));
    let refuses = Refusal::new(move || Stack::new(stack(), deadline_in(Duration::ZERO)));
    let report = Subject::new(stack)
        .cuts_after(LIMIT)
        .calls_again()
        .refuses(refuses)
        .allocations(counting::made)
        .judge();
    report.assert();
    for law in [Law::CutBeforeTheAnswer, Law::CutSaysWhy, Law::WaitsEndOnTime] {
        assert!(report.kept().contains(&law), "{report}");
    }
}

//! The fallback: calls that end well or badly pass through it; what it stands in for it answers.

use crate::{
    affairs::{ALL_OF_WHO_PASSES_ON, assert_all_but, assert_not_run},
    counting,
};
use buttress::{
    fallback::{Bounds, FallbackLayer},
    outcome::Class,
    testing::{Fault, Law, Refusal, Subject, deadline_in},
    timeout::TimeoutLayer,
};
use std::time::Duration;
use tower::layer::util::Stack;

const LIMIT: Duration = Duration::from_millis(250);

fn judge(subject: Subject) {
    let report = subject.allocations(counting::made).judge();
    // A fallback refuses nothing, queues nothing, cuts nothing, and keeps no state in which it admits less.
    assert_all_but(&ALL_OF_WHO_PASSES_ON, &report);
}

async fn late(n: u64) -> Result<u64, std::io::Error> {
    tokio::task::yield_now().await;
    Ok(n)
}

#[test]
fn a_fallback_by_value_keeps_the_laws() {
    judge(Subject::new(|| FallbackLayer::value(0)));
}

#[test]
fn a_fallback_by_function_keeps_the_laws() {
    judge(Subject::new(|| FallbackLayer::function(|_| 0)));
    judge(Subject::new(|| FallbackLayer::of_request(|n: &u64| *n, |n, _| n)));
    judge(Subject::new(|| FallbackLayer::of_result(|_: Result<&u64, &Fault>, _| 0)));
    judge(Subject::new(|| FallbackLayer::async_function(|_| async { 0 })));
    judge(Subject::new(|| FallbackLayer::async_of_request(|n: &u64| *n, |n, _| async move { n })));
}

#[test]
fn a_fallback_by_another_service_keeps_the_laws() {
    judge(Subject::new(|| FallbackLayer::service(tower::service_fn(late))));
    judge(Subject::new(|| FallbackLayer::service_with(tower::service_fn(late), |n: &u64| *n)));
}

#[test]
fn a_fallback_by_the_last_good_answer_keeps_the_laws() {
    judge(Subject::new(|| FallbackLayer::last_good(Bounds::age(LIMIT), |n: &u64| Some(*n))));
}

/// Told to stand in for failures, it answers where the inside has failed: that is one law, broken on purpose, and all the
/// others hold while another service answers.
#[test]
fn while_it_stands_in_it_keeps_all_laws_but_the_one_that_the_inner_answer_comes_back() {
    let service = || FallbackLayer::service(tower::service_fn(late)).on([Class::Failed]);
    let report = Subject::new(service).allocations(counting::made).judge();
    report.assert_breaks(&[Law::InnerAnswerAsItWas]);
    assert_not_run(&ALL_OF_WHO_PASSES_ON, &report);
}

/// A timeout refuses and cuts, and the fallback, which has no answer, gives back what it said.
#[test]
fn over_a_timeout_a_fallback_without_an_answer_changes_nothing() {
    let stack = || Stack::new(TimeoutLayer::new(LIMIT), FallbackLayer::async_function(|_| async { None }));
    let refuses = Refusal::new(move || Stack::new(stack(), deadline_in(Duration::ZERO)));
    let report = Subject::new(stack).cuts_after(LIMIT).refuses(refuses).allocations(counting::made).judge();
    report.assert();
    for law in [Law::RefusalAsksNothingInside, Law::CutBeforeTheAnswer, Law::CutSaysWhy, Law::WaitsEndOnTime]
    {
        assert!(report.kept().contains(&law), "{report}");
    }
}

//! What the judge says of tower's own layers.

use crate::counting;
use buttress::testing::{Answer, Law, Subject};
use std::time::Duration;
use tower::{
    buffer::BufferLayer,
    layer::util::Identity,
    limit::{ConcurrencyLimitLayer, GlobalConcurrencyLimitLayer},
    load_shed::LoadShedLayer,
    timeout::TimeoutLayer,
};

#[test]
fn the_identity_keeps_every_law_that_can_be_run() {
    Subject::new(Identity::new).allocations(counting::made).judge().assert();
}

#[test]
fn load_shed_keeps_every_law_that_can_be_run() {
    Subject::new(LoadShedLayer::new).allocations(counting::made).judge().assert();
}

#[test]
fn a_global_concurrency_limit_takes_its_permit_and_waits_in_poll_ready() {
    Subject::new(|| GlobalConcurrencyLimitLayer::new(4))
        .waits([Answer::never()], || GlobalConcurrencyLimitLayer::new(1))
        .allocations(counting::made)
        .judge()
        .assert_breaks(&[Law::ReadinessTakesNoPermit, Law::WaitingIsInTheCall]);
}

#[test]
fn a_concurrency_limit_also_makes_its_state_in_layer() {
    Subject::new(|| ConcurrencyLimitLayer::new(4))
        .waits([Answer::never()], || ConcurrencyLimitLayer::new(1))
        .allocations(counting::made)
        .judge()
        .assert_breaks(&[Law::ReadinessTakesNoPermit, Law::WaitingIsInTheCall, Law::LayerSharesState]);
}

#[test]
fn a_timeout_answers_while_the_call_is_still_there_and_does_not_tell_it_why_it_ends() {
    const LIMIT: Duration = Duration::from_secs(1);
    Subject::new(|| TimeoutLayer::new(LIMIT))
        .cuts_after(LIMIT)
        .allocations(counting::made)
        .judge()
        .assert_breaks(&[Law::CutBeforeTheAnswer, Law::CutSaysWhy]);
}

/// Its worker owns the service: it takes a place ahead, wraps what fails there, and ends with the first panic.
#[test]
fn a_buffer_is_judged_across_its_worker() {
    Subject::new(|| BufferLayer::<u64>::new(4)).allocations(counting::made).judge().assert_breaks(&[
        Law::ReadinessTakesNoPermit,
        Law::ReadinessErrorPasses,
        Law::PanicIsAPanic,
        Law::WorksAfterAPanic,
        Law::NothingAllocated,
    ]);
}

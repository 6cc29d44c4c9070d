//! What the judge says of tower's own layers.

use crate::counting;
use buttress::testing::{Answer, Law, Subject};
use tower::{
    layer::util::Identity,
    limit::{ConcurrencyLimitLayer, GlobalConcurrencyLimitLayer},
    load_shed::LoadShedLayer,
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

//! What is particular to gRPC: the lift to statuses, and deadlines in and out.

use crate::{
    adapters::of_numbers,
    affairs::{
        ALL_OF_WHO_PASSES_ON, ALLOCATING, CUTTING, STATE, TIME, TURN, VERDICT, WAITING, assert_all_but,
    },
    counting,
};
use buttress::{
    grpc::{self, StatusLiftLayer},
    testing::{Fault, Judgeable, Refusal, Subject, deadline_in},
};
use std::{error::Error, time::Duration};
use tonic::Status;
use tower::{BoxError, ServiceBuilder, layer::util::Stack};

/// The fault of the judge is the source of the status.
fn unwrapped(status: Status) -> BoxError {
    match status.source().and_then(<dyn Error>::downcast_ref::<Fault>) {
        Some(fault) => fault.clone().into(),
        None => status.into(),
    }
}

#[test]
fn the_lift_to_statuses_keeps_the_laws() {
    let lift: fn() -> StatusLiftLayer = grpc::lift;
    let lifts = move || ServiceBuilder::new().map_err(unwrapped).layer(lift());
    let report = Subject::new(lifts).named("grpc::lift").judge();
    assert_all_but(&[&ALL_OF_WHO_PASSES_ON.concat(), ALLOCATING], &report);
}

fn sends() -> impl Judgeable {
    of_numbers!(grpc::send_deadline())
}

fn reads() -> impl Judgeable {
    of_numbers!(grpc::deadline(Duration::from_secs(9)))
}

#[test]
fn a_deadline_that_goes_out_keeps_the_laws() {
    let late = || Stack::new(sends(), deadline_in(Duration::ZERO));
    let report = Subject::new(sends).refuses(Refusal::new(late)).allocations(counting::made).judge();
    assert_all_but(&[VERDICT, TURN, WAITING, CUTTING, STATE, TIME], &report);
    Subject::new(|| Stack::new(sends(), deadline_in(Duration::from_secs(9)))).judge().assert();
}

#[test]
fn a_deadline_that_comes_in_keeps_the_laws() {
    let report = Subject::new(reads).allocations(counting::made).judge();
    assert_all_but(&ALL_OF_WHO_PASSES_ON, &report);
}

//! The guards: what is refused or cut inside leaves as a response, and every law holds of it all the same.

use crate::adapters::{answered, of_http};
use ::http::{Method, Response};
use axum::body::Body;
use buttress::{
    Rejected,
    bulkhead::{BulkheadLayer, Slots},
    grpc,
    http::{self, Guard, RespondLayer},
    lift,
    testing::{Answer, Fault, Judgeable, Law, Refusal, Subject, deadline_in},
    timeout::TimeoutLayer,
};
use std::time::Duration;
use tower::{BoxError, ServiceBuilder, layer::util::Stack};

const LIMIT: Duration = Duration::from_millis(250);

/// The judge wants to see a refusal: the response that stands for it says so in its extensions.
macro_rules! told {
    ($guarded:expr) => {
        of_http!(
            Method::POST,
            Body::from("a body"),
            ServiceBuilder::new().map_result(refusals).layer($guarded)
        )
    };
}

fn refusals(answer: Result<Response<Body>, Fault>) -> Result<Response<Body>, BoxError> {
    let response = answer?;
    match response.extensions().get::<Rejected>() {
        Some(rejected) => {
            assert_eq!(answered(&response), None, "it never came from inside");
            Err(rejected.clone().into())
        }
        None => Ok(response),
    }
}

fn judge<L: Judgeable>(name: &str, cuts: fn() -> L) {
    let late = move || Stack::new(cuts(), deadline_in(Duration::ZERO));
    let report = Subject::new(cuts).named(name).cuts_after(LIMIT).refuses(Refusal::new(late)).judge();
    report.assert();
    for law in [Law::AdmittedFirst, Law::CutBeforeTheAnswer, Law::CutSaysWhy, Law::WaitsEndOnTime] {
        assert!(report.kept().contains(&law), "{report}");
    }
}

#[test]
fn a_guard_keeps_the_laws_of_what_it_guards() {
    judge("http::guard", || told!(http::guard(TimeoutLayer::new(LIMIT))));
    judge("grpc::guard", || told!(grpc::guard(TimeoutLayer::new(LIMIT))));
    judge("grpc::mixed_guard", || told!(grpc::mixed_guard(TimeoutLayer::new(LIMIT))));
    judge("a guard with answers of its own", || {
        told!(Guard::with(TimeoutLayer::new(LIMIT), |_: &Rejected| Response::new(Body::from("come again"))))
    });
}

#[test]
fn answers_without_the_guard_keep_the_laws() {
    judge("http::respond", || {
        told!(ServiceBuilder::new().layer(http::respond()).layer(TimeoutLayer::new(LIMIT)).layer(lift()))
    });
    judge("respond with answers of its own", || {
        let own = RespondLayer::with(|_: &Rejected| Response::new(Body::from("come again")));
        told!(ServiceBuilder::new().layer(own).layer(TimeoutLayer::new(LIMIT)).layer(lift()))
    });
}

/// What would be refused is ready without asking inside, and what waits holds nothing, through the guard as well.
#[test]
fn under_a_guard_a_bulkhead_keeps_the_laws() {
    let with = |limit, len| {
        let queue = BulkheadLayer::new(&Slots::new("judged", limit)).queue(len).max_wait(LIMIT);
        told!(http::guard(queue))
    };
    let report = Subject::new(move || with(8, 8))
        .named("a guarded bulkhead")
        .refuses(Refusal::after([Answer::never()], move || with(1, 0)))
        .waits([Answer::never()], move || with(1, 1))
        .judge();
    report.assert();
    for law in [Law::RefusalAsksNothingInside, Law::WaitingIsInTheCall, Law::WaitingHoldsNothing] {
        assert!(report.kept().contains(&law), "{report}");
    }
}

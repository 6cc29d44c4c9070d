//! The patterns in the form that they have for HTTP: what they hold is held to the end of the body where that is what is
//! judged, and whoever drops the body gives it back.

use crate::{
    adapters::of_http,
    affairs::{
        ALL_OF_WHO_PASSES_ON, ALLOCATING, CUTTING, REFUSING, STATE, TIME, TURN, VERDICT, WAITING,
        assert_all_but,
    },
};
use buttress::{
    breaker::{BreakerLayer, Circuit, KeyedBreakerLayer, Policy, Trip},
    bulkhead::{BulkheadLayer, KeyedBulkheadLayer, Slots},
    fallback::{Bounds, FallbackLayer},
    grpc,
    hedge::HedgeLayer,
    http::{ByStatus, ToEnd, last_good, last_good_by},
    testing::{Answer, Judgeable, Law, Refusal, Subject},
};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use std::time::Duration;

const OPEN_FOR: Duration = Duration::from_secs(10);
const DELAY: Duration = Duration::from_millis(20);

fn body() -> Full<Bytes> {
    Full::from("a body")
}

fn policy() -> Policy {
    Policy::new().trip(Trip::consecutive(3)).open_for(OPEN_FOR)
}

fn breaks<L: Judgeable>(name: &str, layer: impl Fn(&Circuit) -> L + Copy + 'static) {
    let fresh = move || layer(&Circuit::new("judged", &policy()));
    let forced = move || {
        let circuit = Circuit::new("forced", &policy());
        circuit.force_open();
        layer(&circuit)
    };
    let report = Subject::new(fresh)
        .named(name)
        .refuses(Refusal::after([Answer::fail(); 3], fresh).recovers_after(OPEN_FOR))
        .refuses(Refusal::new(forced))
        .judge();
    assert_all_but(&[TURN, WAITING, CUTTING, ALLOCATING], &report);
}

#[test]
fn a_breaker_that_reads_to_the_end_of_the_body_keeps_the_laws() {
    breaks("a breaker by status", |circuit| {
        of_http!(Method::GET, body(), BreakerLayer::new(circuit).classify(ByStatus))
    });
}

/// Under the eyes of gRPC an answer that has no status is a failure: here each has one, at its head.
#[test]
fn a_breaker_that_reads_trailers_keeps_the_laws() {
    breaks("a breaker by grpc-status", |circuit| {
        let breaker = BreakerLayer::new(circuit).classify(grpc::ByStatus);
        let layers = tower::ServiceBuilder::new().layer(breaker).map_response(|mut response: Response<_>| {
            response.headers_mut().insert("grpc-status", 0.into());
            response
        });
        of_http!(Method::POST, body(), layers)
    });
}

#[test]
fn a_breaker_for_each_host_keeps_the_laws() {
    let fresh = || of_http!(Method::GET, body(), KeyedBreakerLayer::per_authority(2, &policy()));
    let refused = Refusal::after([Answer::fail(); 3], fresh).recovers_after(OPEN_FOR).decided_in_call();
    let report = Subject::new(fresh).named("a breaker a host").refuses(refused).judge();
    let unasked = [Law::RefusalAsksNothingInside, Law::RefusalStands];
    assert_all_but(&[&unasked, TURN, WAITING, CUTTING, ALLOCATING], &report);
}

#[test]
fn a_bulkhead_that_holds_to_the_end_of_the_body_keeps_the_laws() {
    let holds = |limit, len| {
        let bulkhead = BulkheadLayer::new(&Slots::new("judged", limit)).queue(len).hold(ToEnd);
        of_http!(Method::GET, body(), bulkhead)
    };
    let report = Subject::new(move || holds(8, 8))
        .named("a bulkhead to the end")
        .refuses(Refusal::after([Answer::never()], move || holds(1, 0)))
        .waits([Answer::never()], move || holds(1, 1))
        .judge();
    assert_all_but(&[VERDICT, CUTTING, TIME, ALLOCATING], &report);
}

#[test]
fn a_bulkhead_for_each_host_keeps_the_laws() {
    let holds = |limit| of_http!(Method::GET, body(), KeyedBulkheadLayer::per_authority(2, limit));
    let report = Subject::new(move || holds(8))
        .named("a bulkhead a host")
        .refuses(Refusal::after([Answer::never()], move || holds(1)).decided_in_call())
        .judge();
    let unasked = [Law::RefusalAsksNothingInside];
    assert_all_but(&[VERDICT, &unasked, TURN, WAITING, CUTTING, TIME, ALLOCATING], &report);
}

#[test]
fn a_hedge_of_http_keeps_the_laws() {
    for method in [Method::GET, Method::POST] {
        let hedges = move || {
            let method = method.clone();
            of_http!(method.clone(), body(), HedgeLayer::after(DELAY).max(3).http())
        };
        let report = Subject::new(hedges).named("a hedge of HTTP").calls_again().judge();
        assert_all_but(&[REFUSING, VERDICT, TURN, CUTTING, STATE, TIME, ALLOCATING], &report);
    }
}

fn stands_in<L: Judgeable>(name: &str, make: fn() -> L) {
    let report = Subject::new(make).named(name).judge();
    assert_all_but(&[&ALL_OF_WHO_PASSES_ON.concat(), ALLOCATING], &report);
}

#[test]
fn a_fallback_of_http_keeps_the_laws() {
    stands_in("a fallback of HTTP", || {
        of_http!(Method::GET, body(), FallbackLayer::function(|_| Response::new(body())).http())
    });
}

#[test]
fn the_last_good_page_keeps_the_laws() {
    stands_in("the last good page", || of_http!(Method::GET, body(), last_good(Bounds::age(OPEN_FOR))));
    stands_in("the last good page by a key", || {
        let by = last_good_by(Bounds::age(OPEN_FOR), |request: &Request<Full<Bytes>>| {
            Some(request.uri().path().to_owned())
        });
        of_http!(Method::GET, body(), by)
    });
}

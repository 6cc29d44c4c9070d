//! The idempotency layer, between two adapters. Judged are calls without a key: what has a key deliberately goes on when its
//! caller leaves (law 3 is then kept by the layer's task), which tests/idempotency looks at.

use crate::{
    adapters::of_http,
    affairs::{ALL_OF_WHO_PASSES_ON, ALLOCATING, assert_all_but},
};
use axum::body::Body;
use buttress::{
    grpc,
    http::{IdempotencyKeyLayer, IdempotencyLayer, Unscoped},
    idempotency::Effects,
    store::memory::MemoryStore,
    testing::{Judgeable, Subject},
};
use http::Method;

fn judge<L: Judgeable>(name: &str, make: fn() -> L) {
    let report = Subject::new(make).named(name).judge();
    assert_all_but(&[&ALL_OF_WHO_PASSES_ON.concat(), ALLOCATING], &report);
}

fn layer() -> IdempotencyLayer<MemoryStore> {
    IdempotencyLayer::new(MemoryStore::new(), Unscoped, Effects::Plain)
}

/// Without a key nothing is refused, queued or cut, and no verdict is kept.
#[test]
fn a_call_without_a_key_keeps_the_laws() {
    judge("idempotency, without a key", || of_http!(Method::POST, Body::from("a body"), layer()));
    judge("of gRPC, without a key", || {
        of_http!(Method::POST, Body::from("a body"), grpc::idempotency(layer()))
    });
}

#[test]
fn a_key_of_a_client_keeps_the_laws() {
    judge("a client's key", || of_http!(Method::POST, Body::from("a body"), IdempotencyKeyLayer::new()));
}

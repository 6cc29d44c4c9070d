//! The limits on bodies: a call passes through them, and the body that it answers with is what they cut.

use crate::{
    adapters::of_http,
    affairs::{ALL_OF_WHO_PASSES_ON, ALLOCATING, assert_all_but},
};
use axum::body::Body;
use buttress::{
    http::BodyTimeoutLayer,
    testing::{Judgeable, Subject, deadline_in},
};
use http::Method;
use std::time::Duration;
use tower::layer::util::Stack;

const LIMIT: Duration = Duration::from_millis(250);

fn limited() -> impl Judgeable {
    of_http!(Method::GET, Body::from("a body"), BodyTimeoutLayer::new().to_end(LIMIT).idle(LIMIT))
}

fn judge<L: Judgeable>(make: impl Fn() -> L + 'static) {
    let report = Subject::new(make).named("body timeout").judge();
    assert_all_but(&[&ALL_OF_WHO_PASSES_ON.concat(), ALLOCATING], &report);
}

#[test]
fn a_limit_on_bodies_keeps_the_laws() {
    judge(limited);
}

/// The deadline is the body's affair here: the call is a timeout's.
#[test]
fn a_limit_on_bodies_keeps_the_laws_under_a_deadline() {
    judge(|| Stack::new(limited(), deadline_in(Duration::ZERO)));
    judge(|| Stack::new(limited(), deadline_in(LIMIT)));
}

//! A bare layer on an axum router, without a guard.

use axum::{Router, routing::get};
use buttress::timeout::TimeoutLayer;
use std::time::Duration;

fn main() {
    let _: Router =
        Router::new().route("/", get(|| async { "hello" })).layer(TimeoutLayer::new(Duration::from_secs(3)));
}

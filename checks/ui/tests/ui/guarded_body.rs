//! A layer that wraps the body, inside the guard: it stands outside.

use axum::{Router, response::Response, routing::get};
use buttress::{http::guard, timeout::TimeoutLayer};
use std::time::Duration;
use tower::{ServiceBuilder, util::MapResponseLayer};

fn main() {
    let wraps = MapResponseLayer::new(|response: Response| response.map(|body| http_body_util::Limited::new(body, 9)));
    let _: Router = Router::new()
        .route("/", get(|| async { "hello" }))
        .layer(guard(ServiceBuilder::new().layer(TimeoutLayer::new(Duration::from_secs(3))).layer(wraps)));
}

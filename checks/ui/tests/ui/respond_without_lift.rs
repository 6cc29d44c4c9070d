//! `respond` over an error that holds no rejection.

use axum::{Router, routing::get};
use buttress::http::respond;

fn main() {
    let _: Router = Router::new().route("/", get(|| async { "hello" })).layer(respond());
}

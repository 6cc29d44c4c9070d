//! gateway: what users talk to. Passes both routes on to orders.

use super::{client::Hop, orders::pass_on, serve::Routes};
use axum::{
    Router,
    http::{HeaderMap, Method},
    routing::{get, post},
};
use std::sync::Arc;

/// `hop` makes the client of one route.
pub(super) fn routes(orders: &Arc<str>, hop: impl Fn() -> Hop) -> Routes {
    let to = |path, method: Method| {
        let (orders, hop) = (Arc::clone(orders), hop());
        move |headers: HeaderMap| pass_on(orders, path, method, headers, hop)
    };
    Router::new()
        .route("/browse", get(to("/browse", Method::GET)))
        .route("/checkout", post(to("/checkout", Method::POST)))
}

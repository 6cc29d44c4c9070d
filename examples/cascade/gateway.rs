//! gateway: what users talk to. Passes both routes on to orders.

use super::{client::Hop, orders::pass_on, serve::Routes};
use axum::{Router, routing::get};
use std::sync::Arc;

pub(super) fn routes(orders: &Arc<str>, hop: &Hop) -> Routes {
    let to = |path| {
        let (orders, hop) = (Arc::clone(orders), hop.clone());
        get(move || pass_on(Arc::clone(&orders), path, hop.clone()))
    };
    Router::new().route("/browse", to("/browse")).route("/checkout", to("/checkout"))
}

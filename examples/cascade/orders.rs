//! orders: browses by itself, and asks payments for a checkout.

use super::{
    client::{self, Hop},
    serve::{Routes, about},
};
use axum::{
    Router,
    http::{HeaderMap, Method, StatusCode},
    routing::{get, post},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::sleep;
use tower::ServiceExt;

/// A look into a database of its own.
const LOOKS: Duration = Duration::from_millis(4);

pub(super) fn routes(payments: &Arc<str>, hop: Hop, seed: u64) -> Routes {
    let random = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
    let payments = Arc::clone(payments);
    let browse = move || {
        let takes = about(&mut random.lock().expect("nobody panics with it"), LOOKS);
        async move {
            sleep(takes).await; // real: the work of a real service
            "a list of orders"
        }
    };
    let checkout =
        move |headers| pass_on(Arc::clone(&payments), "/charge", Method::POST, headers, hop.clone());
    Router::new().route("/browse", get(browse)).route("/checkout", post(checkout))
}

/// Asks the next service, and answers with its status.
pub(super) async fn pass_on(
    upstream: Arc<str>,
    path: &'static str,
    method: Method,
    headers: HeaderMap,
    hop: Hop,
) -> StatusCode {
    let Ok(ask) = client::ask(&upstream, path, method, &headers) else {
        return StatusCode::INTERNAL_SERVER_ERROR;
    };
    match hop.oneshot(ask).await {
        Ok(answer) => answer.status(),
        // The stack has said no, or the connection broke.
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

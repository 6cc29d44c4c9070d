//! The load generator: sends each request when it is due, whatever became of those before.

use super::{
    client::{self, Hop},
    schedule::Arrival,
    shot::{End, PATIENCE, Route, Shot},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use std::sync::{Arc, Mutex};
use tokio::time::{Instant, sleep_until, timeout_at};
use tower::ServiceExt;

pub(super) async fn fire(
    gateway: String,
    arrivals: Vec<Arrival>,
    begin: Instant,
    shots: Arc<Mutex<Vec<Shot>>>,
) {
    let (gateway, client): (Arc<str>, _) = (gateway.into(), client::plain());
    for (number, Arrival { at, route }) in (0_u64..).zip(arrivals) {
        let due = begin + at;
        sleep_until(due).await; // real: users come by the clock
        let (gateway, client, shots) = (Arc::clone(&gateway), client.clone(), Arc::clone(&shots));
        tokio::spawn(async move {
            // A user who has left closes the connection.
            let end =
                timeout_at(due + PATIENCE, ask(&gateway, route, number, client)).await.unwrap_or(End::Bad);
            let shot = Shot::new(at, route, end, due.elapsed());
            shots.lock().expect("nobody panics with it").push(shot);
        });
    }
}

async fn ask(gateway: &str, route: Route, number: u64, client: Hop) -> End {
    let mut headers = HeaderMap::new();
    let method = match route {
        Route::Browse => Method::GET,
        Route::Checkout => {
            headers.insert(client::KEY, HeaderValue::from(number));
            Method::POST
        }
    };
    let Ok(ask) = client::ask(gateway, route.path(), method, &headers) else { return End::Bad };
    match client.oneshot(ask).await.map(|answer| answer.status()) {
        Ok(StatusCode::OK) => End::Good,
        Ok(StatusCode::ACCEPTED) => End::Kept,
        _ => End::Bad,
    }
}

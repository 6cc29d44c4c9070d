//! A route whose database is down: after five failures its callers are answered at once, and no other route notices.
//!
//! Run it with `cargo run --example breaker_axum`.

use axum::{Router, http::StatusCode, routing::get};
use buttress::{
    breaker::{BreakerLayer, Circuit, Policy, State, Trip},
    http::{self, ByStatus},
};
use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};
use tokio::{net::TcpListener, time::sleep};

static DATABASE_IS_UP: AtomicBool = AtomicBool::new(false);

async fn orders() -> Result<&'static str, StatusCode> {
    if DATABASE_IS_UP.load(Relaxed) { Ok("two orders") } else { Err(StatusCode::INTERNAL_SERVER_ERROR) }
}

/// One circuit, whatever the number of connections; the guard makes a 503 of what it refuses.
fn shop(circuit: &Circuit) -> Router {
    let breaker = BreakerLayer::new(circuit).classify(ByStatus);
    Router::new()
        .route("/orders", get(orders))
        .layer(http::guard(breaker))
        .route("/about", get(|| async { "a shop" }))
}

#[tokio::main]
async fn main() {
    let policy = Policy::new().trip(Trip::consecutive(5)).open_for(Duration::from_secs(1));
    let circuit = Circuit::new("orders", &policy);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let app = shop(&circuit);
    tokio::spawn(async move { axum::serve(listener, app).await });

    let call = async |path: &str| {
        let answer = reqwest::get(format!("http://{address}{path}")).await.expect("an answer");
        let (status, wait) = (answer.status().as_u16(), answer.headers().get("retry-after"));
        println!("GET {path}: {status}, Retry-After {wait:?}; the circuit is {:?}", circuit.state());
        status
    };
    for _ in 0..5 {
        assert_eq!(call("/orders").await, 500);
    }
    assert_eq!((call("/orders").await, circuit.state()), (503, State::Open));
    assert_eq!(call("/about").await, 200);

    println!("The database comes back.");
    DATABASE_IS_UP.store(true, Relaxed);
    sleep(Duration::from_secs(1)).await; // real: over sockets
    assert_eq!((call("/orders").await, circuit.state()), (200, State::Closed));
}

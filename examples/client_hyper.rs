//! A client of a flaky shop, whose retries do no harm: an order without a key is sent once, one with a key is sent again, and the
//! shop gets the second of peace that it asks for.
//!
//! Run it with `cargo run --example client_hyper`.

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::post};
use buttress::{budget::Budget, http::ReplayBody, hyper, over, retry::Policy, timeout::TimeoutLayer};
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};
use std::time::Duration;
use tower::ServiceExt;

/// Fails every other time, and then asks for a second of peace.
async fn order(State(received): State<Arc<AtomicU32>>) -> impl IntoResponse {
    match received.fetch_add(1, Relaxed) % 2 {
        0 => (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "1")], "busy"),
        _ => (StatusCode::OK, [("retry-after", "0")], "ordered"),
    }
}

#[tokio::main]
async fn main() {
    let received = Arc::new(AtomicU32::new(0));
    let shop = Router::new().route("/orders", post(order)).with_state(Arc::clone(&received));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/orders", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, shop).await });

    let budget = Budget::new().named("shop");
    let call = TimeoutLayer::new(Duration::from_secs(10)); // all attempts and waits
    let attempt = TimeoutLayer::new(Duration::from_secs(3)); // each of them
    let retry = hyper::retry(Policy::new().attempts(4).budget(&budget));
    let client = Client::builder(TokioExecutor::new()).build_http::<ReplayBody<Full<Bytes>>>();
    let client = over((call, retry, attempt), client);

    let order = || http::Request::post(&url);
    let send = |request: http::request::Builder| {
        client.clone().oneshot(request.body(Full::from("three apples")).expect("a request"))
    };
    let answer = send(order()).await.expect("an answer");
    println!("without a key: {}, sent {} time", answer.status(), received.load(Relaxed));
    assert_eq!((answer.status().as_u16(), received.swap(0, Relaxed)), (503, 1));

    let start = tokio::time::Instant::now();
    let answer = send(order().header("idempotency-key", "\"order-7\"")).await.expect("an answer");
    let (times, waited) = (received.load(Relaxed), start.elapsed());
    println!("with a key: {}, sent {times} times, after {waited:.1?}", answer.status());
    assert_eq!((answer.status().as_u16(), times), (200, 2));
    assert!(waited >= Duration::from_secs(1), "it was asked for");
    println!("tokens left in the budget: {:.1?}", budget.tokens());
}

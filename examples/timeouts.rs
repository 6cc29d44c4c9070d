//! A service that hangs, a gateway that does not hang with it.
//!
//! `gateway` calls `payments` with a limit of 200 ms a call, and tells its own callers 504 instead of keeping them. A
//! caller who gives it only 50 ms is answered after 50 ms: the deadline that came with the request is the smaller one.
//!
//! Run it with `cargo run --example timeouts`.

use axum::{Router, extract::State, http::StatusCode, routing::get};
use buttress::{Lifted, clock, over, timeout::TimeoutLayer};
use std::{net::SocketAddr, time::Duration};
use tokio::net::TcpListener;
use tower::ServiceExt;

type Payments = buttress::timeout::Timeout<buttress::rejected::Lift<reqwest::Client>>;

/// The gateway: a client under a limit, and a router that gives each call the deadline of its caller.
fn gateway(payments: SocketAddr) -> Router {
    let client: Payments = over(TimeoutLayer::new(Duration::from_millis(200)), reqwest::Client::new());
    Router::new()
        .route("/pay", get(move |State(client): State<Payments>| pay(client, payments)))
        .route("/about", get(|| async { "a gateway" }))
        .layer(buttress::http::DeadlineLayer::new().trust_deadline(Duration::from_secs(10)))
        .with_state(client)
}

async fn pay(client: Payments, payments: SocketAddr) -> Result<String, (StatusCode, String)> {
    let url = format!("http://{payments}/charge").parse().expect("a URL");
    match client.oneshot(reqwest::Request::new(reqwest::Method::GET, url)).await {
        Ok(response) => response.text().await.map_err(|error| (StatusCode::BAD_GATEWAY, error.to_string())),
        Err(Lifted::Rejected(why)) => Err((StatusCode::GATEWAY_TIMEOUT, why.reason().to_string())),
        Err(Lifted::Inner(error)) => Err((StatusCode::BAD_GATEWAY, error.to_string())),
    }
}

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::main]
async fn main() {
    let hangs = Router::new().route("/charge", get(std::future::pending::<&str>));
    let gateway = serve(gateway(serve(hangs).await)).await;
    let caller = reqwest::Client::new();
    for (path, timeout, status, body, at_least) in [
        ("pay", None, 504, "timed out", 200),
        ("pay", Some("50"), 504, "the deadline has passed", 50),
        ("about", None, 200, "a gateway", 0),
    ] {
        let start = clock::now();
        let mut request = caller.get(format!("http://{gateway}/{path}"));
        if let Some(millis) = timeout {
            request = request.header("x-request-timeout-ms", millis);
        }
        let answer = request.send().await.expect("the gateway answers");
        let (seen, took) = (answer.status(), start.elapsed());
        let text = answer.text().await.expect("a body");
        println!(
            "GET /{path:<6} caller waits {:>5}: {seen} \"{text}\" after {took:.0?}",
            timeout.unwrap_or("-")
        );
        assert_eq!((seen.as_u16(), text.as_str()), (status, body));
        assert!(took >= Duration::from_millis(at_least) && took < Duration::from_secs(5), "{took:?}");
    }
}

//! A shop whose stock service fails every second call and whose payments hang: what a caller sees through the standard stack.
//!
//! Run it with `cargo run --example client_reqwest`.

use axum::{Router, http::StatusCode, routing::any};
use buttress::{Lifted, over, rejected::Reason, reqwest, stack};
use http::Request;
use http_body_util::BodyExt;
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};
use tokio::net::TcpListener;
use tower::ServiceExt;

static ASKED: AtomicU32 = AtomicU32::new(0);

async fn stock() -> (StatusCode, &'static str) {
    match ASKED.fetch_add(1, Relaxed) % 2 {
        0 => (StatusCode::SERVICE_UNAVAILABLE, "not now"),
        _ => (StatusCode::OK, "seven apples"),
    }
}

async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let app = Router::new().route("/stock", any(stock)).route("/pay", any(std::future::pending::<&str>));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::main]
async fn main() {
    let address = serve().await;
    let stack = stack::client().over_hyper().attempt(Duration::from_millis(300));
    print!("{stack}");
    let client = reqwest::builder().no_proxy().build().expect("a client");
    let client = over(stack, reqwest::service(client));
    let ask = |method: &str, path: &str| {
        let uri = format!("http://{address}{path}");
        Request::builder().method(method).uri(uri).body(String::new()).expect("a request")
    };

    // safe to send twice: the first answer is not seen
    let response = client.clone().oneshot(ask("GET", "/stock")).await.expect("an answer");
    let text = response.into_body().collect().await.expect("whole").to_bytes();
    println!("stock: {}", String::from_utf8_lossy(&text));
    assert_eq!((&*text, ASKED.load(Relaxed)), (&b"seven apples"[..], 2));

    // may have been done: cut once, and not sent again
    match client.oneshot(ask("POST", "/pay")).await {
        Err(Lifted::Rejected(why)) => {
            println!("pay: {why}, by the {}", why.name());
            assert_eq!((why.reason(), why.reached()), (Reason::TimedOut, true));
        }
        other => panic!("it hangs: {other:?}"),
    }
}

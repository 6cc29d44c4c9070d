//! Behind axum, over real sockets: one layer value is one circuit, and a client who leaves is nobody's failure.

use crate::rig::{FAILURES, Heard, policy};
use axum::{Router, body::Body, routing::get};
use buttress::{
    breaker::{BreakerLayer, Circuit, State},
    http::{self as b_http, ByStatus},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::StatusCode;
use std::{convert::Infallible, future::pending, net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Over a connection of its own each time.
async fn status(address: SocketAddr, path: &str) -> u16 {
    reqwest::get(format!("http://{address}{path}")).await.expect("an answer").status().as_u16()
}

async fn fails() -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

#[tokio::test]
async fn over_all_connections_and_routes_one_layer_value_is_one_circuit() {
    let circuit = Circuit::new("orders", &policy());
    let breaker = || BreakerLayer::new(&circuit).classify(ByStatus);
    let layer = b_http::guard(breaker());
    // Three ways to put it there, each of which calls `layer()` as often as it likes.
    let app = Router::new()
        .route("/a", get(fails).layer(layer.clone()))
        .route("/b", get(fails).route_layer(layer.clone()))
        .merge(Router::new().route("/c", get(fails)).route("/d", get(|| async { "well" })).layer(layer))
        .route("/apart", get(|| async { "well" }));
    let address = serve(app).await;
    for path in ["/a", "/b", "/c"] {
        assert_eq!((circuit.state(), status(address, path).await), (State::Closed, 500), "{path}");
    }
    assert_eq!(circuit.state(), State::Open);
    for path in ["/a", "/b", "/c", "/d"] {
        let answer = reqwest::get(format!("http://{address}{path}")).await.expect("an answer");
        assert_eq!(answer.status(), 503, "{path}");
        assert_eq!(answer.headers()["retry-after"], "10");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    assert_eq!(status(address, "/apart").await, 200);
}

/// A handler that says when it was entered and never answers, and one whose body never ends, behind one circuit.
async fn endless() -> (SocketAddr, Arc<Notify>, Circuit, Heard) {
    let (heard, entered) = (Heard::default(), Arc::new(Notify::new()));
    let circuit = Circuit::new("orders", &policy().observe(heard.clone()));
    let enters = Arc::clone(&entered);
    let never = || async move {
        enters.notify_one();
        pending::<&str>().await
    };
    let stream = || async {
        let begun = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"begun"))]);
        Body::from_stream(begun.chain(stream::pending()))
    };
    let layer = b_http::guard(BreakerLayer::new(&circuit).classify(ByStatus));
    let app = Router::new().route("/never", get(never)).route("/stream", get(stream)).layer(layer);
    (serve(app).await, entered, circuit, heard)
}

async fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).await.expect("connects");
    let request = format!("GET {path} HTTP/1.1\r\nhost: orders\r\n\r\n");
    client.write_all(request.as_bytes()).await.expect("sent");
    client
}

/// Closes hard, as a client that dies does.
fn reset(client: TcpStream) {
    client.set_zero_linger().expect("a socket");
    drop(client);
}

#[tokio::test]
async fn a_client_that_resets_before_the_answer_is_nothing() {
    let (address, entered, circuit, heard) = endless().await;
    assert_eq!(heard.take(), ["closed by made"]);
    for _ in 0..2 * FAILURES {
        let client = ask(address, "/never").await;
        entered.notified().await;
        reset(client);
        assert_eq!(heard.until(1).await, ["cancelled"]);
    }
    assert_eq!(circuit.state(), State::Closed);
}

#[tokio::test]
async fn a_client_that_resets_in_mid_body_has_had_a_good_answer() {
    let (address, _, circuit, heard) = endless().await;
    assert_eq!(heard.take(), ["closed by made"]);
    for _ in 0..2 * FAILURES {
        let mut client = ask(address, "/stream").await;
        let mut seen = Vec::new();
        while !seen.ends_with(b"begun\r\n") {
            client.read_buf(&mut seen).await.expect("it begins");
        }
        reset(client);
        assert_eq!(heard.until(1).await, ["ok"]);
    }
    assert_eq!(circuit.state(), State::Closed);
}

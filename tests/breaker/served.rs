//! Behind axum, over real sockets: one layer value is one circuit, and a client who leaves is nobody's failure.

use crate::rig::{FAILURES, Heard, policy};
use axum::{Router, body::Body, response::IntoResponse, routing::get};
use buttress::{
    breaker::{BreakerLayer, Circuit, State},
    http::{self as b_http, ByStatus},
};
use bytes::Bytes;
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
    let breaker = || BreakerLayer::new(&circuit).classify(ByStatus::default());
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

/// What the handlers below tell.
#[derive(Clone, Default)]
struct Signs {
    entered: Arc<Notify>,
    left: Arc<Notify>,
}

impl Drop for Left {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

struct Left(Arc<Notify>);

/// A handler that never answers, and one whose body never ends, behind one circuit.
async fn endless(signs: Signs) -> (SocketAddr, Circuit, Heard) {
    let heard = Heard::default();
    let circuit = Circuit::new("orders", &policy().observe(heard.clone()));
    let layer = b_http::guard(BreakerLayer::new(&circuit).classify(ByStatus::default()));
    let of_body = signs.clone();
    let app = Router::new()
        .route(
            "/never",
            get(move || async move {
                let _left = Left(signs.left.clone());
                signs.entered.notify_one();
                pending::<&str>().await
            }),
        )
        .route(
            "/stream",
            get(move || async move {
                let left = Left(of_body.left.clone());
                let begun = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"begun"))]);
                let never = futures_util::stream::once(async move {
                    let _left = left;
                    pending::<Result<Bytes, Infallible>>().await
                });
                Body::from_stream(futures_util::StreamExt::chain(begun, never)).into_response()
            }),
        )
        .layer(layer);
    (serve(app).await, circuit, heard)
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
}

#[tokio::test]
async fn a_client_that_resets_before_the_answer_is_nothing() {
    let signs = Signs::default();
    let (address, circuit, heard) = endless(signs.clone()).await;
    for _ in 0..2 * FAILURES {
        let client = ask(address, "/never").await;
        signs.entered.notified().await;
        reset(client);
        signs.left.notified().await;
    }
    // The circuit hears of the drop where the handler's future is dropped, a moment after what is in it.
    assert_eq!(circuit.state(), State::Closed);
    let told = heard.take();
    assert!(
        told[1..].iter().all(|end| end == "cancelled") && told.len() >= 2 * FAILURES as usize,
        "{told:?}"
    );
}

#[tokio::test]
async fn a_client_that_resets_in_mid_body_has_had_a_good_answer() {
    let signs = Signs::default();
    let (address, circuit, heard) = endless(signs.clone()).await;
    for _ in 0..2 * FAILURES {
        let mut client = ask(address, "/stream").await;
        let mut seen = Vec::new();
        while !seen.ends_with(b"begun\r\n") {
            client.read_buf(&mut seen).await.expect("it begins");
        }
        reset(client);
        signs.left.notified().await;
    }
    assert_eq!(circuit.state(), State::Closed);
    let told = heard.take();
    assert!(told[1..].iter().all(|end| end == "ok") && told.len() >= 2 * FAILURES as usize, "{told:?}");
}

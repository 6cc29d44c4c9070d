//! The standard stack around hyper-util's client, as it is written in the docs of `stack`.

use crate::serve;
use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::StatusCode,
    routing::any,
};
use buttress::{
    Lifted,
    http::ReplayBody,
    over,
    rejected::Reason,
    stack::{self, Client, ClientLayer, Window},
    telemetry::Event,
};
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tower::ServiceExt;

type Inner = legacy::Client<HttpConnector, ReplayBody<Full<Bytes>>>;

fn client(layer: &ClientLayer) -> Client<buttress::rejected::Lift<Inner>> {
    let inner = legacy::Client::builder(TokioExecutor::new()).build_http();
    over(layer.clone(), inner)
}

/// Waits that are real are short.
fn layer() -> ClientLayer {
    let brief = Duration::from_millis(1);
    let long = Duration::from_secs(600);
    stack::client().over_hyper().total(2 * long).attempt(long).with(|config| {
        (config.retry.backoff, config.retry.max_backoff) = (brief, brief);
        // However slow the machine is.
        config.breaker.window = Window::Calls(100);
        // A shorter one a retry would wait for, as for any hint within its limit.
        config.breaker.open = long;
    })
}

/// What a server has read, and which status it answers to which of them.
#[derive(Clone)]
struct Shop {
    read: Arc<Mutex<Vec<Bytes>>>,
    status: fn(usize) -> u16,
}

impl Shop {
    async fn open(status: fn(usize) -> u16) -> (Self, SocketAddr) {
        let shop = Self { read: Arc::default(), status };
        let app = Router::new().fallback(any(Self::answer)).with_state(shop.clone());
        (shop, serve(app).await)
    }

    async fn answer(State(shop): State<Self>, request: Request) -> StatusCode {
        let body = to_bytes(request.into_body(), 1 << 20).await.expect("a whole body");
        let mut read = shop.read.lock().expect("not poisoned");
        read.push(body);
        StatusCode::from_u16((shop.status)(read.len())).expect("a status")
    }

    fn served(&self) -> usize {
        self.read.lock().expect("not poisoned").len()
    }
}

fn put(address: SocketAddr) -> http::Request<Full<Bytes>> {
    let request = http::Request::put(format!("http://{address}/basket"));
    request.body(Full::from("two apples")).expect("a request")
}

#[tokio::test]
async fn a_server_that_errs_twice_answers_the_third_attempt_with_all_of_the_body() {
    let (shop, address) = Shop::open(|nth| if nth < 3 { 503 } else { 200 }).await;
    let answer = client(&layer()).oneshot(put(address)).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(*shop.read.lock().expect("not poisoned"), ["two apples"; 3]);
}

#[tokio::test]
async fn the_circuit_of_a_server_that_fails_opens_and_the_other_server_is_called_on() {
    let (down, broken) = Shop::open(|_| 500).await;
    let (up, whole) = Shop::open(|_| 200).await;
    let layer = layer().attempts(1);
    let client = client(&layer);
    for _ in 0..5 {
        assert_eq!(client.clone().oneshot(put(broken)).await.expect("an answer").status(), 500);
    }
    match client.clone().oneshot(put(broken)).await {
        Err(Lifted::Rejected(no)) => {
            assert_eq!((no.reason(), no.name()), (Reason::Open, &*broken.to_string()));
            assert!(no.retry_after().is_some_and(|wait| wait > Duration::from_secs(20)));
        }
        other => panic!("not refused: {other:?}"),
    }
    assert_eq!(down.served(), 5);
    assert_eq!(client.oneshot(put(whole)).await.expect("an answer").status(), 200);
    assert_eq!(up.served(), 1);
}

#[tokio::test]
async fn each_server_has_a_budget_of_its_own() {
    let (down, broken) = Shop::open(|_| 503).await;
    let (other, also) = Shop::open(|nth| if nth < 3 { 503 } else { 200 }).await;
    // Not the breaker's business here.
    let layer = layer().with(|config| (config.breaker.consecutive, config.breaker.min_calls) = (1000, 1000));
    let client = client(&layer);
    for _ in 0..20 {
        assert_eq!(client.clone().oneshot(put(broken)).await.expect("an answer").status(), 503);
    }
    // Ten tokens, and a tenth of one for each first attempt but the first, which finds the bucket full.
    assert_eq!(down.served(), 20 + 11);
    let left = layer.budgets().known(&*broken.to_string()).expect("by authority").tokens();
    assert!(left.is_some_and(|left| left < 1.0), "{left:?}");
    assert_eq!(client.oneshot(put(also)).await.expect("an answer").status(), 200);
    assert_eq!((other.served(), layer.budgets().len()), (3, 2));
}

/// Whatever its method: nothing was sent.
#[tokio::test]
async fn where_nobody_listens_a_post_is_tried_again() {
    let (_, address) = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        (drop(listener), address)
    };
    let retries = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&retries);
    let layer = layer().observe(move |event: &Event<'_>| {
        if matches!(event, Event::Retry { .. }) {
            count.fetch_add(1, Relaxed);
        }
    });
    let post = http::Request::post(format!("http://{address}/")).body(Full::default()).expect("a request");
    match client(&layer).oneshot(post).await {
        Err(Lifted::Inner(error)) => assert!(error.is_connect(), "as it was: {error}"),
        other => panic!("nobody listens: {other:?}"),
    }
    assert_eq!(retries.load(Relaxed), 2);
}

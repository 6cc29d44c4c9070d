//! Row 72: the client's side. One key for all attempts, whoever sends them.

use super::rig::{Ledger, layer, orders, plain, post, request, serve};
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    response::{IntoResponse as _, Response},
};
use buttress::{
    hedge::HedgeLayer,
    http::{IdempotencyKeyLayer, idempotency::CallStep},
    idempotency::Effects,
    key::Key,
};
use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};
use tower::{Layer as _, Service, ServiceExt as _};

type Head = (Method, HeaderMap, Option<Key>);

/// What was sent, head by head.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<Vec<Head>>>);

impl Sent {
    fn keys(&self) -> Vec<String> {
        let sent = self.0.lock().expect("not poisoned");
        let key = |headers: &HeaderMap| {
            headers.get("idempotency-key").map_or("none", |key| key.to_str().expect("text")).to_owned()
        };
        sent.iter().map(|(_, headers, _)| key(headers)).collect()
    }

    /// So many were sent, with one key in that header: `own`, where the caller has said one.
    fn all_under(&self, header: &str, times: usize, own: Option<&str>) {
        let sent = self.0.lock().expect("not poisoned");
        let keys: Vec<_> = sent.iter().map(|(_, headers, _)| headers[header].clone()).collect();
        let key = own.map_or_else(|| keys[0].clone(), |own| own.parse().expect("a value"));
        assert_eq!(keys, vec![key; times]);
    }
}

impl Service<Request> for Sent {
    type Response = Response;
    type Error = Infallible;
    type Future = Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let seen =
            (request.method().clone(), request.headers().clone(), request.extensions().get::<Key>().cloned());
        self.0.lock().expect("not poisoned").push(seen);
        ready(Ok("ok".into_response()))
    }
}

/// Sends each request so many times, as a retry or a hedge does: the same head, extensions included.
#[derive(Clone)]
struct Times<S>(usize, S);

impl<S: Service<Request, Response = Response> + Clone> Service<Request> for Times<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.1.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> S::Future {
        let (head, _) = request.into_parts();
        for _ in 1..self.0 {
            drop(self.1.call(Request::from_parts(head.clone(), Body::empty())));
        }
        self.1.call(Request::from_parts(head, Body::empty()))
    }
}

async fn send(sent: &Sent, layer: IdempotencyKeyLayer, request: Request) -> Vec<String> {
    let before = sent.keys().len();
    layer.layer(Times(3, sent.clone())).oneshot(request).await.expect("infallible");
    sent.keys().split_off(before)
}

fn ask(method: Method) -> Request {
    Request::builder()
        .method(method)
        .uri("https://cards.example/charges")
        .body(Body::empty())
        .expect("a request")
}

#[tokio::test]
async fn row_72_all_attempts_at_one_operation_carry_one_key_and_two_operations_two() {
    let sent = Sent::default();
    let first = send(&sent, IdempotencyKeyLayer::new(), ask(Method::POST)).await;
    let second = send(&sent, IdempotencyKeyLayer::new(), ask(Method::PATCH)).await;
    assert!(first.iter().all(|key| *key == first[0]) && second.iter().all(|key| *key == second[0]));
    assert_ne!(first[0], second[0]);
    for (_, headers, key) in &*sent.0.lock().expect("not poisoned") {
        let key = key.as_ref().expect("in the extensions, for whoever decides whether to send again");
        assert_eq!(headers["idempotency-key"], key.as_str());
        assert!(headers["idempotency-key"].is_sensitive());
    }
}

#[tokio::test]
async fn row_72_what_needs_no_key_gets_none() {
    let sent = Sent::default();
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
        assert_eq!(send(&sent, IdempotencyKeyLayer::new(), ask(method)).await, ["none"; 3]);
    }
    let put = send(&sent, IdempotencyKeyLayer::new().methods([Method::PUT]), ask(Method::PUT)).await;
    assert_ne!(put[0], "none");
}

#[tokio::test]
async fn row_72_the_callers_own_key_wins_and_one_that_was_written_down_comes_next() {
    let sent = Sent::default();
    let mut own = ask(Method::POST);
    own.headers_mut().insert("idempotency-key", HeaderValue::from_static("not, even a key"));
    own.extensions_mut().insert(Key::new("written-down").expect("a key"));
    assert_eq!(send(&sent, IdempotencyKeyLayer::new(), own).await, ["not, even a key"; 3]);

    let mut kept = ask(Method::POST);
    kept.extensions_mut().insert(Key::new("written-down").expect("a key"));
    assert_eq!(send(&sent, IdempotencyKeyLayer::new(), kept).await, ["written-down"; 3]);

    let mut spaced = ask(Method::POST);
    spaced.extensions_mut().insert(Key::new("order 7").expect("a key"));
    assert_eq!(
        send(&sent, IdempotencyKeyLayer::new(), spaced).await,
        ["\"order 7\""; 3],
        "it has no other form"
    );

    let mut quoted = ask(Method::POST);
    quoted.extensions_mut().insert(Key::new("a1").expect("a key"));
    assert_eq!(send(&sent, IdempotencyKeyLayer::new().quoted(), quoted).await, ["\"a1\""; 3]);
}

#[tokio::test]
async fn row_72_inside_a_running_operation_calls_carry_its_children_the_same_in_every_attempt() {
    let sent = Sent::default();
    let (turns, downstream) = (Ledger::default(), sent.clone());
    let app = serve(layer(Effects::Keyed), move |_| {
        let (turn, downstream) = (turns.effect(), downstream.clone());
        async move {
            let client = IdempotencyKeyLayer::new().layer(downstream);
            for _ in 0..2 {
                client.clone().oneshot(ask(Method::POST)).await.expect("infallible");
            }
            let mut named = ask(Method::POST);
            named.extensions_mut().insert(CallStep("mail"));
            client.oneshot(named).await.expect("infallible");
            if turn == 1 { StatusCode::BAD_GATEWAY.into_response() } else { "done".into_response() }
        }
    });
    assert_eq!(post(&app, "a1", "1").await.status, 502);
    assert_eq!(post(&app, "a1", "1").await.status, 200);
    let keys = sent.keys();
    assert_eq!(keys.len(), 6);
    assert_eq!(keys[..3], keys[3..], "the second attempt sends what the first sent");
    assert!(keys[0] != keys[1] && keys[1] != keys[2], "two calls are two calls");
    assert!(keys.iter().all(|key| key.starts_with("btr1-")));
}

#[tokio::test]
async fn row_72_a_retry_over_the_wire_of_what_was_answered_and_lost_is_one_operation() {
    let (app, ledger) = orders(plain());
    let client = IdempotencyKeyLayer::new().layer(Times(3, app));
    let answer = client.oneshot(request(Method::POST, "/orders", &[], "")).await.expect("infallible");
    // The first two were dropped on the way, the third is asked for.
    assert_eq!((answer.status().as_u16(), ledger.effects()), (201, 1));
}

/// What they may send again they see by the key, whatever its header is called and whoever has chosen it.
#[tokio::test(start_paused = true)]
async fn row_72_retries_and_hedges_know_a_key_in_another_header() {
    const OTHER: &str = "paypal-request-id";
    let keys = IdempotencyKeyLayer::new().header(HeaderName::from_static(OTHER));
    let pay = |own: Option<&'static str>| {
        let request = axum::http::Request::post("https://cards.example/charges");
        let request = own.into_iter().fold(request, |request, own| request.header(OTHER, own));
        request.body(String::new()).expect("a request")
    };
    for own in [None, Some("mine")] {
        let (sent, failing) = (Sent::default(), Arc::new(AtomicUsize::new(2)));
        let retry = buttress::http::retry(buttress::retry::Policy::new());
        let client = keys.layer(buttress::over(retry, Flaky(sent.clone(), failing)));
        assert_eq!(client.oneshot(pay(own)).await.expect("an answer").status(), 200);
        sent.all_under(OTHER, 3, own);

        let sent = Sent::default();
        let hedge = HedgeLayer::after(Duration::from_millis(50)).http();
        let client = keys.layer(buttress::over(hedge, Flaky(sent.clone(), Arc::default())));
        assert_eq!(client.oneshot(pay(own)).await.expect("an answer").status(), 200);
        sent.all_under(OTHER, 2, own);
    }
    // An empty one tells nothing from nothing.
    let (sent, failing) = (Sent::default(), Arc::new(AtomicUsize::new(2)));
    let retry = buttress::http::retry(buttress::retry::Policy::new());
    let client = keys.layer(buttress::over(retry, Flaky(sent.clone(), failing)));
    assert_eq!(client.oneshot(pay(Some(""))).await.expect("an answer").status(), 503);
    assert_eq!(sent.keys().len(), 1);
}

/// Fails so often, and takes a second.
#[derive(Clone)]
struct Flaky(Sent, Arc<AtomicUsize>);

impl<B> Service<axum::http::Request<B>> for Flaky {
    type Response = axum::http::Response<String>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: axum::http::Request<B>) -> Self::Future {
        let (head, _) = request.into_parts();
        let seen = (head.method, head.headers, head.extensions.get::<Key>().cloned());
        self.0.0.lock().expect("not poisoned").push(seen);
        let fails = self.1.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let mut answer = axum::http::Response::new(String::new());
            *answer.status_mut() = if fails { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
            Ok(answer)
        })
    }
}

#[tokio::test]
async fn row_72_the_extensions_tell_the_key_that_is_sent_and_no_other() {
    for (own, told) in [("mine", Some("mine")), ("\"mine\"", Some("mine")), ("not, even a key", None)] {
        let sent = Sent::default();
        let mut request = ask(Method::POST);
        request.headers_mut().insert("idempotency-key", HeaderValue::from_static(own));
        request.extensions_mut().insert(Key::new("written-down").expect("a key"));
        assert_eq!(send(&sent, IdempotencyKeyLayer::new(), request).await, [own; 3]);
        let seen = sent.0.lock().expect("not poisoned");
        let keys: Vec<_> = seen.iter().map(|(_, _, key)| key.as_ref().map(Key::as_str)).collect();
        assert_eq!(keys, [told; 3]);
    }
}

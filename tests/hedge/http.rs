//! The form for HTTP: which requests are sent twice, and which responses win.

use crate::MS;
use ::http::{Method, Request, Response};
use buttress::{
    Lifted,
    backoff::Backoff,
    hedge::HedgeLayer,
    http::{Attempt, ReplayBody, retry},
    over,
    retry::Policy,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex},
};
use tokio::time::sleep;
use tower::{Service, ServiceExt, service_fn};

type Body = Full<Bytes>;
type Seen = Arc<Mutex<Vec<Request<Body>>>>;

/// Answers attempt by attempt, each after so many milliseconds with that status; then after a second with 299.
fn server(
    answers: impl IntoIterator<Item = (u32, u16)>,
) -> (Seen, impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone)
{
    let seen = Seen::default();
    let (note, answers) =
        (Arc::clone(&seen), Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>())));
    let service = service_fn(move |request| {
        note.lock().expect("not poisoned").push(request);
        let (after, status) = answers.lock().expect("not poisoned").pop_front().unwrap_or((1000, 299));
        async move {
            sleep(after * MS).await;
            let page = Body::from(format!("page {status}"));
            Ok(Response::builder().status(status).body(page).expect("valid"))
        }
    });
    (seen, service)
}

fn request(method: &str, key: Option<&str>) -> Request<Body> {
    let mut request =
        Request::builder().method(method).uri("/stock?of=apples").header("accept", "text/plain");
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    request.extension(7_u8).body(Body::from("how many")).expect("valid")
}

/// The status of the answer, and how many attempts there were.
async fn call(request: Request<Body>, answers: impl IntoIterator<Item = (u32, u16)>) -> (u16, usize) {
    let (seen, service) = server(answers);
    let answer = over(HedgeLayer::after(20 * MS).http(), service).oneshot(request).await;
    let status = answer.expect("answered").status().as_u16();
    (status, seen.lock().expect("not poisoned").len())
}

#[tokio::test(start_paused = true)]
async fn safe_methods_are_hedged_and_no_others() {
    for method in [
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::TRACE,
        Method::PUT,
        Method::DELETE,
        Method::POST,
        Method::PATCH,
    ] {
        let expected = if method.is_safe() { (201, 2) } else { (200, 1) };
        assert_eq!(call(request(method.as_str(), None), [(100, 200), (5, 201)]).await, expected, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_key_any_method_is_and_an_empty_key_is_none() {
    for (key, hedged) in
        [("8e03978e", true), ("\"8e03978e\"", true), ("", false), (" ", false), ("\"\"", false)]
    {
        for method in ["POST", "PATCH", "PUT"] {
            let expected = if hedged { (201, 2) } else { (200, 1) };
            assert_eq!(call(request(method, Some(key)), [(100, 200), (5, 201)]).await, expected, "{key:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_that_fails_is_not_sent_again() {
    assert_eq!(call(request("POST", None), [(5, 503), (5, 200)]).await, (503, 1));
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_a_failure_wins_nothing_and_one_that_is_an_answer_does() {
    for status in [500, 502, 503, 504] {
        assert_eq!(call(request("GET", None), [(5, status), (5, 200)]).await, (200, 2));
        assert_eq!(call(request("GET", None), [(100, 200), (5, status)]).await, (200, 2));
        assert_eq!(call(request("GET", None), [(30, 500), (30, status)]).await, (status, 2), "the last");
    }
    for status in [200, 204, 301, 304, 400, 404, 409, 501] {
        assert_eq!(call(request("GET", None), [(5, status), (5, 200)]).await, (status, 1));
    }
    assert_eq!(
        call(request("GET", None), [(5, 429), (5, 200)]).await,
        (429, 1),
        "who is asked for less asks no more"
    );
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_all_of_the_request_and_the_answer_comes_with_its_body() {
    let (seen, service) = server([(100, 200), (5, 201)]);
    let client = over(HedgeLayer::after(20 * MS).http(), service);
    let answer: Result<Response<Body>, Lifted<Infallible>> = client.oneshot(request("GET", Some("x"))).await;
    let page = answer.expect("answered").into_body().collect().await.expect("whole").to_bytes();
    assert_eq!(page, "page 201");
    let seen = std::mem::take(&mut *seen.lock().expect("not poisoned"));
    assert_eq!(seen.len(), 2);
    for request in seen {
        assert_eq!(request.uri(), "/stock?of=apples");
        assert_eq!(
            (&request.headers()["accept"], &request.headers()["idempotency-key"]),
            (&"text/plain".parse().expect("valid"), &"x".parse().expect("valid"))
        );
        assert_eq!(request.extensions().get::<u8>(), Some(&7));
        assert_eq!(request.into_body().collect().await.expect("whole").to_bytes(), "how many");
    }
}

/// The numbers that requests carry, in the order in which they came.
fn numbers<B>(requests: &[Request<B>]) -> Vec<Option<u32>> {
    requests
        .iter()
        .map(|request| request.extensions().get::<Attempt>().copied().map(Attempt::number))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn each_attempt_but_the_first_carries_its_number() {
    let (seen, service) = server([]);
    let client = over(HedgeLayer::after(20 * MS).max(3).http(), service);
    assert!(client.oneshot(request("GET", None)).await.is_ok());
    assert_eq!(numbers(&seen.lock().expect("not poisoned")), [None, Some(2), Some(3), Some(4)]);
}

#[tokio::test(start_paused = true)]
async fn inside_a_retry_it_counts_on_from_there() {
    let (seen, service) = server([(30, 503), (30, 503), (30, 503), (30, 503), (5, 200)]);
    let service = service_fn(move |request: Request<ReplayBody<Body>>| {
        service.clone().oneshot(request.map(|_| Body::default()))
    });
    let policy = Policy::new().backoff(Backoff::constant(MS));
    let client = over((retry(policy), HedgeLayer::after(20 * MS).http()), service);
    assert_eq!(client.oneshot(request("GET", None)).await.expect("answered").status(), 200);
    let seen = seen.lock().expect("not poisoned");
    assert_eq!(numbers(&seen), [None, Some(2), Some(2), Some(3), Some(3)]);
}

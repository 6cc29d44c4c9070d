//! reqwest under a stack.

// [what a user writes
use buttress::{Lifted, over, rejected::Lift, timeout::Timeout, timeout::TimeoutLayer};
use reqwest::{Method, Request, Url};
use tower::ServiceExt;

fn client(reqwest: reqwest::Client, limit: std::time::Duration) -> Timeout<Lift<reqwest::Client>> {
    over(TimeoutLayer::new(limit), reqwest)
}

async fn ask(client: &Timeout<Lift<reqwest::Client>>, url: Url) -> String {
    match client.clone().oneshot(Request::new(Method::GET, url)).await {
        Ok(answer) => answer.status().to_string(),
        Err(Lifted::Rejected(why)) => format!("Err(Lifted::Rejected): {why}"),
        Err(Lifted::Inner(error)) => format!("Err(Lifted::Inner): {error}"),
    }
}
// what a user writes]

use crate::{
    gate::GateLayer,
    net::{LONG, SHORT, bare, nobody, reqwest_client, says},
};
use buttress::{Rejected, http::ByStatus, outcome::Class, rejected::BoxError, rejected::Reason};
use http_body_util::BodyExt;
use std::net::SocketAddr;
use tower::ServiceBuilder;

fn url(address: SocketAddr, path: &str) -> Url {
    format!("http://{address}{path}").parse().expect("a url")
}

pub(crate) async fn seen() -> String {
    ask(&client(reqwest_client(), SHORT), url(bare().await, "/stuck")).await
}

#[tokio::test]
async fn a_timeout_is_a_rejection_and_the_clients_own_errors_come_as_they_were() {
    assert_eq!(seen().await, "Err(Lifted::Rejected): timed out");

    let patient = client(reqwest_client(), LONG);
    assert_eq!(ask(&patient, url(bare().await, "/fast")).await, "200 OK");
    let refused = patient.oneshot(Request::new(Method::GET, url(nobody().await, "/"))).await;
    assert!(matches!(refused, Err(Lifted::Inner(error)) if error.is_connect()));
}

#[tokio::test]
async fn a_lifted_error_in_a_box_gives_both_back_the_rejection_and_its_own_type() {
    let stuck = Request::new(Method::GET, url(bare().await, "/stuck"));
    let error = client(reqwest_client(), SHORT).oneshot(stuck).await.expect_err("cut");
    let boxed: BoxError = error.into();
    assert_eq!(Rejected::find(&*boxed).map(|why| why.reason()), Some(Reason::TimedOut));
    assert!(boxed.is::<Lifted<reqwest::Error>>());
}

/// reqwest's answer is no `http::Response`; it becomes one without a copy, and then its body carries the verdict.
#[tokio::test]
async fn a_gate_reads_reqwests_answers_once_they_are_http_responses() {
    let layer = GateLayer::reading(ByStatus);
    let gate = layer.gate();
    let svc = ServiceBuilder::new()
        .layer(layer)
        .layer(TimeoutLayer::new(LONG))
        .layer(buttress::lift())
        .map_response(http::Response::<reqwest::Body>::from)
        .service(reqwest_client());
    let get = |url| Request::new(Method::GET, url);
    let address = bare().await;

    let answer = svc.clone().oneshot(get(url(address, "/fast"))).await.expect("an answer");
    assert_eq!(gate.classes(), [], "not before its end");
    assert_eq!(answer.into_body().collect().await.expect("a body").to_bytes(), "fast");
    assert_eq!(gate.classes(), [Class::Ok]);

    let half = url(says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await, "/");
    for _ in 0..3 {
        let answer = svc.clone().oneshot(get(half.clone())).await.expect("a good head");
        assert!(answer.into_body().collect().await.is_err());
    }
    assert_eq!(gate.classes()[1..], [Class::Failed; 3]);
    assert!(matches!(svc.oneshot(get(url(address, "/fast"))).await, Err(Lifted::Rejected(_))), "open");
}

/// Whoever wants reqwest's own answer back (`json()`, `text()`) wraps the body again.
#[tokio::test]
async fn the_answer_can_be_turned_back_into_reqwests_own_with_the_verdict_in_it() {
    let layer = GateLayer::reading(ByStatus);
    let gate = layer.gate();
    let svc = ServiceBuilder::new()
        .map_response(|answer: http::Response<_>| reqwest::Response::from(answer.map(reqwest::Body::wrap)))
        .layer(layer)
        .layer(buttress::lift())
        .map_response(http::Response::<reqwest::Body>::from)
        .service(reqwest_client());
    let answer = svc.oneshot(Request::new(Method::GET, url(bare().await, "/fast"))).await.expect("an answer");
    assert_eq!(answer.text().await.expect("a body"), "fast");
    assert_eq!(gate.classes(), [Class::Ok]);
}

//! hyper alone: a guard around a service function, under hyper-util's server.

// [what a user writes
use buttress::{http, timeout::TimeoutLayer};
use hyper_util::{rt::TokioExecutor, rt::TokioIo, server::conn::auto, service::TowerToHyperService};
use tower::ServiceBuilder;

async fn serve(listener: tokio::net::TcpListener, limit: std::time::Duration) {
    let stack = http::guard(TimeoutLayer::new(limit));
    let service = TowerToHyperService::new(ServiceBuilder::new().layer(stack).service_fn(handle));
    while let Ok((socket, _)) = listener.accept().await {
        let service = service.clone();
        let socket = TokioIo::new(socket);
        tokio::spawn(async {
            auto::Builder::new(TokioExecutor::new()).serve_connection(socket, service).await
        });
    }
}
// what a user writes]

use crate::{
    axum_server::tell,
    gate::GateLayer,
    net::{LONG, SHORT, hyper_client, listen, reqwest_client},
};
use ::http::{Request, Response};
use buttress::{http::ByStatus, outcome::Class};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use std::{convert::Infallible, future::pending};

async fn handle(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    match request.uri().path() {
        "/stuck" => pending().await,
        "/fail" => Ok(Response::builder().status(500).body(Full::default()).expect("a response")),
        _ => Ok(Response::new(Full::from("fast"))),
    }
}

pub(crate) async fn seen() -> String {
    let (listener, address) = listen().await;
    tokio::spawn(serve(listener, SHORT));
    tell(reqwest_client().get(format!("http://{address}/stuck")).send().await.expect("an answer")).await
}

#[tokio::test]
async fn a_timeout_is_a_504_with_a_problem_document() {
    assert_eq!(
        seen().await,
        r#"HTTP 504, `application/problem+json`: `{"type":"about:blank","title":"Gateway Timeout","status":504,"detail":"timed out"}`"#
    );
}

#[tokio::test]
async fn a_call_in_time_is_passed_on_over_http1_and_http2() {
    let (listener, address) = listen().await;
    tokio::spawn(serve(listener, LONG));
    let two = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().expect("a client");
    for client in [reqwest_client(), two] {
        let answer = client.get(format!("http://{address}/fast")).send().await.expect("an answer");
        assert_eq!(answer.text().await.expect("a body"), "fast");
    }
}

#[tokio::test]
async fn a_gate_inside_the_guard_is_shared_by_all_connections() {
    let layer = GateLayer::reading(ByStatus);
    let gate = layer.gate();
    let stack = http::guard((layer, TimeoutLayer::new(LONG)));
    let service = TowerToHyperService::new(ServiceBuilder::new().layer(stack).service_fn(handle));
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (service, socket) = (service.clone(), TokioIo::new(socket));
            tokio::spawn(async {
                auto::Builder::new(TokioExecutor::new()).serve_connection(socket, service).await
            });
        }
    });

    let ask = async |path: &str| {
        let request = crate::net::get_of(address, path);
        hyper_client().request(request).await.expect("an answer")
    };
    let body = ask("/fast").await.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!((body.as_ref(), gate.ended(1).await), (&b"fast"[..], vec![Class::Ok]));
    for _ in 0..3 {
        assert_eq!(ask("/fail").await.status(), 500);
    }
    assert_eq!(ask("/fast").await.status(), 503);
}

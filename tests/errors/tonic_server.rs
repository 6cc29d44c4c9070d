//! tonic's server: a guard that answers by trailers alone.

// [what a user writes
use buttress::{grpc, timeout::TimeoutLayer};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Error, Server};

async fn serve(listener: tokio::net::TcpListener, limit: std::time::Duration) -> Result<(), Error> {
    Server::builder()
        .layer(grpc::guard(TimeoutLayer::new(limit)))
        .add_service(EchoServer::new(Parrot))
        .serve_with_incoming(TcpListenerStream::new(listener))
        .await
}
// what a user writes]

use crate::{
    axum_server::tell,
    echo::echo_server::EchoServer,
    gate::{Gate, GateLayer},
    net::{LONG, SHORT, listen, reqwest_client},
    parrot::{Parrot, client, say},
};
use axum::routing::get;
use buttress::{Rejected, outcome::Class, rejected::Reason};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use std::{
    future::{Ready, pending, ready},
    net::SocketAddr,
    task::{Context, Poll},
    time::Duration,
};
use tonic::{Code, service::Routes};
use tower::{Layer, Service, layer::layer_fn};

async fn with_limit(limit: Duration) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(serve(listener, limit));
    address
}

pub(crate) async fn seen() -> String {
    let status = client(with_limit(SHORT).await).say(say("stuck")).await.expect_err("cut");
    format!("`{:?}`, `{}`", status.code(), status.message())
}

/// A call as it stands on the wire: `Say`, with its text.
fn wire(address: SocketAddr, text: &str) -> http::Request<Full<Bytes>> {
    let length = u8::try_from(text.len()).expect("short");
    let mut message = vec![0, 0, 0, 0, length + 2, 0x0a, length];
    message.extend_from_slice(text.as_bytes());
    http::Request::post(format!("http://{address}/echo.v1.Echo/Say"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::from(message))
        .expect("a request")
}

/// A plain HTTP/2 client that knows nothing of gRPC.
async fn raw(request: http::Request<Full<Bytes>>) -> http::Response<hyper::body::Incoming> {
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    client.request(request).await.expect("an answer")
}

#[tokio::test]
async fn a_timeout_is_deadline_exceeded_and_the_server_lives_on() {
    assert_eq!(seen().await, "`DeadlineExceeded`, `timed out`");
    let answer = client(with_limit(LONG).await).say(say("hello")).await.expect("in time");
    assert_eq!(answer.into_inner().text, "hello");
}

#[tokio::test]
async fn on_the_wire_it_is_a_200_with_the_status_among_the_headers_and_nothing_after() {
    let answer = raw(wire(with_limit(SHORT).await, "stuck")).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/grpc");
    assert_eq!(answer.headers()["grpc-status"], "4");
    assert_eq!(answer.headers()["grpc-message"], "timed out");
    let rest = answer.into_body().collect().await.expect("a body");
    assert!(rest.trailers().is_none());
    assert!(rest.to_bytes().is_empty());
}

/// Refuses every call for one reason.
#[derive(Clone)]
struct Refuses(Reason);

impl<Q> Service<Q> for Refuses {
    type Response = http::Response<tonic::body::Body>;
    type Error = Rejected;
    type Future = Ready<Result<Self::Response, Rejected>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Rejected>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Q) -> Self::Future {
        ready(Err(Rejected::new(self.0, "orders", false).after(Duration::from_millis(1500))))
    }
}

#[tokio::test]
async fn every_reason_arrives_as_its_code_with_the_wait_as_pushback() {
    for (reason, code) in [
        (Reason::TimedOut, Code::DeadlineExceeded),
        (Reason::DeadlinePassed, Code::DeadlineExceeded),
        (Reason::Open, Code::Unavailable),
        (Reason::Shed, Code::Unavailable),
        (Reason::NoEndpoint, Code::Unavailable),
        (Reason::StoreDown, Code::Unavailable),
        (Reason::Full, Code::ResourceExhausted),
        (Reason::Limited, Code::ResourceExhausted),
        (Reason::TooLarge, Code::ResourceExhausted),
    ] {
        let (listener, address) = listen().await;
        let refuses = layer_fn(move |_| Refuses(reason));
        let server = Server::builder().layer(grpc::guard(refuses)).add_service(EchoServer::new(Parrot));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        let status = client(address).say(say("hello")).await.expect_err("refused");
        assert_eq!((status.code(), status.message()), (code, reason.to_string().as_str()));
        let pushback = status.metadata().get("grpc-retry-pushback-ms").expect("a wait");
        assert_eq!(pushback, "1500");
    }
}

/// A server with a gate that reads the trailers, inside the guard.
async fn gated() -> (SocketAddr, Gate) {
    let layer = GateLayer::reading(grpc::ByStatus);
    let gate = layer.gate();
    let (listener, address) = listen().await;
    let server = Server::builder()
        .layer(grpc::guard((layer, TimeoutLayer::new(LONG))))
        .add_service(EchoServer::new(Parrot));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    (address, gate)
}

#[tokio::test]
async fn streams_that_end_badly_after_a_good_message_trip_the_gate_for_every_connection() {
    let (address, gate) = gated().await;
    for _ in 0..3 {
        let mut tail = client(address).tail(say("one unavailable")).await.expect("a head").into_inner();
        assert_eq!(tail.message().await.expect("a message").expect("one").text, "one");
        assert_eq!(tail.message().await.expect_err("gone").code(), Code::Unavailable);
    }
    assert_eq!(gate.classes(), [Class::Failed; 3]);
    let status = client(address).say(say("hello")).await.expect_err("open");
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "the circuit is open"));
    assert_eq!(status.metadata().get("grpc-retry-pushback-ms").expect("a wait"), "30000");
}

#[tokio::test]
async fn a_status_without_a_message_stands_in_the_head_and_is_read_there() {
    let (address, gate) = gated().await;
    assert!(client(address).say(say("unavailable")).await.is_err());
    assert!(client(address).say(say("hello")).await.is_ok());
    assert_eq!(gate.ended(2).await, [Class::Failed, Class::Ok]);
}

#[tokio::test]
async fn a_client_who_leaves_a_stream_after_its_first_message_has_seen_enough_and_before_it_nothing() {
    let (address, gate) = gated().await;
    let mut tail = client(address).tail(say("one stuck")).await.expect("a head").into_inner();
    assert_eq!(tail.message().await.expect("a message").expect("one").text, "one");
    drop(tail);
    assert_eq!(gate.ended(1).await, [Class::Ok]);

    let tail = client(address).tail(say("stuck")).await.expect("a head");
    drop(tail);
    assert_eq!(gate.ended(2).await, [Class::Ok, Class::Cancelled]);
}

#[tokio::test]
async fn a_client_who_leaves_before_the_head_is_nothing() {
    let (address, gate) = gated().await;
    // Through a raw call, so that it is known to have been sent: the gate admits it before the client is dropped.
    let mut client = client(address);
    let call = tokio::spawn(async move { client.say(say("stuck")).await });
    gate.admitted(1).await;
    call.abort();
    assert_eq!(gate.ended(1).await, [Class::Cancelled]);
}

#[tokio::test]
async fn a_chat_that_is_ended_by_its_client_is_ok() {
    let (address, gate) = gated().await;
    let words = tokio_stream::iter([say("one"), say("two")]);
    let mut chat = client(address).chat(words).await.expect("a head").into_inner();
    let mut heard = Vec::new();
    while let Some(reply) = chat.message().await.expect("no error") {
        heard.push(reply.text);
    }
    assert_eq!((heard, gate.ended(1).await), (vec!["one".into(), "two".into()], vec![Class::Ok]));
}

#[tokio::test]
async fn our_layers_answer_a_grpc_timeout_before_tonic_cuts_outside_of_them() {
    let (listener, address) = listen().await;
    let server = Server::builder()
        .layer(grpc::deadline(LONG))
        .layer(grpc::guard(TimeoutLayer::new(LONG)))
        .add_service(EchoServer::new(Parrot));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let mut request = wire(address, "stuck");
    request.headers_mut().insert("grpc-timeout", "30m".parse().expect("a value"));
    let answer = raw(request).await;
    assert_eq!(answer.headers()["grpc-status"], "4", "tonic alone would have said CANCELLED");
    assert_eq!(answer.headers()["grpc-message"], "the deadline has passed");
}

#[tokio::test]
async fn a_mixed_guard_answers_each_caller_in_its_own_protocol() {
    let app = Routes::new(EchoServer::new(Parrot))
        .into_axum_router()
        .route("/stuck", get(pending::<()>))
        .layer(grpc::mixed_guard(TimeoutLayer::new(SHORT)));
    let address = crate::net::serve(app).await;

    let status = client(address).say(say("stuck")).await.expect_err("cut");
    assert_eq!((status.code(), status.message()), (Code::DeadlineExceeded, "timed out"));

    let answer = reqwest_client().get(format!("http://{address}/stuck")).send().await.expect("an answer");
    assert_eq!(
        tell(answer).await,
        r#"HTTP 504, `application/problem+json`: `{"type":"about:blank","title":"Gateway Timeout","status":504,"detail":"timed out"}`"#
    );
}

#[tokio::test]
async fn a_mixed_guard_lets_both_protocols_through() {
    let app = Routes::new(EchoServer::new(Parrot))
        .into_axum_router()
        .route("/fast", get(|| async { "fast" }))
        .layer(grpc::mixed_guard((GateLayer::reading(grpc::ByStatus), TimeoutLayer::new(LONG))));
    let address = crate::net::serve(app).await;
    assert_eq!(client(address).say(say("hello")).await.expect("in time").into_inner().text, "hello");
    let answer = reqwest_client().get(format!("http://{address}/fast")).send().await.expect("an answer");
    assert_eq!(answer.text().await.expect("a body"), "fast");
}

#[test]
fn a_grpc_guard_can_be_named() {
    struct House {
        guard: buttress::http::Guard<(GateLayer<grpc::ByStatus>, TimeoutLayer), grpc::TrailersOnly>,
    }
    let layer = GateLayer::reading(grpc::ByStatus);
    let house = House { guard: grpc::guard((layer, TimeoutLayer::new(LONG))) };
    drop(house.guard.layer(Refuses(Reason::Full)));
}

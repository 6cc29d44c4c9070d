//! When the verdict of a gRPC call is in: with its status, which stands in the trailers or among the headers.

use crate::{
    echo::{echo_client::EchoClient, echo_server::EchoServer},
    gate::{Gate, GateLayer, Gated},
    net::{LONG, SHORT, listen, serve, torn},
    parrot::{Parrot, bare, channel, say},
};
use axum::{Router, body::Body, routing::post};
use buttress::{
    Rejected,
    cause::{self, Cause},
    grpc,
    http::BodyTimeoutLayer,
    outcome::Class,
    over,
    rejected::Reason,
    timeout::TimeoutLayer,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use std::{convert::Infallible, sync::Arc};
use tokio::sync::Semaphore;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Code,
    transport::{Channel, Server},
};
use tower::{ServiceBuilder, ServiceExt, service_fn};

type Client = EchoClient<Gated<grpc::StatusLift<Channel>, grpc::ByStatus>>;

fn gated(channel: Channel) -> (Client, Gate) {
    let layer = GateLayer::reading(grpc::ByStatus);
    let gate = layer.gate();
    (EchoClient::new(ServiceBuilder::new().layer(layer).layer(grpc::lift()).service(channel)), gate)
}

#[tokio::test]
async fn a_stream_that_sends_one_message_and_then_unavailable_trips_the_gate_at_the_third() {
    let (mut client, gate) = gated(bare().await);
    for failed in 1..=3 {
        let mut tail = client.tail(say("one unavailable")).await.expect("a good head").into_inner();
        assert_eq!(tail.message().await.expect("a message").expect("one").text, "one");
        assert!(!gate.is_open(), "the head and the first message were good");
        assert_eq!(tail.message().await.expect_err("gone").code(), Code::Unavailable);
        assert_eq!(gate.classes().len(), failed);
    }
    assert_eq!(gate.classes(), [Class::Failed; 3]);
    let status = client.tail(say("one")).await.expect_err("open");
    assert_eq!(Rejected::find(&status).map(|why| why.reason()), Some(Reason::Open));
}

#[tokio::test]
async fn a_call_and_a_stream_that_end_well_are_ok_at_their_trailers() {
    let (mut client, gate) = gated(bare().await);
    client.say(say("hello")).await.expect("an answer");
    assert_eq!(gate.classes(), [Class::Ok]);
    let mut tail = client.tail(say("one two")).await.expect("a head").into_inner();
    let mut heard = 0;
    while tail.message().await.expect("no error").is_some() {
        heard += 1;
        assert_eq!(gate.classes().len(), 1, "not before the trailers");
    }
    assert_eq!((heard, gate.classes()), (2, vec![Class::Ok; 2]));
}

#[tokio::test]
async fn a_stream_left_after_its_first_message_is_ok_before_it_nothing_and_with_a_cause_what_that_says() {
    let (mut client, gate) = gated(bare().await);
    let mut tail = client.tail(say("one stuck")).await.expect("a head").into_inner();
    assert!(tail.message().await.expect("a message").is_some());
    drop(tail);
    assert_eq!(gate.last().map(|last| last.class()), Some(Class::Ok));

    drop(client.tail(say("stuck")).await.expect("a head"));
    assert_eq!(gate.last().map(|last| last.class()), Some(Class::Cancelled));

    for (reason, class) in [(Cause::Cut, Class::TimedOut), (Cause::Lost, Class::Cancelled)] {
        let mut tail = client.tail(say("one stuck")).await.expect("a head").into_inner();
        assert!(tail.message().await.expect("a message").is_some());
        cause::during(reason, || drop(tail));
        assert_eq!(gate.last().map(|last| last.class()), Some(class));
    }
    assert_eq!(gate.classes().len(), 4);
}

/// A chat whose client has said all it wants to say, and a channel that goes away: the same rules.
#[tokio::test]
async fn a_chat_is_read_at_its_end_like_any_stream() {
    let (mut client, gate) = gated(bare().await);
    let mut chat =
        client.chat(tokio_stream::iter([say("one"), say("unavailable")])).await.expect("a head").into_inner();
    assert!(chat.message().await.expect("a message").is_some());
    assert_eq!(chat.message().await.expect_err("gone").code(), Code::Unavailable);
    assert_eq!(gate.classes(), [Class::Failed]);
}

/// A gRPC message as it stands on the wire: `SayReply { text: "one" }`.
const ONE: &[u8] = &[0, 0, 0, 0, 5, 0x0a, 3, b'o', b'n', b'e'];

/// A server that is not tonic, and says exactly this to every `Tail`.
async fn answers(
    answer: impl Fn() -> http::Response<Body> + Clone + Send + Sync + 'static,
) -> (Client, Gate) {
    let app = Router::new().route("/echo.v1.Echo/Tail", post(async move || answer()));
    gated(channel(serve(app).await))
}

fn head() -> http::response::Builder {
    http::Response::builder().header("content-type", "application/grpc")
}

#[tokio::test]
async fn a_stream_that_is_reset_has_failed_also_after_a_good_message() {
    let tear = Arc::new(Semaphore::new(0));
    let (mut client, gate) = {
        let tear = Arc::clone(&tear);
        answers(move || head().body(torn(ONE, &tear)).expect("a response")).await
    };
    let mut tail = client.tail(say("")).await.expect("a head").into_inner();
    assert_eq!(tail.message().await.expect("a message").expect("one").text, "one");
    tear.add_permits(1);
    assert_eq!(tail.message().await.expect_err("reset").code(), Code::Internal);
    assert_eq!(gate.classes(), [Class::Failed]);
}

#[tokio::test]
async fn a_stream_without_trailers_has_failed_for_nobody_said_that_it_went_well() {
    let (mut client, gate) = answers(|| head().body(Body::from(ONE)).expect("a response")).await;
    let mut tail = client.tail(say("")).await.expect("a head").into_inner();
    while let Ok(Some(_)) = tail.message().await {}
    assert_eq!(gate.classes(), [Class::Failed]);
}

#[tokio::test]
async fn a_proxy_that_answers_in_http_is_read_at_the_head() {
    let (mut client, gate) =
        answers(|| http::Response::builder().status(502).body(Body::empty()).expect("a response")).await;
    for failed in 1..=3 {
        // tonic itself finds out at the end only.
        let mut tail = client.tail(say("")).await.expect("a head").into_inner();
        assert_eq!(gate.classes().len(), failed);
        assert!(tail.message().await.is_err());
    }
    assert_eq!(gate.classes(), [Class::Failed; 3]);
    let status = client.tail(say("")).await.expect_err("open");
    assert_eq!(Rejected::find(&status).map(|why| why.reason()), Some(Reason::Open));
}

#[tokio::test]
async fn a_service_that_asks_for_less_is_throttled_and_does_not_trip_the_gate() {
    let (mut client, gate) =
        answers(|| head().header("grpc-status", "8").body(Body::empty()).expect("a response")).await;
    for _ in 0..4 {
        assert_eq!(client.tail(say("")).await.expect_err("too much").code(), Code::ResourceExhausted);
    }
    assert_eq!((gate.classes(), gate.is_open()), (vec![Class::Throttled; 4], false));
}

/// A reader that trusts `is_end_stream` (hyper's server does) drops such a body unread.
#[tokio::test]
async fn a_good_head_with_neither_status_nor_body_has_failed_also_when_nobody_reads_the_body() {
    let layer = GateLayer::reading(grpc::ByStatus);
    let gate = layer.gate();
    let empty = service_fn(async |_: http::Request<()>| {
        Ok::<_, Infallible>(http::Response::new(http_body_util::Empty::<Bytes>::new()))
    });
    drop(over(layer, empty).oneshot(http::Request::new(())).await.expect("a head"));
    assert_eq!(gate.classes(), [Class::Failed]);
}

/// Any frame with data counts as the first message, also half of one: the body is not decoded.
#[tokio::test]
async fn half_a_message_counts_as_a_message() {
    let layer = GateLayer::reading(grpc::ByStatus);
    let gate = layer.gate();
    let half = service_fn(async |_: http::Request<()>| {
        let frames = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(&ONE[..7])))]);
        Ok::<_, Infallible>(http::Response::new(StreamBody::new(frames.chain(stream::pending()))))
    });
    let mut answer = over(layer, half).oneshot(http::Request::new(())).await.expect("a head");
    assert!(answer.frame().await.is_some());
    drop(answer);
    assert_eq!(gate.classes(), [Class::Ok]);
}

/// Our limit on the body wraps its error; what tonic makes of a reset is the same all the same.
#[tokio::test]
async fn a_limit_on_the_body_changes_nothing_in_the_code_of_a_reset() {
    let tear = Arc::new(Semaphore::new(0));
    let body = {
        let tear = Arc::clone(&tear);
        async move || head().body(torn(ONE, &tear)).expect("a response")
    };
    let channel = channel(serve(Router::new().route("/echo.v1.Echo/Tail", post(body))).await);
    let limited = ServiceBuilder::new().layer(BodyTimeoutLayer::new().idle(LONG)).layer(grpc::lift());
    let mut bare = EchoClient::new(channel.clone()).tail(say("")).await.expect("a head").into_inner();
    let mut under =
        EchoClient::new(limited.service(channel)).tail(say("")).await.expect("a head").into_inner();
    assert!(bare.message().await.expect("a message").is_some());
    assert!(under.message().await.expect("a message").is_some());
    tear.add_permits(2);
    let (bare, under) = (bare.message().await.expect_err("reset"), under.message().await.expect_err("reset"));
    assert_eq!(under.code(), bare.code());
}

/// A stream that goes silent, with our limit on silence outside of the gate: the gate knows that it was cut.
///
/// The caller is told less: tonic makes `Unknown` of the error of a body that is not a `Status` itself, and the rejection has
/// to be looked for in its chain. As it is, and known.
#[tokio::test]
async fn a_stream_cut_in_its_silence_is_a_timeout_for_the_gate_and_unknown_with_a_rejection_for_the_caller() {
    let layer = GateLayer::reading(grpc::ByStatus);
    let gate = layer.gate();
    let stack =
        ServiceBuilder::new().layer(BodyTimeoutLayer::new().idle(SHORT)).layer(layer).layer(grpc::lift());
    let mut client = EchoClient::new(stack.service(bare().await));
    let mut tail = client.tail(say("stuck")).await.expect("a head").into_inner();
    let status = tail.message().await.expect_err("silent");
    assert_eq!(gate.classes(), [Class::TimedOut]);
    assert_eq!(status.code(), Code::Unknown);
    assert_eq!(Rejected::find(&status).map(|why| why.reason()), Some(Reason::TimedOut));
}

#[tokio::test]
async fn a_call_cut_at_its_head_is_a_timeout_wherever_the_limit_stands() {
    let (inside, outside) = (GateLayer::reading(grpc::ByStatus), GateLayer::reading(grpc::ByStatus));
    let gates = [inside.gate(), outside.gate()];
    let stack = ServiceBuilder::new()
        .layer(outside)
        .layer(TimeoutLayer::new(SHORT))
        .layer(inside)
        .layer(grpc::lift());
    let status = EchoClient::new(stack.service(bare().await)).say(say("stuck")).await.expect_err("cut");
    assert_eq!(status.code(), Code::DeadlineExceeded);
    for gate in gates {
        assert_eq!(gate.classes(), [Class::TimedOut]);
    }
}

#[tokio::test]
async fn three_gates_inside_a_guard_fit_a_tonic_server_and_three_fit_a_client() {
    fn fits<T: Clone + Send + Sync + 'static>(svc: T) -> T {
        svc
    }
    let three = || [(); 3].map(|()| GateLayer::reading(grpc::ByStatus));
    let [first, second, third] = three();
    let server = three();
    let gates = server.clone().map(|layer| layer.gate());
    let (listener, address) = listen().await;
    let [one, two, last] = server;
    let server = Server::builder().layer(grpc::guard((one, two, last))).add_service(EchoServer::new(Parrot));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let stack = ServiceBuilder::new().layer(first).layer(second).layer(third).layer(grpc::lift());
    let mut client = EchoClient::new(fits(stack.service(channel(address))));
    let mut tail = client.tail(say("one unavailable")).await.expect("a head").into_inner();
    while let Ok(Some(_)) = tail.message().await {}
    for gate in gates {
        assert_eq!(gate.ended(1).await, [Class::Failed]);
    }
}

//! A tonic client under a stack: rejections arrive as a `Status` with the right code.

// [what a user writes
use buttress::{grpc, timeout::Timeout, timeout::TimeoutLayer};
use tonic::transport::Channel;
use tower::ServiceBuilder;

type Guarded = EchoClient<Timeout<grpc::StatusLift<Channel>>>;

fn client(channel: Channel, limit: std::time::Duration) -> Guarded {
    let stack = ServiceBuilder::new().layer(TimeoutLayer::new(limit)).layer(grpc::lift());
    EchoClient::new(stack.service(channel))
}
// what a user writes]

use crate::{
    echo::echo_client::EchoClient,
    gate::{Gate, GateLayer},
    net::{LONG, SHORT, nobody},
    parrot::{bare, channel, say},
};
use buttress::{Rejectable, Rejected, lift, outcome::Class, rejected::Reason};
use std::time::Duration;
use tonic::{Code, Status};
use tower::{buffer::Buffer, util::BoxCloneSyncService};

pub(crate) async fn seen() -> String {
    let status = client(bare().await, SHORT).say(say("stuck")).await.expect_err("cut");
    let why = Rejected::find(&status).expect("in its chain");
    format!("`Err(Status)`: `{:?}`, and in it the rejection: {why}", status.code())
}

#[tokio::test]
async fn a_timeout_is_a_status_with_the_rejection_in_it() {
    assert_eq!(seen().await, "`Err(Status)`: `DeadlineExceeded`, and in it the rejection: timed out");
    let answer = client(bare().await, LONG).say(say("hello")).await.expect("in time");
    assert_eq!(answer.into_inner().text, "hello");
}

#[tokio::test]
async fn the_servers_own_status_and_the_channels_own_errors_come_as_they_were() {
    let status = client(bare().await, LONG).say(say("unavailable")).await.expect_err("gone");
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "gone"));
    assert_eq!(status.as_rejected(), None);

    let status = client(channel(nobody().await), LONG).say(say("hello")).await.expect_err("nobody there");
    assert_eq!((status.code(), status.as_rejected()), (Code::Unavailable, None));
}

/// The stack of a client with a gate that reads the trailers.
type Gated = crate::gate::Gated<Timeout<grpc::StatusLift<Channel>>, grpc::ByStatus>;

fn gated(channel: Channel, limit: Duration) -> (Gated, Gate) {
    let layer = GateLayer::reading(grpc::ByStatus);
    let gate = layer.gate();
    let stack = ServiceBuilder::new().layer(layer).layer(TimeoutLayer::new(limit)).layer(grpc::lift());
    (stack.service(channel), gate)
}

fn is_open(status: &Status) {
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "the circuit is open"));
    let why = Rejected::find(status).expect("in its chain");
    assert_eq!((why.reason(), why.name(), why.reached()), (Reason::Open, "gate", false));
    assert_eq!(why.retry_after(), Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn timeouts_trip_the_gate_and_its_status_says_when_to_come_again() {
    let (svc, gate) = gated(bare().await, SHORT);
    let mut client = EchoClient::new(svc);
    for _ in 0..3 {
        assert_eq!(client.say(say("stuck")).await.expect_err("cut").code(), Code::DeadlineExceeded);
    }
    assert_eq!(gate.classes(), [Class::TimedOut; 3]);
    is_open(&client.say(say("hello")).await.expect_err("open"));
}

#[tokio::test]
async fn a_channel_that_cannot_connect_trips_the_gate() {
    let (svc, gate) = gated(channel(nobody().await), LONG);
    let mut client = EchoClient::new(svc);
    for _ in 0..3 {
        assert_eq!(client.say(say("hello")).await.expect_err("nobody there").code(), Code::Unavailable);
    }
    assert_eq!(gate.classes(), [Class::Failed; 3]);
    is_open(&client.say(say("hello")).await.expect_err("open"));
}

#[tokio::test]
async fn boxed_or_behind_a_buffer_the_code_and_the_wait_are_kept() {
    let (svc, gate) = gated(channel(nobody().await), LONG);
    let mut boxed = EchoClient::new(BoxCloneSyncService::new(svc.clone()));
    let mut buffered = EchoClient::new(Buffer::new(svc, 16));
    for _ in 0..3 {
        assert_eq!(boxed.say(say("hello")).await.expect_err("nobody there").code(), Code::Unavailable);
    }
    assert!(gate.is_open());
    is_open(&boxed.say(say("hello")).await.expect_err("open"));
    is_open(&buffered.say(say("hello")).await.expect_err("open"));
}

/// Why there is a lift for tonic: the plain one compiles, and loses the code.
#[tokio::test]
async fn under_a_plain_lift_every_rejection_arrives_as_unknown() {
    let plain = ServiceBuilder::new().layer(TimeoutLayer::new(SHORT)).layer(lift()).service(bare().await);
    let status = EchoClient::new(plain).say(say("stuck")).await.expect_err("cut");
    assert_eq!(status.code(), Code::Unknown);
    assert_eq!(
        Rejected::find(&status).map(|why| why.reason()),
        Some(Reason::TimedOut),
        "but it is in the chain"
    );
}

#[tokio::test]
async fn the_stack_can_be_cloned_sent_and_shared() {
    fn fits<T: Clone + Send + Sync + 'static>(_: &T) {}
    let (svc, _) = gated(bare().await, LONG);
    fits(&EchoClient::new(svc));
    fits(&client(bare().await, LONG));
}

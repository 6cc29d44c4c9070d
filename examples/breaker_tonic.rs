//! A gRPC server whose streams begin well and break off: each counts at its trailers, and after three of them nobody is
//! sent there.
//!
//! Run it with `cargo run --example breaker_tonic`.

#[path = "support/echo.rs"]
mod echo;

use buttress::{
    Rejected,
    breaker::{Breaker, BreakerLayer, Circuit, Policy, State, Trip},
    grpc::{self, ByStatus, StatusLift},
};
use echo::{EchoClient, SayRequest};
use std::sync::{Arc, atomic::AtomicBool, atomic::Ordering::Relaxed};
use std::time::Duration;
use tonic::{Code, Status, transport::Channel};
use tower::ServiceBuilder;

type Client = EchoClient<Breaker<StatusLift<Channel>, ByStatus>>;

/// The lift stands last, next to the channel: what the circuit refuses arrives as a `Status` with the right code.
fn client(circuit: &Circuit, channel: Channel) -> Client {
    let breaker = BreakerLayer::new(circuit).classify(ByStatus);
    EchoClient::new(ServiceBuilder::new().layer(breaker).layer(grpc::lift()).service(channel))
}

async fn tail(client: &mut Client) -> Result<(), Status> {
    let mut replies = client.tail(SayRequest { text: "hello".into() }).await?.into_inner();
    while replies.message().await?.is_some() {}
    Ok(())
}

#[tokio::main]
async fn main() {
    let well = Arc::new(AtomicBool::new(false));
    let policy = Policy::new().trip(Trip::consecutive(3)).open_for(Duration::from_secs(1));
    let circuit = Circuit::new("echo", &policy);
    let mut client = client(&circuit, echo::serve(&well).await);
    for n in 1..=4 {
        let status = tail(&mut client).await.expect_err("it is down");
        let refused = Rejected::find(&status);
        println!(
            "call {n}: {:?}, \"{}\"; the circuit is {:?}",
            status.code(),
            status.message(),
            circuit.state()
        );
        assert_eq!((status.code(), refused.is_some()), (Code::Unavailable, n == 4));
        if let Some(wait) = refused.and_then(|why| why.retry_after()) {
            println!("It says when to come again: in {wait:.1?}. Meanwhile the server comes back.");
            well.store(true, Relaxed);
            tokio::time::sleep(wait).await; // real: over sockets
        }
    }
    tail(&mut client).await.expect("it is well");
    println!("call 5: well; the circuit is {:?}", circuit.state());
    assert_eq!(circuit.state(), State::Closed);
}

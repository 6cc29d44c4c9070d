//! A service that is not there yet: after three refused connections nobody tries any more, until the circuit sends a probe,
//! and by then it is there.
//!
//! Run it with `cargo run --example breaker_hyper`.

use buttress::{
    Lifted,
    breaker::{BreakerLayer, Circuit, Policy, State, Trip},
    http::ByStatus,
    over,
};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Empty};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use std::time::Duration;
use tokio::net::TcpSocket;
use tower::ServiceExt;

#[tokio::main]
async fn main() {
    // A port that is taken, where nobody listens.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let url = format!("http://{}/", socket.local_addr().expect("bound"));

    let policy = Policy::new().trip(Trip::consecutive(3)).open_for(Duration::from_secs(1));
    let circuit = Circuit::new("payments", &policy);
    let mut states = circuit.watch();
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    // Counts each call at the end of its body: a connection that breaks off there is a failure, too.
    let client = over(BreakerLayer::new(&circuit).classify(ByStatus), client);
    let call = || client.clone().oneshot(hyper::Request::get(&url).body(Empty::new()).expect("a request"));

    for n in 1..=3 {
        let Err(Lifted::Inner(error)) = call().await else { panic!("nobody is there") };
        println!("call {n}: {error}; the circuit is {:?}", circuit.state());
        assert!(error.is_connect());
    }
    let Err(Lifted::Rejected(why)) = call().await else { panic!("it is open") };
    let wait = why.retry_after().expect("it says how long");
    println!("call 4: {why}, come again in {wait:.1?}");
    assert_eq!(states.next().await, Some(State::Open));

    println!("The service starts.");
    let app = axum::Router::new().route("/", axum::routing::get(|| async { "paid" }));
    let listener = socket.listen(64).expect("the port is ours");
    tokio::spawn(async move { axum::serve(listener, app).await });
    tokio::time::sleep(wait).await; // real: over sockets
    let paid = call().await.expect("an answer").into_body().collect().await.expect("a body");
    println!("call 5: {:?}; the circuit is {:?}", paid.to_bytes(), circuit.state());
    assert_eq!(states.next().await, Some(State::Closed));
}

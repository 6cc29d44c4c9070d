//! Two services behind one client, one of them broken: its calls are refused after a while, the other's are not touched.
//!
//! Run it with `cargo run --example breaker_reqwest`.

use axum::{Router, http::StatusCode, routing::get};
use buttress::{
    Lifted,
    breaker::{BreakerLayer, Circuit, Policy, State},
    http::ByStatus,
    outcome::Outcome,
    over,
};
use reqwest::{Client, Method, Request, Response};
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tower::{Service, ServiceExt};

/// What an answer says of the service: reqwest's response has a type of its own, so its status is read by hand.
fn read(result: Result<&Response, &Lifted<reqwest::Error>>) -> Outcome {
    result.map_or(Outcome::FAILED, |response| ByStatus::outcome(response.status()))
}

/// A client for one service: all share the connections, and each has its own circuit.
fn upstream(
    circuit: &Circuit,
    client: &Client,
) -> impl Service<Request, Response = Response, Error = Lifted<reqwest::Error>> + use<> {
    over(BreakerLayer::new(circuit).classify_by(read), client.clone())
}

async fn serve(status: StatusCode) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let app = Router::new().route("/", get(move || async move { status }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::main]
async fn main() {
    let (client, policy) = (Client::new(), Policy::new());
    for (name, status) in [("payments", StatusCode::BAD_GATEWAY), ("orders", StatusCode::OK)] {
        let (circuit, address) = (Circuit::new(name, &policy), serve(status).await);
        let mut upstream = upstream(&circuit, &client);
        for n in 1..=7 {
            let request = Request::new(Method::GET, format!("http://{address}/").parse().expect("a URL"));
            let answer = upstream.ready().await.expect("never fails").call(request).await;
            let said = match &answer {
                Ok(response) => response.status().to_string(),
                Err(Lifted::Rejected(why)) => format!("not sent, {why}"),
                Err(Lifted::Inner(error)) => error.to_string(),
            };
            println!("{name} {n}: {said}; the circuit is {:?}", circuit.state());
            // Below twenty calls in ten seconds, five failures in a row open it.
            assert_eq!(answer.is_err(), name == "payments" && n > 5);
        }
        assert_eq!(circuit.state(), if name == "payments" { State::Open } else { State::Closed });
    }
}

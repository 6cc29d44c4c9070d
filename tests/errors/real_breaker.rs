//! The real breaker where the throwaway one stood: the same ends, over the same stacks.

use crate::{
    echo::{echo_client::EchoClient, echo_server::EchoServer},
    net::{LONG, SHORT, listen, reqwest_client, serve},
    parrot::{Parrot, bare, channel, say},
};
use axum::{Router, http::StatusCode, routing::get};
use buttress::{
    Rejected,
    breaker::{Breaker, BreakerLayer, Circuit, Policy, State, Trip},
    grpc, http,
    rejected::Reason,
    timeout::TimeoutLayer,
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, transport::Server};
use tower::ServiceBuilder;

fn circuit() -> Circuit {
    Circuit::new("echo", &Policy::new().trip(Trip::consecutive(3)))
}

#[tokio::test]
async fn over_axum_it_is_one_circuit_for_all_routes_and_connections() {
    let circuit = circuit();
    let layer = BreakerLayer::new(&circuit).classify(http::ByStatus);
    let app = Router::new()
        .route("/fast", get(async || "fast"))
        .route("/fail", get(async || StatusCode::BAD_GATEWAY))
        .layer(http::guard((layer, TimeoutLayer::new(LONG))));
    let address = serve(app).await;
    let ask = async |path: &str| {
        reqwest_client().get(format!("http://{address}{path}")).send().await.expect("an answer")
    };
    assert_eq!(ask("/fast").await.text().await.expect("a body"), "fast");
    for _ in 0..3 {
        assert_eq!(ask("/fail").await.status(), 502);
    }
    assert_eq!(circuit.state(), State::Open);
    let refused = ask("/fast").await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn around_a_tonic_client_it_reads_the_trailers_of_streams() {
    let circuit = circuit();
    let layer = BreakerLayer::new(&circuit).classify(grpc::ByStatus);
    let stack = ServiceBuilder::new().layer(layer).layer(TimeoutLayer::new(LONG)).layer(grpc::lift());
    let mut client = EchoClient::new(stack.service(bare().await));
    for _ in 0..3 {
        let mut tail = client.tail(say("one unavailable")).await.expect("a good head").into_inner();
        assert!(tail.message().await.expect("a message").is_some());
        assert_eq!(tail.message().await.expect_err("gone").code(), Code::Unavailable);
    }
    let status = client.say(say("hello")).await.expect_err("open");
    assert_eq!(status.code(), Code::Unavailable);
    let why = Rejected::find(&status).expect("in its chain");
    assert_eq!((why.reason(), why.name()), (Reason::Open, "echo"));
    assert!(why.retry_after().is_some());
}

#[tokio::test]
async fn timeouts_on_either_side_of_it_open_it() {
    for outside in [true, false] {
        let circuit = circuit();
        let breaker = BreakerLayer::new(&circuit).classify(grpc::ByStatus);
        let (around, within) = if outside { (SHORT, LONG) } else { (LONG, SHORT) };
        let stack = ServiceBuilder::new()
            .layer(TimeoutLayer::new(around))
            .layer(breaker)
            .layer(TimeoutLayer::new(within))
            .layer(grpc::lift());
        let mut client = EchoClient::new(stack.service(bare().await));
        for _ in 0..3 {
            assert_eq!(client.say(say("stuck")).await.expect_err("cut").code(), Code::DeadlineExceeded);
        }
        assert_eq!(circuit.state(), State::Open, "limit outside: {outside}");
    }
}

#[tokio::test]
async fn three_of_them_one_in_the_other_fit_a_tonic_server_a_client_and_an_axum_router() {
    fn fits<T: Clone + Send + Sync + 'static>(svc: T) -> T {
        svc
    }
    let circuits = [circuit(), circuit(), circuit()];
    let three = || circuits.each_ref().map(|circuit| BreakerLayer::new(circuit).classify(grpc::ByStatus));
    let [first, second, third] = three();
    let (listener, address) = listen().await;
    let server =
        Server::builder().layer(grpc::guard((first, second, third))).add_service(EchoServer::new(Parrot));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));

    let [first, second, third] = three();
    let stack = ServiceBuilder::new().layer(first).layer(second).layer(third).layer(grpc::lift());
    let svc: Breaker<Breaker<Breaker<_, _>, _>, _> = fits(stack.service(channel(address)));
    assert_eq!(EchoClient::new(svc).say(say("hello")).await.expect("an answer").into_inner().text, "hello");

    let [first, second, third] =
        circuits.each_ref().map(|circuit| BreakerLayer::new(circuit).classify(http::ByStatus));
    let app = Router::new().route("/", get(async || "fast")).layer(http::guard((first, second, third)));
    let answer =
        reqwest_client().get(format!("http://{}/", serve(app).await)).send().await.expect("an answer");
    assert_eq!(answer.text().await.expect("a body"), "fast");
}

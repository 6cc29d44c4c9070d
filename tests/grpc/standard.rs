//! The standard stack around tonic's channel, as it is written in the docs of `stack`.

use crate::{
    echo::echo_client::EchoClient,
    tonic::{Said, Scripted, say, serve},
};
use buttress::{
    Rejected,
    grpc::{self, ServiceConfig},
    http::ReplayBody,
    rejected::Reason,
    stack::{self, ClientLayer, Window},
    telemetry::Event,
};
use http::Uri;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tonic::{
    Code, Status,
    body::Body,
    transport::{Channel, Endpoint},
};
use tower::{Service, ServiceBuilder};

const CONFIG: &str = r#"{"methodConfig": [{"name": [{}], "retryPolicy": {
    "maxAttempts": 3, "initialBackoff": "0.001s", "maxBackoff": "0.001s", "backoffMultiplier": 1,
    "retryableStatusCodes": ["UNAVAILABLE"]}}]}"#;

/// The breaker reads what gRPC says. Waits that are real are short.
fn layer() -> ClientLayer<grpc::ByStatus> {
    let (brief, long) = (Duration::from_millis(1), Duration::from_secs(600));
    stack::client().over_hyper().classify(grpc::ByStatus).total(2 * long).attempt(long).with(|config| {
        (config.retry.backoff, config.retry.max_backoff) = (brief, brief);
        // However slow the machine is.
        config.breaker.window = Window::Calls(100);
        // A shorter one a retry would wait for, as for any hint within its limit.
        config.breaker.open = long;
    })
}

/// The stack in front of a channel: bodies that are kept become tonic's again, and rejections a `Status`.
fn over_channel(
    layer: &ClientLayer<grpc::ByStatus>,
    channel: Channel,
) -> impl Service<
    http::Request<Body>,
    Response = http::Response<
        impl http_body::Body<Data = bytes::Bytes, Error: Into<tower::BoxError> + Send> + Send + use<>,
    >,
    Error = Status,
    Future: Send,
>
+ Clone
+ Send
+ 'static
+ use<> {
    ServiceBuilder::new()
        .layer(layer.clone())
        .map_request(|request: http::Request<ReplayBody<Body>>| request.map(Body::new))
        .layer(grpc::lift())
        .service(channel)
}

/// The authority is of the requests, and so of the client: a channel knows its own only for itself.
fn origin(endpoint: &Endpoint) -> Uri {
    endpoint.uri().clone()
}

#[tokio::test]
async fn a_server_that_errs_twice_answers_the_third_attempt() {
    let server = Scripted::new(|at| if at < 2 { Said::Fails(Code::Unavailable) } else { Said::Well });
    let endpoint = serve(&server).await;
    let config: ServiceConfig = CONFIG.parse().expect("a good config");
    // One retry in a stack: that of the config knows what gRPC's codes mean.
    let attempt = over_channel(&layer().attempts(1), endpoint.connect_lazy());
    let service = ServiceBuilder::new().layer(grpc::calls(&config)).service(attempt);
    let mut client = EchoClient::with_origin(service, origin(&endpoint));
    assert_eq!(client.say(say("hello")).await.expect("an answer").into_inner().text, "hello");
    assert_eq!(server.arrived(), 3);
}

#[tokio::test]
async fn the_circuit_of_a_server_that_fails_opens_and_the_other_server_is_called_on() {
    let (down, up) = (Scripted::new(|_| Said::Fails(Code::Internal)), Scripted::new(|_| Said::Well));
    let (broken, whole) = (serve(&down).await, serve(&up).await);
    let layer = layer();
    let client = |endpoint: &Endpoint| {
        EchoClient::with_origin(over_channel(&layer, endpoint.connect_lazy()), origin(endpoint))
    };
    let mut failing = client(&broken);
    for _ in 0..5 {
        assert_eq!(failing.say(say("x")).await.expect_err("it fails").code(), Code::Internal);
    }
    let refused = failing.say(say("x")).await.expect_err("it is open");
    assert_eq!(refused.code(), Code::Unavailable);
    let why = Rejected::find(&refused).expect("a rejection");
    assert_eq!((why.reason(), why.name()), (Reason::Open, broken.uri().authority().expect("one").as_str()));
    assert_eq!(down.arrived(), 5);
    assert!(client(&whole).say(say("x")).await.is_ok());
    assert_eq!(up.arrived(), 1);
}

/// A call is a `POST`, and sent again by the stack alone only where nothing was sent at all.
#[tokio::test]
async fn where_nobody_listens_a_call_is_tried_again_and_its_authority_pays() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let endpoint = Endpoint::from_shared(format!("http://{}", listener.local_addr().expect("bound")));
    let endpoint = endpoint.expect("a URL");
    drop(listener);
    let retries = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&retries);
    let layer = layer().observe(move |event: &Event<'_>| {
        if matches!(event, Event::Retry { .. }) {
            count.fetch_add(1, Relaxed);
        }
    });
    let mut client =
        EchoClient::with_origin(over_channel(&layer, endpoint.connect_lazy()), origin(&endpoint));
    assert_eq!(client.say(say("x")).await.expect_err("nobody").code(), Code::Unavailable);
    assert_eq!(retries.load(Relaxed), 2);
    let authority = endpoint.uri().authority().expect("one").as_str();
    assert_eq!(layer.budgets().known(authority).expect("by authority").tokens(), Some(8.0));
}

//! A gRPC client that goes by a service config: a server that says when to come again is called again then, and each call
//! tells the next hop how much time is left.
//!
//! Run it with `cargo run --example client_tonic`.

#[path = "support/echo.rs"]
mod echo;

use buttress::{Rejected, grpc, timeout::TimeoutLayer};
use echo::{EchoClient, SayRequest};
use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use tokio::time::Instant;
use tonic::Code;
use tower::ServiceBuilder;

const CONFIG: &str = r#"{
    "methodConfig": [{
        "name": [{"service": "echo.v1.Echo"}],
        "timeout": "0.4s",
        "retryPolicy": {
            "maxAttempts": 3, "initialBackoff": "0.01s", "maxBackoff": "0.1s", "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"]
        }
    }],
    "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1}
}"#;

#[tokio::main]
async fn main() -> Result<(), grpc::ConfigError> {
    let channel = echo::serve(&Arc::new(AtomicBool::new(false))).await;
    let stack = ServiceBuilder::new()
        .layer(grpc::calls(&CONFIG.parse()?))
        .layer(TimeoutLayer::new(Duration::from_secs(3))) // one attempt; never longer than what is left
        .layer(grpc::send_deadline().margin(Duration::from_millis(20)))
        .layer(grpc::lift());
    let mut client = EchoClient::new(stack.service(channel));
    let say = |text: &str| SayRequest { text: text.into() };

    let told = client.say(say("how long?")).await.expect("at once").into_inner().text;
    println!("The server was told that it has {told}: what is left of 400 ms, less 20 for the way back.");
    let left = grpc::parse_timeout(told.as_bytes()).expect("a grpc-timeout");
    assert!(left <= Duration::from_millis(380));

    let start = Instant::now();
    let answer = client.say(say("busy")).await.expect("at the second attempt").into_inner().text;
    let took = start.elapsed();
    println!(
        "\"{answer}\" after {took:.0?}: it asked for 100 ms, and was called again then, not after the backoff."
    );
    assert!(took >= Duration::from_millis(100));

    let start = Instant::now();
    let status = client.say(say("stuck")).await.expect_err("it hangs");
    // Both ends know when; whoever is first says so.
    let (took, ours) = (start.elapsed(), Rejected::find(&status));
    let by = ours.map_or("by the server".to_owned(), |why| format!("{why}, by `{}`", why.name()));
    println!("A call that hangs ends after {took:.0?} as {:?}: {by}.", status.code());
    assert!(
        matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled)
            && took >= Duration::from_millis(370)
    );

    let broken = CONFIG.replace(r#""maxAttempts": 3"#, r#""maxAttempts": 1"#);
    let error = broken.parse::<grpc::ServiceConfig>().expect_err("one is none");
    println!("And a config that is wrong is refused by the path of the field: {error}.");
    assert_eq!(error.path(), "methodConfig[0].retryPolicy.maxAttempts");
    Ok(())
}

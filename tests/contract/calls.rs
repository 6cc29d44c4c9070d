//! Calls by a service config: once, again, and side by side.

use crate::adapters::of_http;
use buttress::{
    grpc::{self, CallsLayer, ServiceConfig},
    lift,
    testing::{Judgeable, Law, Refusal, Subject, deadline_in},
};
use http::{Method, Response};
use std::time::Duration;
use tonic::body::Body;
use tower::{ServiceBuilder, layer::util::Stack};

const LIMIT: Duration = Duration::from_millis(250);

const RETRY: &str = r#", "retryPolicy": {"maxAttempts": 2, "initialBackoff": "0.01s", "maxBackoff": "0.01s",
    "backoffMultiplier": 1, "retryableStatusCodes": ["ABORTED"]}"#;
/// The code of an error that is not ours is named, so that it is no answer.
const AGAIN: &str = r#", "retryPolicy": {"maxAttempts": 2, "initialBackoff": "0.01s", "maxBackoff": "0.01s",
    "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}"#;
const HEDGE: &str = r#", "hedgingPolicy": {"maxAttempts": 2, "hedgingDelay": "9s"}"#;

fn by(config: &str) -> impl Judgeable {
    let config = format!(r#"{{"methodConfig": [{{"name": [{{}}], "timeout": "0.25s"{config}}}]}}"#);
    let config: ServiceConfig = config.parse().expect("a good config");
    let calls: CallsLayer = grpc::calls(&config);
    let layers =
        ServiceBuilder::new().layer(calls).layer(lift()).map_response(|mut response: Response<Body>| {
            response.headers_mut().insert("grpc-status", 0.into());
            response
        });
    of_http!(Method::POST, Body::empty(), layers)
}

fn judge(config: &'static str, subject: fn(Subject) -> Subject) {
    let refuses = Refusal::new(move || Stack::new(by(config), deadline_in(Duration::ZERO)));
    let report =
        subject(Subject::new(move || by(config)).named(config).cuts_after(LIMIT).refuses(refuses)).judge();
    report.assert();
    assert!(
        report.kept().contains(&Law::CutSaysWhy) && report.kept().contains(&Law::DropIsClean),
        "{report}"
    );
}

#[test]
fn calls_that_are_made_once_keep_the_laws() {
    judge("", |subject| subject);
}

#[test]
fn calls_that_may_be_made_again_keep_the_laws() {
    judge(RETRY, |subject| subject);
    judge(AGAIN, Subject::calls_again);
}

#[test]
fn calls_that_may_be_made_side_by_side_keep_the_laws() {
    judge(HEDGE, |subject| subject);
}

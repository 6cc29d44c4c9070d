//! Row 71: keys in gRPC metadata, answers by `grpc-status`.

use super::rig::{Answer, Ledger, layer, post, read, request, secs, serve, settle};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method},
    response::Response,
};
use buttress::{grpc, idempotency::Effects};
use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use std::convert::Infallible;
use tower::ServiceExt as _;

/// One message, and the status behind it; or the status alone, as servers do for errors.
fn answer(status: u8, trailers_only: bool) -> Response {
    if trailers_only {
        let mut response = Response::new(Body::empty());
        response.headers_mut().insert("grpc-status", status.to_string().parse().expect("digits"));
        return response;
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", status.to_string().parse().expect("digits"));
    let frames = [Frame::data(Bytes::from_static(b"\0\0\0\0\x02hi")), Frame::trailers(trailers)];
    Response::new(Body::new(StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>)))))
}

fn server(effects: Effects, status: u8, trailers_only: bool) -> (Router, Ledger) {
    let ledger = Ledger::default();
    let counted = ledger.clone();
    let app = serve(grpc::idempotency(layer(effects)), move |_| {
        counted.effect();
        async move { answer(status, trailers_only) }
    });
    (app, ledger)
}

async fn call(app: &Router, key: &str) -> (Answer, Option<HeaderMap>) {
    let metadata = [("idempotency-key", key), ("content-type", "application/grpc")];
    let response =
        app.clone().oneshot(request(Method::POST, "/orders", &metadata, "msg")).await.expect("an answer");
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("whole");
    let trailers = body.trailers().cloned();
    (read(Response::from_parts(head, Body::from(body.to_bytes()))).await, trailers)
}

#[tokio::test]
async fn row_71_an_answer_is_replayed_with_its_message_and_its_trailers() {
    let (app, ledger) = server(Effects::Keyed, 0, false);
    let (first, trailers) = call(&app, "a1").await;
    let (again, again_trailers) = call(&app, "a1").await;
    assert_eq!(first.body, again.body);
    assert_eq!(trailers.expect("trailers")["grpc-status"], "0");
    assert_eq!(again_trailers.expect("trailers")["grpc-status"], "0");
    assert!(again.is_replay());
    assert_eq!(ledger.effects(), 1);
}

#[tokio::test]
async fn row_71_what_is_stored_is_decided_by_the_status_of_the_call_and_not_by_the_200() {
    for trailers_only in [false, true] {
        for status in 0..=16_u8 {
            for effects in [Effects::Plain, Effects::Keyed] {
                let (app, ledger) = server(effects, status, trailers_only);
                call(&app, "a1").await;
                call(&app, "a1").await;
                let released = match status {
                    7 | 8 | 10 | 16 => true,
                    1 | 2 | 4 | 13 | 14 | 15 => effects == Effects::Keyed,
                    _ => false,
                };
                assert_eq!(
                    ledger.effects(),
                    if released { 2 } else { 1 },
                    "{status} {effects:?} {trailers_only}"
                );
            }
        }
    }
}

#[tokio::test]
async fn row_71_an_answer_without_a_status_has_broken_off() {
    let ledger = Ledger::default();
    let counted = ledger.clone();
    let app = serve(grpc::idempotency(layer(Effects::Plain)), move |_| {
        counted.effect();
        async { Response::new(Body::from("\0\0\0\0\0")) }
    });
    call(&app, "a1").await;
    let (again, _) = call(&app, "a1").await;
    assert_eq!(
        (again.header("grpc-status"), again.header("grpc-retry-pushback-ms")),
        (Some("9"), Some("-1"))
    );
    assert_eq!(ledger.effects(), 1);
}

/// Its status stands behind what is not read; that there is a message says that there was an answer.
#[tokio::test]
async fn row_71_an_answer_over_the_limit_is_done_and_never_runs_again() {
    for effects in [Effects::Plain, Effects::Keyed, Effects::SameTx] {
        let ledger = Ledger::default();
        let counted = ledger.clone();
        let app = serve(grpc::idempotency(layer(effects)).max_response(3), move |_| {
            counted.effect();
            async { answer(0, false) }
        });
        let (first, trailers) = call(&app, "a1").await;
        assert_eq!(
            (first.body.len(), &trailers.expect("trailers")["grpc-status"]),
            (7, &"0".parse().expect("a digit"))
        );
        let (again, _) = call(&app, "a1").await;
        assert_eq!(
            (again.header("grpc-status"), again.header("grpc-message")),
            (Some("9"), Some("the request was processed; its response was too large to be kept"))
        );
        assert_eq!(ledger.effects(), 1, "{effects:?}");
    }
    // What says in its head that it has failed has failed, however long it is.
    let app = serve(grpc::idempotency(layer(Effects::Keyed)).max_response(3), |_| async {
        let mut response = Response::new(Body::from("\0\0\0\0\x02hi"));
        response.headers_mut().insert("grpc-status", "14".parse().expect("digits"));
        response
    });
    call(&app, "a1").await;
    assert_eq!(call(&app, "a1").await.0.header("grpc-status"), Some("14"));
}

#[tokio::test(start_paused = true)]
async fn row_71_refusals_are_trailers_only_with_a_code_and_a_pushback() {
    let (app, _) = server(Effects::Plain, 0, false);
    let (bad, _) = call(&app, "one, two").await;
    assert_eq!((bad.status, bad.header("grpc-status"), bad.body.len()), (200, Some("3"), 0));
    call(&app, "a1").await;
    assert_eq!(post(&app, "a1", "another").await.header("grpc-status"), Some("9"));

    let slow = serve(grpc::idempotency(layer(Effects::Plain)), |_| async {
        tokio::time::sleep(secs(60)).await;
        answer(0, false)
    });
    let first = tokio::spawn({
        let slow = slow.clone();
        async move { call(&slow, "a1").await }
    });
    settle().await;
    let (busy, _) = call(&slow, "a1").await;
    assert_eq!(
        (busy.header("grpc-status"), busy.header("grpc-retry-pushback-ms")),
        (Some("10"), Some("10000"))
    );
    first.abort();
}

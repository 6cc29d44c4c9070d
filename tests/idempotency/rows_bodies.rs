//! Rows 49 to 58: bodies of requests and of answers.

use super::rig::{Heard, Ledger, answering, layer, orders, plain, post, read, request, secs, send, serve};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    response::{IntoResponse as _, Response},
};
use buttress::idempotency::Effects;
use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use std::io;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::Instant,
};
use tower::ServiceExt as _;

fn pieces(pieces: Vec<Result<Frame<Bytes>, io::Error>>) -> Body {
    Body::new(StreamBody::new(stream::iter(pieces)))
}

fn data(text: &'static str) -> Result<Frame<Bytes>, io::Error> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

#[tokio::test]
async fn row_49_a_body_over_the_limit_is_413_before_any_claim_and_never_unprotected() {
    let layer = plain().max_request(10);
    let store = layer.keeper().store().clone();
    let (app, ledger) = orders(layer);
    let keyed = |body: Body| request(Method::POST, "/orders", &[("idempotency-key", "a1")], body);
    // Known by its length, and found out while it is read.
    for body in [Body::from("0123456789a"), pieces(vec![data("012345"), data("6789a")])] {
        assert_eq!(send(&app, keyed(body)).await.status, 413);
    }
    assert_eq!((ledger.effects(), store.records.len()), (0, 0));
    assert_eq!(send(&app, keyed(Body::from("0123456789"))).await.status, 201);
    // Without a key nothing is read, and nothing limited.
    let long = request(Method::POST, "/orders", &[], Body::from("0123456789a"));
    assert_eq!(send(&app, long).await.status, 201);

    let (app, _) = orders(plain());
    let mib =
        |more: usize| request(Method::POST, "/", &[("idempotency-key", "a2")], vec![b'x'; (1 << 20) + more]);
    assert_eq!(send(&app, mib(1)).await.status, 413);
    assert_eq!(send(&app, mib(0)).await.status, 201);
}

#[tokio::test]
async fn row_50_a_body_in_pieces_is_the_same_body() {
    let ledger = Ledger::default();
    let counted = ledger.clone();
    let app = serve(plain(), move |request: axum::extract::Request| {
        counted.effect();
        async move {
            let body = request.into_body().collect().await.expect("whole").to_bytes();
            body.into_response()
        }
    });
    let keyed = |body: Body| request(Method::POST, "/", &[("idempotency-key", "a1")], body);
    let first = send(&app, keyed(pieces(vec![data("ab"), data(""), data("cd")]))).await;
    assert_eq!(first.text(), "abcd", "the handler reads all of it");
    assert!(send(&app, keyed(Body::from("abcd"))).await.is_replay());
    assert_eq!(ledger.effects(), 1);
}

#[tokio::test]
async fn row_51_a_body_that_breaks_off_is_400_and_claims_nothing() {
    let layer = plain();
    let store = layer.keeper().store().clone();
    let (app, ledger) = orders(layer);
    let torn = pieces(vec![data("ab"), Err(io::Error::other("gone"))]);
    let answer = send(&app, request(Method::POST, "/", &[("idempotency-key", "a1")], torn)).await;
    assert_eq!((answer.status, ledger.effects(), store.records.len()), (400, 0, 0));
    assert_eq!(post(&app, "a1", "ab").await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn row_52_nothing_is_claimed_before_the_body_is_complete() {
    let layer = plain();
    let store = layer.keeper().store().clone();
    let (app, ledger) = orders(layer);
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    let body = Body::new(StreamBody::new(stream::once(async move {
        told.await.expect("told");
        data("late")
    })));
    let keyed = request(Method::POST, "/", &[("idempotency-key", "a1"), ("expect", "100-continue")], body);
    let task = tokio::spawn(app.oneshot(keyed));
    super::rig::settle().await;
    assert_eq!((ledger.effects(), store.records.len()), (0, 0));
    tell.send(()).expect("it waits");
    assert_eq!(read(task.await.expect("no panic").expect("an answer")).await.status, 201);
}

#[tokio::test]
async fn row_53_an_answer_in_pieces_with_trailers_is_stored_whole_before_it_is_sent() {
    let (app, _) = answering(plain(), || {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", "42".parse().expect("a value"));
        Response::new(pieces(vec![data("ab"), data("cd"), Ok(Frame::trailers(trailers))]))
    });
    let app = &app;
    let ask = async || {
        let keyed = request(Method::POST, "/", &[("idempotency-key", "a1")], "");
        let answer = app.clone().oneshot(keyed).await.expect("an answer");
        let replayed = answer.headers().contains_key("idempotency-replayed");
        let body = answer.into_body().collect().await.expect("whole");
        let trailer = body.trailers().map(|trailers| trailers["x-sum"].clone());
        (replayed, trailer, body.to_bytes())
    };
    assert_eq!(ask().await, (false, Some("42".parse().expect("a value")), "abcd".into()));
    assert_eq!(ask().await, (true, Some("42".parse().expect("a value")), "abcd".into()));
}

/// hyper sends none behind a length, and none that were not announced.
#[tokio::test]
async fn row_53_trailers_arrive_over_http_1_the_first_time_and_again() {
    let (app, ledger) = answering(plain(), || {
        let trailers =
            HeaderMap::from_iter([(HeaderName::from_static("x-sum"), HeaderValue::from_static("42"))]);
        let mut answer = Response::new(pieces(vec![data("abcd"), Ok(Frame::trailers(trailers))]));
        answer.headers_mut().insert("trailer", HeaderValue::from_static("x-sum"));
        answer
    });
    for _ in 0..2 {
        let (mut ours, theirs) = tokio::io::duplex(4096);
        let served = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(theirs), TowerToHyperService::new(app.clone()));
        let ask = async {
            ours.write_all(
                b"POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\nx-tenant: t\r\nidempotency-key: a1\r\n\
                connection: close\r\ncontent-length: 0\r\n\r\n",
            )
            .await
            .expect("there is room");
            let mut answer = String::new();
            ours.read_to_string(&mut answer).await.expect("text");
            answer
        };
        let (served, answer) = tokio::join!(served, ask);
        served.expect("a whole exchange");
        assert!(answer.ends_with("4\r\nabcd\r\n0\r\nx-sum: 42\r\n\r\n"), "{answer}");
    }
    assert_eq!(ledger.effects(), 1);
}

#[tokio::test]
async fn row_53_what_announces_trailers_is_not_kept_without_them() {
    let (app, _) = answering(plain(), || ([("trailer", "x-sum")], "abcd").into_response());
    post(&app, "a1", "1").await;
    assert_eq!(post(&app, "a1", "1").await.header("trailer"), None);
}

#[tokio::test(start_paused = true)]
async fn row_53_events_are_passed_on_as_they_come_and_are_not_kept() {
    for media_type in ["text/event-stream", "Text/Event-Stream; charset=utf-8"] {
        let (app, ledger) = answering(plain(), move || {
            let events = stream::unfold((), async |()| {
                tokio::time::sleep(secs(1)).await;
                Some((data("data: tick\n\n"), ()))
            });
            ([("content-type", media_type)], Body::new(StreamBody::new(events))).into_response()
        });
        let ask = || app.clone().oneshot(request(Method::POST, "/", &[("idempotency-key", "a1")], ""));
        let began = Instant::now();
        let mut body = ask().await.expect("an answer").into_body();
        assert_eq!(began.elapsed(), secs(0), "the head is not held back");
        for _ in 0..3 {
            body.frame().await.expect("endless").expect("an event");
        }
        assert_eq!(began.elapsed(), secs(3));
        let again = read(ask().await.expect("an answer")).await;
        assert_eq!((again.status, ledger.effects()), (409, 1));
    }
}

#[tokio::test]
async fn row_54_of_an_answer_too_large_it_is_kept_that_it_was_given() {
    for lengths in [vec!["0123456789a"], vec!["01234", "56789", "abc", "def"]] {
        let (whole, ledger) = (lengths.concat(), Ledger::default());
        let counted = ledger.clone();
        let app = serve(plain().max_response(10), move |_| {
            counted.effect();
            let body = if lengths.len() == 1 {
                Body::from(lengths[0])
            } else {
                pieces(lengths.iter().map(|text| data(text)).collect())
            };
            async move { Response::new(body) }
        });
        assert_eq!(post(&app, "a1", "1").await.text(), whole, "the first caller gets all of it");
        let again = post(&app, "a1", "1").await;
        assert_eq!((again.status, ledger.effects()), (409, 1), "and nothing runs again");
        assert!(again.text().contains("too large to be kept"), "{}", again.text());
        assert_eq!(again.header("x-should-retry"), Some("false"));
        assert_eq!(post(&app, "a1", "2").await.status, 422);
    }
    let (app, _) = answering(plain().max_response(10), || "0123456789".into_response());
    post(&app, "a1", "1").await;
    assert!(post(&app, "a1", "1").await.is_replay());
}

#[tokio::test]
async fn row_54_a_stream_without_end_is_passed_on_and_counts_as_too_large() {
    let endless = || Response::new(Body::new(StreamBody::new(stream::repeat_with(|| data("tick\n")))));
    let (app, ledger) = answering(plain().max_response(100), endless);
    let keyed = request(Method::POST, "/", &[("idempotency-key", "a1")], "");
    let mut body = app.clone().oneshot(keyed).await.expect("an answer").into_body();
    for _ in 0..100 {
        let frame = body.frame().await.expect("endless").expect("no error");
        assert_eq!(frame.into_data().expect("data"), "tick\n");
    }
    drop(body);
    assert_eq!(post(&app, "a1", "").await.status, 422, "another path");
    assert_eq!(send(&app, request(Method::POST, "/", &[("idempotency-key", "a1")], "")).await.status, 409);
    assert_eq!(ledger.effects(), 1);
}

#[tokio::test]
async fn row_55_an_answer_that_breaks_off_breaks_off_for_its_caller_and_is_never_replayed() {
    for (effects, status) in [(Effects::Plain, Some(409)), (Effects::Keyed, None)] {
        let torn = || Response::new(pieces(vec![data("ab"), Err(io::Error::other("torn"))]));
        let (app, ledger) = answering(layer(effects), torn);
        let ask = || app.clone().oneshot(request(Method::POST, "/", &[("idempotency-key", "a1")], ""));
        let answer = ask().await.expect("a head");
        assert_eq!(answer.status(), StatusCode::OK);
        let mut body = answer.into_body();
        assert_eq!(body.frame().await.expect("a frame").expect("data").into_data().expect("data"), "ab");
        assert!(body.frame().await.expect("a frame").is_err());
        let again = ask().await.expect("a head");
        if let Some(status) = status {
            assert_eq!((again.status().as_u16(), ledger.effects()), (status, 1));
        } else {
            assert_eq!(ledger.effects(), 2);
        }
    }
}

#[tokio::test]
async fn row_56_what_is_stored_is_what_came_from_inside_and_that_it_is_compressed_is_told() {
    let heard = Heard::default();
    let (app, _) = answering(plain().observe(heard.ears()), || {
        ([("content-encoding", "gzip")], "zipped").into_response()
    });
    for _ in 0..2 {
        let answer = post(&app, "a1", "1").await;
        assert_eq!((answer.header("content-encoding"), answer.text()), (Some("gzip"), "zipped"));
    }
    assert_eq!(heard.take(), ["encoded", "stored", "replayed"]);
}

#[tokio::test]
async fn row_57_and_58_a_replay_asks_neither_what_is_accepted_nor_for_conditions() {
    let (app, ledger) = answering(plain(), || ([("etag", "\"1\""), ("vary", "accept")], "x").into_response());
    post(&app, "a1", "1").await;
    let other = [("idempotency-key", "a1"), ("accept", "text/csv"), ("if-none-match", "\"1\"")];
    let again = send(&app, request(Method::POST, "/orders", &other, "1")).await;
    assert_eq!((again.status, again.is_replay(), again.header("vary")), (200, true, Some("accept")));
    assert_eq!(ledger.effects(), 1);
}

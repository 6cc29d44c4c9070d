//! Rows 20 to 26: what is stored, and what comes back.

use super::rig::{Heard, answering, layer, orders, plain, post, request, secs, send};
use axum::{
    body::Body,
    http::{HeaderName, Method, StatusCode},
    response::{IntoResponse as _, Response},
};
use buttress::{
    Rejected,
    idempotency::{Effects, Outcome},
    rejected::Reason,
};

const ALL: [Effects; 3] = [Effects::Plain, Effects::Keyed, Effects::SameTx];

#[tokio::test]
async fn row_20_a_finished_request_is_answered_as_it_was_byte_for_byte() {
    let (app, ledger) = answering(plain(), || {
        let mut response = Response::new(Body::from((0..=255_u8).collect::<Vec<_>>()));
        *response.status_mut() = StatusCode::ACCEPTED;
        for (name, value) in [("x-many", "1"), ("x-many", "2"), ("location", "/orders/7"), ("etag", "\"v\"")]
        {
            response.headers_mut().append(HeaderName::from_static(name), value.parse().expect("a value"));
        }
        response
    });
    let first = post(&app, "a1", "1").await;
    for _ in 0..3 {
        let mut again = post(&app, "a1", "1").await;
        assert_eq!(again.headers.remove("idempotency-replayed").expect("marked"), "true");
        assert!(again.headers.remove("idempotency-original-date").is_some());
        assert_eq!(again, first);
    }
    assert_eq!(first.headers.get_all("x-many").iter().count(), 2);
    assert_eq!(ledger.effects(), 1);
}

#[tokio::test]
async fn row_21_headers_of_one_moment_or_one_connection_are_not_kept() {
    let once = [
        ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("set-cookie", "session=secret"),
        ("server-timing", "db;dur=53"),
        ("connection", "close, x-hop"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("traceparent", "00-1-2-3"),
        ("x-request-id", "r1"),
        ("age", "3"),
        ("alt-svc", "h3"),
        ("x-mine", "dropped"),
    ];
    let kept = [
        ("content-type", "text/x"),
        ("location", "/1"),
        ("retry-after", "3"),
        ("etag", "\"1\""),
        ("x-id", "9"),
    ];
    let answer = move || {
        let mut response = "x".into_response();
        for (name, value) in once.into_iter().chain(kept) {
            response.headers_mut().insert(HeaderName::from_static(name), value.parse().expect("a value"));
        }
        response
    };
    let layer = plain().drop_headers([HeaderName::from_static("x-mine")]);
    let (app, _) = answering(layer.clone(), answer);
    let (first, again) = (post(&app, "a1", "1").await, post(&app, "a1", "1").await);
    for (name, value) in once {
        assert_eq!(first.header(name), Some(value), "the first answer is as it came");
        assert_eq!(again.header(name), None, "{name}");
    }
    for (name, value) in kept {
        assert_eq!(again.header(name), Some(value));
    }
    let (app, _) = answering(layer.keep_headers([HeaderName::from_static("date")]), answer);
    post(&app, "a2", "1").await;
    assert_eq!(post(&app, "a2", "1").await.header("date"), Some(once[0].1));
}

#[tokio::test]
async fn row_22_a_replay_is_marked_and_says_when_it_was_made() {
    let (app, _) = orders(plain());
    let first = post(&app, "a1", "1").await;
    assert!(first.header("idempotency-replayed").is_none() && first.header("idempotency-key").is_none());
    let again = post(&app, "a1", "1").await;
    assert!(again.is_replay());
    assert!(again.header("idempotency-original-date").is_some_and(|date| date.ends_with(" GMT")));
    assert_eq!(again.header("idempotency-key"), None, "keys are not said back unasked");

    let (app, _) = orders(plain().marker(HeaderName::from_static("idempotent-replayed")).echo_key());
    assert_eq!(post(&app, "\"a b\"", "1").await.header("idempotency-key"), Some("\"a b\""));
    let again = post(&app, "\"a b\"", "1").await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("idempotency-key"), Some("\"a b\""));
}

#[tokio::test]
async fn row_23_a_refusal_is_an_answer_but_for_those_that_say_that_nothing_was_begun() {
    for effects in ALL {
        for status in [400, 402, 404, 405, 406, 410, 411, 412, 413, 415, 416, 422, 424, 431, 451] {
            let status = StatusCode::from_u16(status).expect("a status");
            let (app, ledger) = answering(layer(effects), move || status.into_response());
            assert_eq!(post(&app, "a1", "1").await.status, status.as_u16());
            assert!(post(&app, "a1", "1").await.is_replay(), "{status}");
            assert_eq!(ledger.effects(), 1, "{status}");
        }
        for status in [401, 403, 407, 408, 409, 421, 425, 429] {
            let status = StatusCode::from_u16(status).expect("a status");
            let (app, ledger) = answering(layer(effects), move || status.into_response());
            for _ in 0..2 {
                assert_eq!(post(&app, "a1", "1").await.status, status.as_u16());
            }
            assert_eq!(ledger.effects(), 2, "{status} releases the key");
        }
    }
}

#[tokio::test]
async fn row_23_the_handler_knows_better_than_its_status() {
    let say = |outcome, status| {
        answering(layer(Effects::Keyed), move || (axum::Extension(outcome), status).into_response())
    };
    let (app, ledger) = say(Outcome::Final, StatusCode::TOO_MANY_REQUESTS);
    post(&app, "a1", "1").await;
    assert!(post(&app, "a1", "1").await.is_replay());
    assert_eq!(ledger.effects(), 1);

    let (app, ledger) = say(Outcome::NotStarted, StatusCode::BAD_REQUEST);
    post(&app, "a1", "1").await;
    assert!(!post(&app, "a1", "1").await.is_replay());
    assert_eq!(ledger.effects(), 2);

    let (app, ledger) = say(Outcome::Unknown, StatusCode::OK);
    assert_eq!(post(&app, "a1", "1").await.status, 200);
    assert_eq!(post(&app, "a1", "1").await.status, 409);
    assert_eq!(ledger.effects(), 1);
}

#[tokio::test]
async fn row_24_a_5xx_of_a_plain_handler_is_replayed_and_of_one_that_can_run_again_is_run_again() {
    for status in [500, 501, 502, 503, 504, 599] {
        let status = StatusCode::from_u16(status).expect("a status");
        for (effects, runs) in [(Effects::Plain, 1), (Effects::Keyed, 2), (Effects::SameTx, 2)] {
            let (app, ledger) = answering(layer(effects), move || status.into_response());
            assert_eq!(post(&app, "a1", "1").await.status, status.as_u16());
            let again = post(&app, "a1", "1").await;
            assert_eq!((again.status, again.is_replay()), (status.as_u16(), effects == Effects::Plain));
            assert_eq!(ledger.effects(), runs, "{effects:?} {status}");
        }
    }
}

#[tokio::test]
async fn row_24_a_rejection_that_reached_nothing_releases_the_key_whatever_the_effects() {
    for effects in ALL {
        for (reached, runs) in [(false, 2), (true, if effects == Effects::Plain { 1 } else { 2 })] {
            let (app, ledger) = answering(layer(effects), move || {
                let rejected = Rejected::new(Reason::Open, "cards", reached);
                (axum::Extension(rejected), StatusCode::SERVICE_UNAVAILABLE).into_response()
            });
            for _ in 0..2 {
                assert_eq!(post(&app, "a1", "1").await.status, 503);
            }
            assert_eq!(ledger.effects(), runs, "{effects:?}, reached: {reached}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn row_24_a_timeout_of_ours_inside_that_never_reached_the_handler_releases_the_key() {
    use axum::{Router, routing};
    use buttress::{http, timeout::TimeoutLayer};
    use tower::ServiceBuilder;
    // Behind a handler that never answers, a timeout that was reached: plain stores the 504. Behind a bulkhead that is full,
    // nothing was reached.
    let slots = buttress::bulkhead::Slots::new("cards", 1);
    let stack = ServiceBuilder::new()
        .layer(plain())
        .layer(http::guard((TimeoutLayer::new(secs(3)), buttress::bulkhead::BulkheadLayer::new(&slots))));
    let app: Router =
        Router::new().route("/orders", routing::post(std::future::pending::<&str>)).layer(stack);
    let held = slots.try_acquire().expect("free");
    for _ in 0..2 {
        let answer = post(&app, "a1", "1").await;
        assert_eq!((answer.status, answer.is_replay()), (503, false));
    }
    drop(held);
    assert_eq!(post(&app, "a1", "1").await.status, 504);
    assert!(
        post(&app, "a1", "1").await.is_replay(),
        "it was reached: what happened is not known to have not happened"
    );
}

#[tokio::test]
async fn row_25_what_a_layer_outside_refuses_claims_nothing() {
    let layer = plain();
    let store = layer.keeper().store().clone();
    let (app, _) = orders(layer);
    let slots = buttress::bulkhead::Slots::new("door", 1);
    let app = app.layer(buttress::http::guard(buttress::bulkhead::BulkheadLayer::new(&slots)));
    let held = slots.try_acquire().expect("free");
    assert_eq!(post(&app, "a1", "1").await.status, 503);
    assert!(store.records.is_empty());
    drop(held);
    assert_eq!(post(&app, "a1", "1").await.status, 201);
}

#[tokio::test]
async fn row_26_a_redirect_is_an_answer_and_an_upgrade_is_passed_on_and_not_kept() {
    for status in [301, 302, 303, 307, 308] {
        let status = StatusCode::from_u16(status).expect("a status");
        let (app, ledger) = answering(plain(), move || (status, [("location", "/new")], "").into_response());
        post(&app, "a1", "1").await;
        let again = post(&app, "a1", "1").await;
        assert_eq!((again.status, again.header("location")), (status.as_u16(), Some("/new")));
        assert_eq!(ledger.effects(), 1);
    }
    let heard = Heard::default();
    let (app, ledger) =
        answering(plain().observe(heard.ears()), || StatusCode::SWITCHING_PROTOCOLS.into_response());
    for _ in 0..2 {
        let upgrade = request(Method::POST, "/socket", &[("idempotency-key", "a1")], "");
        assert_eq!(send(&app, upgrade).await.status, 101);
    }
    assert_eq!(ledger.effects(), 2);
    assert_eq!(heard.take(), ["released", "released"]);
}

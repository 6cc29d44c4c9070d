//! Everything that can be wrong with a request or a setting: refused or taken as the nearest, and nothing panics.

use super::rig::{Ledger, answering, layer, orders, plain, post, request, secs, send};
use axum::{
    http::{HeaderValue, Method, StatusCode},
    response::IntoResponse as _,
};
use buttress::idempotency::{Effects, Quota};
use std::time::Duration;

#[tokio::test]
async fn bad_keys_are_400_and_nothing_runs() {
    let (app, ledger) = orders(plain());
    let ten_thousand = "k".repeat(10_000);
    let keys: [&[u8]; 12] = [
        b"",
        b" ",
        b"\"\"",
        b"\"half",
        b"\"a\" b",
        b"a b",
        b"a,b",
        ten_thousand.as_bytes(),
        b"\xff\xfe",
        b"schl\xc3\xbcssel",
        b"\"a\\\"",
        b"a\tb",
    ];
    for key in keys {
        let mut bad = request(Method::POST, "/orders", &[], "1");
        bad.headers_mut().insert("idempotency-key", HeaderValue::from_bytes(key).expect("a header"));
        let answer = send(&app, bad).await;
        assert_eq!(answer.status, 400, "{key:?}");
        let document = answer.text();
        assert!(
            document.starts_with('{') && document.ends_with('}') && document.contains("\"status\":400"),
            "{document}"
        );
    }
    let repeated = [("idempotency-key", "a1"), ("idempotency-key", "a2")];
    assert_eq!(send(&app, request(Method::POST, "/orders", &repeated, "1")).await.status, 400);
    assert_eq!(ledger.effects(), 0);
}

#[tokio::test(start_paused = true)]
async fn settings_of_zero_and_of_max_are_settings_that_work() {
    for time in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        for count in [0, 1, usize::MAX] {
            let layer = layer(Effects::Plain)
                .lease(time)
                .ttl(time)
                .parked_ttl(time)
                .claim_within(time)
                .finish_within(time)
                .wait(time)
                .max_waiting(count, count)
                .max_running(count)
                .max_request(count)
                .max_response(count)
                .name("")
                .namespace("")
                .problem_base("\"\\ ")
                .described_by("\n")
                .quota(Quota { records: u64::MAX, bytes: u64::MAX });
            let (app, ledger) = orders(layer);
            let body = if count == 0 { "" } else { "1" };
            let answer = post(&app, "a1", body).await;
            assert_eq!((answer.status, ledger.effects()), (201, 1), "{time:?} {count}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_odd_reused_status_and_an_odd_retry_after_stay_in_bounds() {
    let (app, _) = super::rig::slow(plain().lease(Duration::MAX), secs(9));
    let _first = super::rig::begin(&app, "a1").await;
    assert_eq!(post(&app, "a1", "1").await.header("retry-after"), Some("10"));
    let (app, _) = orders(plain().reused_status(StatusCode::OK));
    post(&app, "a1", "1").await;
    assert_eq!(post(&app, "a1", "2").await.status, 422);
}

#[tokio::test]
async fn an_answer_of_a_thousand_headers_comes_back() {
    let (app, _) = answering(plain(), || {
        let mut response = "x".into_response();
        for number in 0..1_000 {
            response.headers_mut().append("x-many", HeaderValue::from(number));
        }
        response
    });
    post(&app, "a1", "1").await;
    let again = post(&app, "a1", "1").await;
    let values: Vec<_> = again.headers.get_all("x-many").iter().cloned().collect();
    assert_eq!(values, (0..1_000).map(HeaderValue::from).collect::<Vec<_>>());
    drop(Ledger::default());
}

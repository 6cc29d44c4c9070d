//! What clients in the field do: raw keys of many shapes, their own retries, headers that change, bodies as forms.

use super::rig::{Answer, Ledger, begin, layer, orders, plain, request, secs, send, serve, settle, slow};
use axum::{
    Router,
    http::{Method, StatusCode},
    response::IntoResponse as _,
};
use buttress::idempotency::Effects;
use tokio::time::sleep;

/// A client as payment SDKs are: sends again after 409 and 5xx, as it is told to or after half a second; never after 422, and never
/// where it is told not to. Some of its headers change from attempt to attempt.
async fn client(app: &Router, key: &str, body: &'static str, attempts: u32) -> (Answer, u32) {
    let mut attempt = 0;
    loop {
        let count = attempt.to_string();
        let telemetry = format!("{{\"last_request_metrics\":{{\"request_duration_ms\":{attempt}}}}}");
        let headers = [
            ("idempotency-key", key),
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-stainless-retry-count", &count),
            ("x-stripe-client-telemetry", &telemetry),
            ("user-agent", "sdk/1.2"),
        ];
        let answer = send(app, request(Method::POST, "/v1/charges", &headers, body)).await;
        attempt += 1;
        let again = match answer.header("x-should-retry") {
            Some(word) => word == "true",
            None => answer.status == 409 || answer.status >= 500,
        };
        if !again || attempt == attempts {
            return (answer, attempt);
        }
        let wait = answer.header("retry-after").and_then(|wait| wait.parse().ok()).unwrap_or(1);
        sleep(secs(wait)).await;
    }
}

const FORM: &str = "amount=2000&currency=eur&source=tok_visa&metadata[order]=7";

#[tokio::test(start_paused = true)]
async fn keys_of_every_shape_in_the_field_are_taken_as_they_come() {
    for key in [
        "stripe-node-retry-7f3c5a52-8f0b-4e57-9f0c-5f3b2a1d0c9e",
        "stainless-python-retry-7f3c5a52-8f0b-4e57-9f0c-5f3b2a1d0c9e",
        // Sixteen random bytes in the shape of a UUID, without the bits of a version.
        "a1b2c3d4-e5f6-0718-293a-4b5c6d7e8f90",
        "KG5LxwFBepaKHyUD",
        "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
        "2026-11-21T10:00:00Z/order:7",
    ] {
        let (app, ledger) = orders(plain());
        for _ in 0..2 {
            let (answer, attempts) = client(&app, key, FORM, 3).await;
            assert_eq!((answer.status, attempts), (201, 1), "{key}");
        }
        assert_eq!(ledger.effects(), 1, "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_retries_409_gets_the_answer_of_the_first() {
    let (app, ledger) = slow(plain().lease(secs(6)), secs(8));
    let (first, second) = tokio::join!(client(&app, "k", FORM, 9), client(&app, "k", FORM, 9));
    assert_eq!((first.0.status, second.0.status), (200, 200));
    assert_eq!(first.0.text(), second.0.text());
    assert!(first.1 + second.1 > 2, "one of them came again");
    assert_eq!(ledger.effects(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_retries_5xx_gets_it_replayed_or_run_again_by_the_effects() {
    for (effects, effects_made, status) in [(Effects::Plain, 1, 500), (Effects::Keyed, 3, 201)] {
        let ledger = Ledger::default();
        let counted = ledger.clone();
        let app = serve(layer(effects), move |_| {
            let attempt = counted.effect();
            let status = if attempt < 3 { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::CREATED };
            async move { status.into_response() }
        });
        let (answer, _) = client(&app, "k", FORM, 5).await;
        assert_eq!((answer.status, ledger.effects()), (status, effects_made), "{effects:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_does_not_come_again_after_422_nor_where_nobody_knows() {
    let (app, _) = orders(plain());
    client(&app, "k", FORM, 3).await;
    let (answer, attempts) = client(&app, "k", "amount=9999", 3).await;
    assert_eq!((answer.status, attempts), (422, 1));

    let app = serve(plain(), |_| async {
        (axum::Extension(buttress::idempotency::Outcome::Unknown), "?").into_response()
    });
    client(&app, "k", FORM, 1).await;
    let (answer, attempts) = client(&app, "k", FORM, 5).await;
    assert_eq!((answer.status, attempts), (409, 1), "told not to, although it retries 409");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_lost_the_answer_gets_it_again() {
    let (app, ledger) = slow(plain(), secs(2));
    begin(&app, "k").await.abort();
    sleep(secs(3)).await;
    settle().await;
    let answer = super::rig::post(&app, "k", "1").await;
    assert!(answer.is_replay());
    assert_eq!(ledger.effects(), 1);
}

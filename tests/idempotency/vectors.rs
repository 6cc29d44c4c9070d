//! A feature description of the IETF draft of the `Idempotency-Key` header, row by row.

use super::rig::{orders, plain, post, request, secs, send, slow};
use axum::http::Method;

#[tokio::test]
async fn id_01_without_a_key_where_one_is_required_or_with_what_is_none_it_is_400() {
    let (app, ledger) = orders(plain().required());
    assert_eq!(send(&app, request(Method::POST, "/orders", &[], "1")).await.status, 400);
    for key in ["", &"k".repeat(256), "one,two", "one, two"] {
        let answer = post(&app, key, "1").await;
        assert_eq!((answer.status, answer.header("content-type")), (400, Some("application/problem+json")));
    }
    assert_eq!(ledger.effects(), 0);
}

#[tokio::test]
async fn id_02_the_first_runs_and_leaves_one_record() {
    let layer = plain();
    let store = layer.keeper().store().clone();
    let (app, ledger) = orders(layer);
    let answer = post(&app, "a1", "1").await;
    assert_eq!((answer.status, ledger.effects(), store.records.len()), (201, 1, 1));
}

#[tokio::test]
async fn id_03_the_same_again_is_the_same_answer_and_still_one_order_and_one_record() {
    let layer = plain();
    let store = layer.keeper().store().clone();
    let (app, ledger) = orders(layer);
    post(&app, "a1", "1").await;
    for _ in 0..3 {
        let again = post(&app, "a1", "1").await;
        assert_eq!((again.status, again.text(), again.is_replay()), (201, "order 1", true));
    }
    assert_eq!((ledger.effects(), store.records.len()), (1, 1));
}

#[tokio::test]
async fn id_04_the_same_key_with_another_body_is_422() {
    let (app, ledger) = orders(plain());
    post(&app, "a1", "1").await;
    assert_eq!((post(&app, "a1", "2").await.status, ledger.effects()), (422, 1));
}

#[tokio::test(start_paused = true)]
async fn id_05_the_same_key_while_the_first_runs_is_409() {
    let (app, ledger) = slow(plain(), secs(5));
    let first = super::rig::begin(&app, "a1").await;
    assert_eq!(post(&app, "a1", "1").await.status, 409);
    assert_eq!((first.await.expect("no panic").status, ledger.effects()), (200, 1));
}

#[tokio::test]
async fn id_07_get_put_and_delete_pass_by_patch_is_protected_and_a_body_may_be_empty() {
    let (app, ledger) = orders(plain());
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        for _ in 0..2 {
            let answer =
                send(&app, request(method.clone(), "/orders", &[("idempotency-key", "a1")], "")).await;
            assert!(!answer.is_replay());
        }
    }
    assert_eq!(ledger.effects(), 6);
    for replayed in [false, true] {
        let patch = request(Method::PATCH, "/orders", &[("idempotency-key", "a1")], "");
        assert_eq!(send(&app, patch).await.is_replay(), replayed);
    }
    assert_eq!(ledger.effects(), 7);
}

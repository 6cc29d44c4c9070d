//! Rows 42 to 48: the store in trouble, and how long it remembers.

use super::rig::{Heard, begin, layer, orders, plain, post, request, secs, send, settle, slow};
use axum::http::Method;
use buttress::idempotency::{Effects, KeyStore as _};
use std::{sync::atomic::Ordering::SeqCst, time::Duration};
use tokio::time::{Instant, advance, sleep};

#[tokio::test(start_paused = true)]
async fn row_42_with_the_store_down_a_key_is_refused_and_a_request_without_one_runs() {
    let heard = Heard::default();
    let layer = plain().observe(heard.ears());
    layer.keeper().store().switch.claims_down.store(true, SeqCst);
    let (app, ledger) = orders(layer);
    let answer = post(&app, "a1", "1").await;
    assert_eq!((answer.status, answer.header("retry-after"), ledger.effects()), (503, Some("1"), 0));
    assert!(answer.text().contains("cannot be checked"), "{}", answer.text());
    assert_eq!(send(&app, request(Method::POST, "/orders", &[], "1")).await.status, 201);
    assert_eq!(heard.take(), ["store_down", "bypassed"]);
}

#[tokio::test(start_paused = true)]
async fn row_42_a_route_may_run_unprotected_then_and_it_is_counted() {
    let heard = Heard::default();
    let layer = plain().fail_open().observe(heard.ears());
    let store = layer.keeper().store().clone();
    store.switch.claims_down.store(true, SeqCst);
    let (app, ledger) = orders(layer);
    for _ in 0..2 {
        assert_eq!(post(&app, "a1", "1").await.status, 201);
    }
    assert_eq!((ledger.effects(), heard.take()), (2, vec!["failed_open", "failed_open"]));
}

#[tokio::test(start_paused = true)]
async fn row_43_a_claim_takes_a_second_at_most() {
    for (layer, limit) in
        [(plain(), secs(1)), (plain().claim_within(Duration::from_millis(200)), Duration::from_millis(200))]
    {
        layer.keeper().store().switch.claims_take(secs(10));
        let (app, ledger) = orders(layer);
        let started = Instant::now();
        assert_eq!(post(&app, "a1", "1").await.status, 503);
        assert_eq!((started.elapsed(), ledger.effects()), (limit, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn row_44_an_answer_is_kept_for_its_time_from_the_end_on_and_so_is_the_mismatch() {
    let (app, ledger) = slow(plain().ttl(secs(100)), secs(50));
    post(&app, "a1", "1").await;
    advance(secs(99)).await;
    assert!(post(&app, "a1", "1").await.is_replay());
    assert_eq!(post(&app, "a1", "2").await.status, 422);
    advance(secs(1)).await;
    assert!(!post(&app, "a1", "1").await.is_replay());
    assert_eq!(ledger.effects(), 2);
    // A day, where nothing else is said.
    let (app, _) = orders(plain());
    post(&app, "a1", "1").await;
    advance(secs(86_399)).await;
    assert!(post(&app, "a1", "1").await.is_replay());
    advance(secs(1)).await;
    assert!(!post(&app, "a1", "1").await.is_replay());
}

#[tokio::test]
async fn row_44_who_has_to_know_is_told_how_long_keys_are_kept() {
    let ms = Duration::from_millis;
    for (ttl, told) in
        [(None, "24 h"), (Some(secs(7_200)), "2 h"), (Some(ms(90_500)), "90 s"), (Some(ms(20)), "20 ms")]
    {
        let layer = plain().required();
        let (app, _) = orders(ttl.map_or_else(|| layer.clone(), |ttl| layer.clone().ttl(ttl)));
        post(&app, "a1", "1").await;
        let reused = post(&app, "a1", "2").await;
        let missing = send(&app, request(Method::POST, "/orders", &[], "1")).await;
        for (answer, status) in [(reused, 422), (missing, 400)] {
            assert_eq!(answer.status, status);
            assert!(answer.text().ends_with(&format!("; keys are kept for {told}\"}}")), "{}", answer.text());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn row_45_a_key_that_has_expired_is_new_for_any_request() {
    let (app, ledger) = orders(plain().ttl(secs(10)));
    post(&app, "a1", "1").await;
    advance(secs(10)).await;
    assert_eq!(post(&app, "a1", "another").await.text(), "order 2");
    assert_eq!(ledger.effects(), 2);
}

#[tokio::test(start_paused = true)]
async fn row_46_what_runs_does_not_expire_and_is_not_purged() {
    let layer = plain().lease(secs(30)).ttl(secs(1));
    let store = layer.keeper().store().clone();
    let (app, ledger) = slow(layer, secs(300));
    let first = begin(&app, "a1").await;
    for _ in 0..9 {
        sleep(secs(31)).await;
        store.purge(10).await.expect("in memory");
        assert_eq!(post(&app, "a1", "1").await.status, 409);
    }
    assert_eq!(first.await.expect("no panic").status, 200);
    assert_eq!(ledger.effects(), 1);
}

#[tokio::test(start_paused = true)]
async fn row_47_and_48_only_the_stores_clock_counts_and_in_memory_it_never_jumps() {
    // Records know durations; no instant of a node is ever handed to a store. What is left to see: a lease of ten seconds
    // lasts ten seconds of the store's clock, whatever the date.
    let layer = layer(Effects::Keyed).lease(secs(10));
    let store = layer.keeper().store().clone();
    store.switch.renewals_down.store(true, SeqCst);
    let (app, ledger) = slow(layer, secs(60));
    let _first = begin(&app, "a1").await;
    advance(secs(9)).await;
    assert_eq!(post(&app, "a1", "1").await.status, 409);
    advance(secs(1)).await;
    let _second = begin(&app, "a1").await;
    settle().await;
    assert_eq!(ledger.effects(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_purge_every_minute_ends_with_the_layer() {
    let layer = plain().ttl(secs(10)).lease(secs(10));
    let store = layer.keeper().store().clone();
    let purging = tokio::spawn(layer.keeper().purge_every(secs(60)));
    let (app, _) = orders(layer);
    post(&app, "a1", "1").await;
    assert_eq!(store.records.len(), 1);
    sleep(secs(61)).await;
    assert_eq!(store.records.len(), 0);
    drop(app);
    sleep(secs(61)).await;
    assert!(purging.is_finished());
}

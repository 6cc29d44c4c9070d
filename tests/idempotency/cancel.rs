//! A caller that leaves at any await: the operation takes effect at most once, and never stays claimed by nobody.

use super::rig::{Ledger, Store, request, secs, serve, tenant};
use axum::{body::Body, http::Method, response::IntoResponse as _};
use buttress::{
    http::IdempotencyLayer,
    idempotency::{Effects, KeyStore as _},
};
use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use proptest::prelude::*;
use std::{convert::Infallible, time::Duration};
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A body that takes its time.
fn body(pieces: u64) -> Body {
    Body::new(StreamBody::new(stream::unfold(0, move |at| async move {
        if at == pieces {
            return None;
        }
        sleep(ms(7)).await;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"piece"))), at + 1))
    })))
}

/// One key, asked for by callers who leave after so long, then by one who stays.
async fn leave(cuts: Vec<u64>, claims_take: u64, handler_takes: u64, lost: u32) {
    let store = Store::default();
    store.switch.claims_take(ms(claims_take));
    store.switch.lose_claims.store(lost, std::sync::atomic::Ordering::SeqCst);
    let layer = IdempotencyLayer::new(store.clone(), tenant, Effects::Plain);
    let keeper = layer.keeper().clone();
    let ledger = Ledger::default();
    let counted = ledger.clone();
    let app = serve(layer, move |_| {
        let counted = counted.clone();
        async move {
            sleep(ms(handler_takes / 2)).await;
            counted.effect();
            sleep(ms(handler_takes / 2)).await;
            "done".into_response()
        }
    });
    let ask = || app.clone().oneshot(request(Method::POST, "/", &[("idempotency-key", "a1")], body(3)));
    for cut in cuts {
        let _ = timeout(ms(cut), ask()).await;
    }
    // Within a lease, and without one running out, somebody who stays gets the answer.
    let mut answered = None;
    for _ in 0..40 {
        let answer = ask().await.expect("never an error");
        if answer.status() == 200 {
            answered = Some(answer);
            break;
        }
        assert!([409, 503].contains(&answer.status().as_u16()), "{}", answer.status());
        sleep(ms(500)).await;
    }
    assert!(answered.is_some(), "claimed by nobody");
    assert_eq!(ledger.effects(), 1);
    keeper.drain().await;
    assert!(store.parked(None, 9).await.expect("in memory").is_empty(), "nobody is in doubt");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whoever_leaves_whenever_one_effect_and_no_claim_of_nobody(
        cuts in proptest::collection::vec(0_u64..200, 0..8),
        claims_take in 0_u64..40,
        handler_takes in 0_u64..100,
        lost in 0_u32..3,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(leave(cuts, claims_take, handler_takes, lost));
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_during_its_claim_leaves_nothing_claimed() {
    // The body takes 21 ms, the claim 40 more, whose answer comes too late for this caller.
    leave(vec![30], 40, 10, 0).await;
    // For so long that nobody hears it before the next one asks.
    leave(vec![30, 31, 32], 900, 10, 0).await;
}

#[tokio::test(start_paused = true)]
async fn the_drain_waits_for_those_that_find_out_what_they_claimed() {
    let store = Store::default();
    store.switch.claims_take(secs(20));
    let layer = IdempotencyLayer::new(store.clone(), tenant, Effects::Plain);
    let keeper = layer.keeper().clone();
    let app = serve(layer, |_| async { "never".into_response() });
    let call = tokio::spawn(app.oneshot(request(Method::POST, "/", &[("idempotency-key", "a1")], "1")));
    sleep(ms(10)).await;
    call.abort();
    sleep(ms(10)).await;
    assert_eq!(keeper.running(), 1);
    assert!(timeout(secs(10), keeper.drain()).await.is_err());
    timeout(secs(60), keeper.drain()).await.expect("it gives up with the lease");
}

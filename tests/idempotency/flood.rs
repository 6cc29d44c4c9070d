//! Ten thousand requests whose senders hang up at once: no more run than may, and nothing is left behind.

use super::rig::{Ledger, plain, request, secs, serve, settle};
use axum::{http::Method, response::IntoResponse as _};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};
use tower::ServiceExt as _;

#[tokio::test(start_paused = true)]
async fn ten_thousand_that_send_and_reset_never_run_more_than_may() {
    const MAX: usize = 64;
    let (running, most, ledger) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Ledger::default());
    let layer = plain().max_running(MAX);
    let keeper = layer.keeper().clone();
    let (now, peak, counted) = (Arc::clone(&running), Arc::clone(&most), ledger.clone());
    let app = serve(layer, move |_| {
        peak.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
        counted.effect();
        let now = Arc::clone(&now);
        async move {
            tokio::time::sleep(secs(3)).await;
            now.fetch_sub(1, SeqCst);
            "done".into_response()
        }
    });
    for number in 0..10_000 {
        let key = format!("key {number}").replace(' ', "-");
        let keyed = request(Method::POST, "/orders", &[("idempotency-key", &key)], "1");
        let call = tokio::spawn(app.clone().oneshot(keyed));
        // Some hang up before their request was looked at, some after.
        for _ in 0..number % 7 {
            tokio::task::yield_now().await;
        }
        call.abort();
        if number % 100 == 0 {
            tokio::time::sleep(secs(1)).await;
        }
    }
    assert!(keeper.running() <= MAX);
    keeper.drain().await;
    settle().await;
    assert_eq!(most.load(SeqCst), MAX, "the bound was reached, and kept");
    assert_eq!((running.load(SeqCst), keeper.running()), (0, 0));
    assert!(ledger.effects() > MAX as u32);
}

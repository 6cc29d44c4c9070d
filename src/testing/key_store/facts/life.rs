//! How long records live.

use super::super::stage::{Stage, answer, fresh};
use crate::idempotency::{Attempt, Claim, Ending, Fingerprint, KeyStore, Lost, OnLeaseOver, Terms};

/// However long it ran.
pub async fn the_time_to_live_counts_from_the_end<S: KeyStore>(stage: &Stage<S>) {
    let id = fresh();
    let terms = Terms::new(stage.lease(), stage.units(6), OnLeaseOver::Takeover);
    let attempt = || Attempt::new(Fingerprint::of(["short"]), terms);
    let (hold, _) = stage.won(id, attempt()).await;
    for _ in 0..4 {
        stage.wait(2).await;
        stage.store().renew(hold, stage.lease()).await.expect("it is ours");
    }
    stage
        .store()
        .finish(hold, Ending::Done(answer("after eight")), stage.units(6))
        .await
        .expect("it is ours");
    stage.wait(4).await;
    assert!(matches!(stage.claim(id, attempt()).await, Claim::Done(_)));
    // A replay does not make it live longer.
    stage.wait(3).await;
    stage.won(id, attempt()).await;
}

/// Its time to live is shorter than its lease, and a purge comes by.
pub async fn a_record_that_runs_never_expires<S: KeyStore>(stage: &Stage<S>) {
    let id = fresh();
    let terms = Terms::new(stage.units(20), stage.units(1), OnLeaseOver::Takeover);
    let (hold, _) = stage.won(id, Attempt::new(Fingerprint::of(["the usual"]), terms)).await;
    stage.wait(5).await;
    stage.store().purge(1_000).await.expect("the store answers");
    assert!(matches!(stage.claim(id, stage.attempt()).await, Claim::Busy { .. }));
    stage.done(hold, "long").await;
    assert!(matches!(stage.claim(id, stage.attempt()).await, Claim::Done(_)));
}

/// By any request; and whoever ran it before is fenced.
pub async fn what_has_expired_is_a_new_operation<S: KeyStore>(stage: &Stage<S>) {
    for ending in [Ending::Done(answer("old")), Ending::Released, Ending::Unknown] {
        let id = fresh();
        let (old, _) = stage.won(id, stage.attempt()).await;
        stage.store().finish(old, ending, stage.units(1)).await.expect("it is ours");
        stage.wait(2).await;
        let (new, _) = stage.won(id, stage.another()).await;
        assert!(new.token > old.token, "it is still there, and goes on counting");
        let said = stage.store().finish(old, Ending::Done(answer("zombie")), stage.units(9)).await;
        assert!(matches!(said, Err(Lost::Fenced)), "{said:?}");
        stage.done(new, "new").await;
    }
    // Left by its owner, and asked for after that.
    let id = fresh();
    let terms = Terms::new(stage.units(1), stage.units(1), OnLeaseOver::Park);
    stage.won(id, Attempt::new(Fingerprint::of(["the usual"]), terms)).await;
    stage.wait(3).await;
    stage.won(id, stage.another()).await;
}

/// A lease behind the end of its life; and at most so many at once.
pub async fn a_purge_takes_what_has_expired_and_only_that<S: KeyStore>(stage: &Stage<S>) {
    let store = stage.store();
    let mut expired = Vec::new();
    for _ in 0..5 {
        let (hold, _) = stage.won(fresh(), stage.attempt()).await;
        store.finish(hold, Ending::Done(answer("short")), stage.units(1)).await.expect("it is ours");
        expired.push(hold);
    }
    let (kept, _) = stage.won(fresh(), stage.attempt()).await;
    stage.done(kept, "long").await;
    let long = Terms::new(stage.units(60), stage.units(1_000), OnLeaseOver::Takeover);
    let (running, _) = stage.won(fresh(), Attempt { terms: long, ..stage.attempt() }).await;
    let (unknown, _) = stage.won(fresh(), stage.attempt()).await;
    stage.end(unknown, Ending::Unknown).await;

    stage.wait(7).await;
    assert!(store.purge(2).await.expect("the store answers") <= 2);
    // Others may stand in the same store.
    while store.purge(1_000).await.expect("the store answers") > 0 {}
    for hold in expired {
        let said = store.renew(hold, stage.lease()).await;
        assert!(matches!(said, Err(Lost::Gone)), "{said:?}");
    }
    assert!(matches!(stage.claim(kept.id, stage.attempt()).await, Claim::Done(_)));
    assert!(matches!(stage.claim(running.id, stage.attempt()).await, Claim::Busy { .. }));
    assert!(matches!(stage.claim(unknown.id, stage.attempt()).await, Claim::Unknown));
}

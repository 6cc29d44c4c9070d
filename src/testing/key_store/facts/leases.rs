//! Who owns a record for how long.

use super::super::stage::{Stage, answer, fresh};
use crate::idempotency::{Claim, Ending, KeyStore, Lost, Recovery};

/// Its lease ran out, somebody took over, and now it comes back: nothing that it says counts, and nothing of it is seen.
pub async fn a_late_owner_is_fenced<S: KeyStore>(stage: &Stage<S>) {
    let id = fresh();
    let (late, _) = stage.won(id, stage.attempt()).await;
    stage.wait(5).await;
    let (heir, _) = stage.won(id, stage.attempt()).await;
    assert!(heir.token > late.token);
    let (store, ttl) = (stage.store(), stage.units(1_000));
    for ending in [Ending::Done(answer("late")), Ending::Released, Ending::Unknown] {
        let said = store.finish(late, ending, ttl).await;
        assert!(matches!(said, Err(Lost::Fenced)), "{said:?}");
    }
    assert!(matches!(store.renew(late, stage.lease()).await, Err(Lost::Fenced)));
    assert!(matches!(store.set_recovery(late, Recovery::new("late", [])).await, Err(Lost::Fenced)));
    assert!(matches!(stage.claim(id, stage.attempt()).await, Claim::Busy { .. }));
    stage.done(heir, "of the heir").await;
    assert!(matches!(store.finish(late, Ending::Done(answer("late")), ttl).await, Err(Lost::Fenced)));
    match stage.claim(id, stage.attempt()).await {
        Claim::Done(stored) => assert_eq!(stored, answer("of the heir")),
        other => panic!("{other:?}"),
    }
}

/// Over many leases; and a renewal by less leaves it as it was.
pub async fn a_renewed_lease_holds_and_is_never_shortened<S: KeyStore>(stage: &Stage<S>) {
    let id = fresh();
    let (hold, _) = stage.won(id, stage.attempt()).await;
    for _ in 0..4 {
        stage.wait(2).await;
        stage.store().renew(hold, stage.lease()).await.expect("it is ours");
        assert!(matches!(stage.claim(id, stage.attempt()).await, Claim::Busy { .. }));
    }
    stage.store().renew(hold, stage.units(1)).await.expect("it is ours");
    stage.wait(2).await;
    assert!(matches!(stage.claim(id, stage.attempt()).await, Claim::Busy { .. }));
    stage.done(hold, "at last").await;
}

/// Late, but nobody came: it may go on, and end it.
pub async fn a_lease_that_nobody_took_is_still_the_owners<S: KeyStore>(stage: &Stage<S>) {
    let (hold, _) = stage.won(fresh(), stage.attempt()).await;
    stage.wait(5).await;
    stage.done(hold, "late").await;

    let id = fresh();
    let (hold, _) = stage.won(id, stage.attempt()).await;
    stage.wait(5).await;
    stage.store().renew(hold, stage.lease()).await.expect("nobody else has it");
    assert!(matches!(stage.claim(id, stage.attempt()).await, Claim::Busy { .. }));
}

/// The lease counts from the claim that was heard.
pub async fn a_claim_again_is_a_sign_of_life<S: KeyStore>(stage: &Stage<S>) {
    let (id, attempt) = (fresh(), stage.attempt());
    stage.won(id, attempt).await;
    stage.wait(3).await;
    let (hold, _) = stage.won(id, attempt).await;
    stage.wait(2).await;
    assert!(matches!(stage.claim(id, stage.attempt()).await, Claim::Busy { .. }));
    stage.done(hold, "heard at last").await;
}

/// Over releases and takeovers.
pub async fn the_token_grows_with_every_attempt<S: KeyStore>(stage: &Stage<S>) {
    let id = fresh();
    let mut last = 0;
    for round in 0..6 {
        let (hold, _) = stage.won(id, stage.attempt()).await;
        assert!(hold.token > last, "round {round}: {} after {last}", hold.token);
        last = hold.token;
        if round % 2 == 0 {
            stage.end(hold, Ending::Released).await;
        } else {
            stage.wait(5).await;
        }
    }
}

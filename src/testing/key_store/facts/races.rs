//! Many at once.

use super::super::stage::{Stage, answer, fresh};
use crate::idempotency::{Attempt, Claim, Ending, Hold, KeyStore, Lost, RecordId};
use std::sync::Arc;
use tokio::sync::Barrier;

const RUNNERS: usize = 16;
const ROUNDS: usize = 25;

/// All of them at once; how many have won, and who.
async fn race<S: KeyStore>(stage: &Stage<S>, id: RecordId, attempt: impl Fn() -> Attempt) -> Vec<Hold> {
    let start = Arc::new(Barrier::new(RUNNERS));
    let runners: Vec<_> = (0..RUNNERS)
        .map(|_| {
            let (store, start, attempt) = (Arc::clone(stage.store()), Arc::clone(&start), attempt());
            tokio::spawn(async move {
                start.wait().await;
                (attempt.nonce, store.claim(id, attempt).await.expect("the store answers"))
            })
        })
        .collect();
    let mut won = Vec::new();
    for runner in runners {
        match runner.await.expect("no panic") {
            (nonce, Claim::Mine { token, .. }) => won.push(Hold { id, token, nonce }),
            (_, Claim::Busy { .. }) => {}
            (_, other) => panic!("one runs it, and another was told {other:?}"),
        }
    }
    won
}

/// Of a new key.
pub async fn one_of_many_claims_wins<S: KeyStore>(stage: &Stage<S>) {
    for round in 0..ROUNDS {
        let won = race(stage, fresh(), || stage.attempt()).await;
        assert_eq!(won.len(), 1, "round {round}: {won:?}");
    }
}

/// From an owner whose lease is over.
pub async fn one_of_many_takes_over<S: KeyStore>(stage: &Stage<S>) {
    let ids: Vec<_> = (0..ROUNDS).map(|_| fresh()).collect();
    let mut late = Vec::new();
    for id in &ids {
        late.push(stage.won(*id, stage.attempt()).await.0);
    }
    stage.wait(5).await;
    for (id, late) in ids.into_iter().zip(late) {
        let won = race(stage, id, || stage.attempt()).await;
        assert_eq!(won.len(), 1, "{won:?}");
        assert!(won[0].token > late.token);
        let said = stage.store().finish(late, Ending::Done(answer("late")), stage.units(9)).await;
        assert!(matches!(said, Err(Lost::Fenced)), "{said:?}");
    }
}

/// Of a key whose record has expired.
pub async fn one_of_many_begins_a_new_life<S: KeyStore>(stage: &Stage<S>) {
    let ids: Vec<_> = (0..ROUNDS).map(|_| fresh()).collect();
    for id in &ids {
        let (hold, _) = stage.won(*id, stage.attempt()).await;
        let done = Ending::Done(answer("old"));
        stage.store().finish(hold, done, stage.units(1)).await.expect("it is ours");
    }
    stage.wait(2).await;
    for id in ids {
        let won = race(stage, id, || stage.attempt()).await;
        assert_eq!(won.len(), 1, "{won:?}");
    }
}

/// The lease is over, and both come at the same instant: one of them settles it, or takes it, and never both.
pub async fn one_of_an_owner_and_an_heir_settles<S: KeyStore>(stage: &Stage<S>) {
    let mut holds = Vec::new();
    for _ in 0..ROUNDS {
        holds.push(stage.won(fresh(), stage.attempt()).await.0);
    }
    stage.wait(5).await;
    for owner in holds {
        let start = Arc::new(Barrier::new(2));
        let (store, begin, ttl) = (Arc::clone(stage.store()), Arc::clone(&start), stage.units(1_000));
        let ended = tokio::spawn(async move {
            begin.wait().await;
            store.finish(owner, Ending::Done(answer("of the owner")), ttl).await
        });
        let (store, attempt) = (Arc::clone(stage.store()), stage.attempt());
        let taken = tokio::spawn(async move {
            start.wait().await;
            store.claim(owner.id, attempt).await.expect("the store answers")
        });
        match (ended.await.expect("no panic"), taken.await.expect("no panic")) {
            (Ok(()), Claim::Done(stored)) => assert_eq!(stored, answer("of the owner")),
            (Err(Lost::Fenced), Claim::Mine { token, .. }) => assert!(token > owner.token),
            other => panic!("both or neither: {other:?}"),
        }
    }
}

/// All of them, however many, and none before its time; each sees the answer.
pub async fn whoever_waits_is_woken_by_the_end<S: KeyStore>(stage: &Stage<S>) {
    let id = fresh();
    let (hold, _) = stage.won(id, stage.attempt()).await;
    let waiters: Vec<_> = (0..RUNNERS)
        .map(|_| {
            let (store, attempt) = (Arc::clone(stage.store()), stage.attempt());
            tokio::spawn(async move {
                loop {
                    store.changed(id).await;
                    match store.claim(id, attempt).await.expect("the store answers") {
                        Claim::Busy { .. } => {}
                        claim => return claim,
                    }
                }
            })
        })
        .collect();
    stage.wait(1).await;
    assert!(waiters.iter().all(|waiter| !waiter.is_finished()), "it still runs");
    stage.done(hold, "at last").await;
    for waiter in waiters {
        let claim = waiter.await.expect("no panic");
        assert!(matches!(&claim, Claim::Done(stored) if *stored == answer("at last")), "{claim:?}");
    }
}

/// Done, released, or never begun.
pub async fn nobody_waits_for_what_does_not_run<S: KeyStore>(stage: &Stage<S>) {
    let id = fresh();
    stage.store().changed(id).await;
    let (hold, _) = stage.won(id, stage.attempt()).await;
    stage.end(hold, Ending::Released).await;
    stage.store().changed(id).await;
}

//! What the stores' own tests share.

use buttress::{
    idempotency::{
        Attempt, Body, Claim, Fingerprint, Hold, KeyStore, OnLeaseOver, RecordId, Scope, Stored, Terms,
    },
    key::Key,
};
use std::time::{Duration, SystemTime};

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn fresh() -> RecordId {
    RecordId::new(Scope::new("stores", Key::random().as_str()), &Key::random())
}

pub(crate) fn attempt() -> Attempt {
    leased(Duration::from_secs(30))
}

pub(crate) fn leased(lease: Duration) -> Attempt {
    Attempt::new(Fingerprint::of(["the usual"]), Terms::new(lease, DAY, OnLeaseOver::Takeover))
}

pub(crate) fn answer(body: &[u8]) -> Stored {
    Stored::encode(201, SystemTime::UNIX_EPOCH, [("", ""); 0], Body::Kept(body), [("", ""); 0])
}

/// A claim that has to be won.
pub(crate) async fn won(store: &impl KeyStore, id: RecordId, attempt: Attempt) -> Hold {
    match store.claim(id, attempt).await.expect("the store answers") {
        Claim::Mine { token, .. } => Hold { id, token, nonce: attempt.nonce },
        other => panic!("should be ours to run, and is {other:?}"),
    }
}

/// Each round 16 tasks claim one record at once: one of them wins, and nobody else is told that it did.
pub(crate) async fn one_winner_a_round<S: KeyStore + Clone>(stores: &[S], rounds: u32) {
    for round in 0..rounds {
        let id = fresh();
        let tasks: Vec<_> = (0..16)
            .map(|task| {
                let store = stores[task % stores.len()].clone();
                tokio::spawn(async move { store.claim(id, attempt()).await })
            })
            .collect();
        let mut winners = 0;
        for task in tasks {
            match task.await.expect("no panic").expect("the store answers") {
                Claim::Mine { token: 1, .. } => winners += 1,
                Claim::Busy { .. } => {}
                other => panic!("round {round}: {other:?}"),
            }
        }
        assert_eq!(winners, 1, "round {round}");
    }
}

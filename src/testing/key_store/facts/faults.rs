//! The same over a network that loses requests and answers.

use super::super::{
    Faults, Faulty,
    stage::{Stage, answer, fresh},
};
use crate::{
    idempotency::{Attempt, Claim, Ending, Hold, KeyStore, Lost, OnLeaseOver, RecordId, Stored, Terms},
    window::Ratio,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

const CLIENTS: u32 = 8;
const OPERATIONS: u32 = 12;

/// Whoever asks again with the same after trouble finds what it has done. Every operation takes effect once, and all who ask
/// are told the same.
pub async fn lost_answers_change_nothing<S: KeyStore>(stage: &Stage<S>) {
    let faults = Faults::seeded(1).lost_requests(Ratio::percent(20)).lost_answers(Ratio::percent(20));
    one_effect_each(stage, faults).await;
}

/// The same where every step may take as long as a lease.
pub async fn late_answers_change_nothing<S: KeyStore>(stage: &Stage<S>) {
    let faults = Faults::seeded(2)
        .lost_requests(Ratio::percent(10))
        .lost_answers(Ratio::percent(10))
        .delay(stage.units(1) / 4);
    one_effect_each(stage, faults).await;
}

async fn one_effect_each<S: KeyStore>(stage: &Stage<S>, faults: Faults) {
    let store = Arc::new(Faulty::new(Arc::clone(stage.store()), faults));
    for operation in 0..OPERATIONS {
        let (id, effects) = (fresh(), Arc::new(AtomicU32::new(0)));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (store, effects) = (Arc::clone(&store), Arc::clone(&effects));
                // A lease that outlives all trouble: takeovers are looked at elsewhere.
                let terms = Terms::new(stage.units(400), stage.units(1_000), OnLeaseOver::Park);
                let attempt = Attempt { terms, ..stage.attempt() };
                let what = format!("{operation} by {client}");
                tokio::spawn(ask(store, id, attempt, effects, what, stage.units(1_000), stage.units(1) / 10))
            })
            .collect();
        let mut answers = Vec::new();
        for client in clients {
            answers.push(client.await.expect("no panic"));
        }
        assert_eq!(effects.load(Ordering::SeqCst), 1, "operation {operation}");
        assert!(answers.iter().all(|answer| *answer == answers[0]), "all are told the same");
    }
}

/// A client that asks until it has an answer, and runs the operation where it is told to.
async fn ask<S: KeyStore>(
    store: Arc<Faulty<Arc<S>>>,
    id: RecordId,
    attempt: Attempt,
    effects: Arc<AtomicU32>,
    what: String,
    ttl: Duration,
    pause: Duration,
) -> Stored {
    loop {
        match store.claim(id, attempt).await {
            Ok(Claim::Mine { token, .. }) => {
                let hold = Hold { id, token, nonce: attempt.nonce };
                let at = effects.fetch_add(1, Ordering::SeqCst);
                assert_eq!(at, 0, "the operation runs twice");
                let stored = answer(&what);
                until_told(|| store.finish(hold, Ending::Done(stored.clone()), ttl), pause).await;
                return stored;
            }
            Ok(Claim::Done(stored)) => return stored,
            Ok(Claim::Busy { .. }) | Err(_) => tokio::time::sleep(pause).await,
            Ok(other) => panic!("{other:?}"),
        }
    }
}

async fn until_told<F: Future<Output = Result<(), Lost>>>(step: impl Fn() -> F, pause: Duration) {
    loop {
        match step().await {
            Ok(()) => return,
            Err(Lost::Store(_)) => tokio::time::sleep(pause).await,
            Err(lost) => panic!("nobody else owns it: {lost:?}"),
        }
    }
}

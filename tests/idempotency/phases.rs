//! What a handler can do with the operation that it runs: phases, child keys, an end in its own transaction.

use super::rig::{Ledger, Store, layer, post, secs, serve};
use axum::{
    body::Body,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use buttress::{
    http::{IdempotencyLayer, Idempotent, idempotency::CallError},
    idempotency::{
        Attempt, Claim, Effects, Ending, Hold, InTx, KeyStore, Lost, Parked, PhaseError, RecordId, Recovery,
        Resolution, StoreError,
    },
    key::Key,
    store::memory::MemoryStore,
};
use bytes::Bytes;
use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

fn idem(request: &Request) -> Idempotent {
    request.extensions().get::<Idempotent>().expect("the layer has put it there").clone()
}

#[tokio::test]
async fn a_finished_phase_does_not_run_again_in_the_next_attempt() {
    let (orders, charges) = (Ledger::default(), Ledger::default());
    let (placed, charged) = (orders.clone(), charges.clone());
    let app = serve(layer(Effects::Keyed), move |request| {
        let (idem, placed, charged) = (idem(&request), placed.clone(), charged.clone());
        async move {
            let order = idem.phase("order", async || Ok::<_, Infallible>(vec![placed.effect() as u8])).await;
            let charge =
                async || if charged.effect() == 1 { Err("declined for now") } else { Ok(b"paid".to_vec()) };
            match idem.phase("charge", charge).await {
                Ok(paid) => format!("{:?} {}", order.expect("infallible"), String::from_utf8_lossy(&paid))
                    .into_response(),
                Err(PhaseError::Failed(why)) => (StatusCode::BAD_GATEWAY, why).into_response(),
                Err(other) => panic!("{other:?}"),
            }
        }
    });
    assert_eq!(post(&app, "a1", "1").await.status, 502);
    assert_eq!(post(&app, "a1", "1").await.text(), "[1] paid");
    assert_eq!((orders.effects(), charges.effects()), (1, 2));
    assert!(post(&app, "a1", "1").await.is_replay());
}

#[tokio::test]
async fn child_keys_are_the_same_in_every_attempt_and_one_name_is_one_call() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&seen);
    let app = serve(layer(Effects::Keyed), move |request| {
        let idem = idem(&request);
        note.lock().expect("not poisoned").push((idem.token(), idem.child_key("charge").as_str().to_owned()));
        assert_eq!(idem.call_key("charge").expect("the first"), idem.child_key("charge"));
        assert!(idem.call_key("charge").is_err() && idem.call_key(("charge", 1)).is_ok());
        async { StatusCode::SERVICE_UNAVAILABLE.into_response() }
    });
    for _ in 0..3 {
        post(&app, "a1", "1").await;
    }
    let seen = seen.lock().expect("not poisoned").clone();
    assert_eq!(seen.iter().map(|(token, _)| *token).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(seen.iter().all(|(_, key)| *key == seen[0].1));
}

#[tokio::test]
async fn a_call_carries_the_key_of_its_step_in_every_attempt_and_one_name_is_one_call() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&seen);
    let cards = tower::service_fn(move |request: Request| {
        let key = request.headers()["idempotency-key"].to_str().expect("text").to_owned();
        assert_eq!(request.extensions().get::<Key>().expect("for clients").as_str(), key);
        note.lock().expect("not poisoned").push(key);
        std::future::ready(if request.uri().path() == "/broken" { Err("broken") } else { Ok(()) })
    });
    let app = serve(layer(Effects::Keyed), move |request| {
        let (idem, cards) = (idem(&request), cards.clone());
        let request = |path: &str| Request::post(path).body(Body::empty()).expect("a request");
        async move {
            let ask =
                async |step: (&'static str, u64), path| idem.call(step, cards.clone(), request(path)).await;
            assert_eq!(idem.call("charge", cards.clone(), request("/charges")).await, Ok(()));
            assert_eq!(
                idem.call("charge", cards.clone(), request("/charges")).await,
                Err(CallError::UsedTwice)
            );
            assert_eq!(ask(("line", 1), "/lines").await, Ok(()));
            assert_eq!(ask(("line", 2), "/broken").await, Err(CallError::Failed("broken")));
            let key = idem.child_key("charge").as_str().to_owned();
            (StatusCode::SERVICE_UNAVAILABLE, key).into_response()
        }
    });
    let charge = post(&app, "a1", "1").await.text().to_owned();
    post(&app, "a1", "1").await;
    let seen = seen.lock().expect("not poisoned").clone();
    assert_eq!((seen.len(), &seen[..3]), (6, &seen[3..]));
    assert!(seen[0] == charge && seen[1] != seen[2] && seen[1] != charge);
}

#[tokio::test]
async fn a_secret_makes_child_keys_that_nobody_else_foretells() {
    use buttress::key::Secret;
    let key_of = async |layer: IdempotencyLayer<Store>| {
        let app = serve(layer, |request| {
            let key = idem(&request).child_key("charge").as_str().to_owned();
            async move { key.into_response() }
        });
        post(&app, "a1", "1").await.text().to_owned()
    };
    let plain = key_of(layer(Effects::Keyed)).await;
    let keyed = key_of(layer(Effects::Keyed).secret(Secret::new("hush"))).await;
    assert_ne!(plain, keyed);
    let id =
        RecordId::new(buttress::idempotency::Scope::new("buttress", "t"), &Key::new("a1").expect("a key"));
    assert_eq!(id.children().child("charge").as_str(), plain, "from the record alone");
}

/// A store whose transaction is a list of what it will do when it is committed.
#[derive(Clone, Default)]
struct Ledgered(MemoryStore);

#[derive(Default)]
struct Tx {
    ends: Vec<(Hold, Ending, Duration)>,
    points: Vec<(Hold, Recovery)>,
}

impl Tx {
    async fn commit(self, store: &Ledgered) -> Result<(), Lost> {
        for (hold, recovery) in self.points {
            store.0.set_recovery(hold, recovery).await?;
        }
        for (hold, ending, ttl) in self.ends {
            store.0.finish(hold, ending, ttl).await?;
        }
        Ok(())
    }
}

impl InTx<Tx> for Ledgered {
    async fn finish_in(&self, tx: &mut Tx, hold: Hold, ending: Ending, ttl: Duration) -> Result<(), Lost> {
        tx.ends.push((hold, ending, ttl));
        Ok(())
    }

    async fn set_recovery_in(&self, tx: &mut Tx, hold: Hold, recovery: Recovery) -> Result<(), Lost> {
        tx.points.push((hold, recovery));
        Ok(())
    }
}

impl KeyStore for Ledgered {
    fn claim(
        &self,
        id: RecordId,
        attempt: Attempt,
    ) -> impl Future<Output = Result<Claim, StoreError>> + Send {
        self.0.claim(id, attempt)
    }
    fn renew(&self, hold: Hold, lease: Duration) -> impl Future<Output = Result<(), Lost>> + Send {
        self.0.renew(hold, lease)
    }
    fn finish(
        &self,
        hold: Hold,
        ending: Ending,
        ttl: Duration,
    ) -> impl Future<Output = Result<(), Lost>> + Send {
        self.0.finish(hold, ending, ttl)
    }
    fn set_recovery(&self, hold: Hold, recovery: Recovery) -> impl Future<Output = Result<(), Lost>> + Send {
        self.0.set_recovery(hold, recovery)
    }
    fn purge(&self, limit: usize) -> impl Future<Output = Result<usize, StoreError>> + Send {
        self.0.purge(limit)
    }
    fn parked(
        &self,
        after: Option<RecordId>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Parked>, StoreError>> + Send {
        self.0.parked(after, limit)
    }
    fn resolve(
        &self,
        id: RecordId,
        token: u64,
        to: Resolution,
        ttl: Duration,
    ) -> impl Future<Output = Result<(), Lost>> + Send {
        self.0.resolve(id, token, to, ttl)
    }
}

#[tokio::test]
async fn an_end_in_the_handlers_transaction_is_the_end() {
    for commits in [true, false] {
        let (store, ledger) = (Ledgered::default(), Ledger::default());
        let (records, counted) = (store.clone(), ledger.clone());
        let layer = IdempotencyLayer::new(store, super::rig::tenant, Effects::SameTx).ttl(secs(60));
        let app = serve(layer, move |request| {
            let (idem, store, number) = (idem(&request), records.clone(), counted.effect());
            async move {
                let mut tx = Tx::default();
                idem.phase_in(&store, &mut tx, "order", b"7").await.expect("ours");
                let answer = Response::new(Bytes::from(format!("order {number}")));
                let answer = idem.finish_in(&store, &mut tx, answer).await.expect("ours");
                if commits {
                    tx.commit(&store).await.expect("ours");
                    answer.map(Body::from)
                } else {
                    StatusCode::INTERNAL_SERVER_ERROR.into_response()
                }
            }
        });
        let first = post(&app, "a1", "1").await;
        assert_eq!(first.status, if commits { 200 } else { 500 });
        let again = post(&app, "a1", "1").await;
        assert_eq!(again.is_replay(), commits);
        if commits {
            assert_eq!(again.text(), "order 1");
        }
        assert_eq!(ledger.effects(), if commits { 1 } else { 2 });
    }
}

#[tokio::test]
async fn what_is_answered_instead_of_an_end_that_was_rolled_back_is_the_end() {
    for (instead, effects) in [(400, Effects::SameTx), (400, Effects::Plain), (500, Effects::Plain)] {
        let (store, ledger) = (Ledgered::default(), Ledger::default());
        let (records, counted) = (store.clone(), ledger.clone());
        let app = serve(IdempotencyLayer::new(store, super::rig::tenant, effects), move |request| {
            let (idem, store) = (idem(&request), records.clone());
            counted.effect();
            async move {
                let order = Response::new(Bytes::from_static(b"order 1"));
                idem.finish_in(&store, &mut Tx::default(), order).await.expect("ours");
                let mut answer = "the order was not placed".into_response();
                *answer.status_mut() = StatusCode::from_u16(instead).expect("a status");
                answer
            }
        });
        for _ in 0..2 {
            let answer = post(&app, "a1", "1").await;
            assert_eq!((answer.status, answer.text()), (instead, "the order was not placed"));
        }
        assert_eq!(ledger.effects(), 1);
    }
}

#[tokio::test]
async fn what_is_answered_instead_of_an_end_that_was_committed_changes_nothing() {
    let (store, ledger) = (Ledgered::default(), Ledger::default());
    let (records, counted) = (store.clone(), ledger.clone());
    let app = serve(IdempotencyLayer::new(store, super::rig::tenant, Effects::SameTx), move |request| {
        let (idem, store) = (idem(&request), records.clone());
        counted.effect();
        async move {
            let mut tx = Tx::default();
            idem.finish_in(&store, &mut tx, Response::new(Bytes::from_static(b"order 1")))
                .await
                .expect("ours");
            tx.commit(&store).await.expect("ours");
            "something else".into_response()
        }
    });
    assert_eq!(post(&app, "a1", "1").await.text(), "something else");
    let again = post(&app, "a1", "1").await;
    assert_eq!((again.text(), again.is_replay(), ledger.effects()), ("order 1", true, 1));
}

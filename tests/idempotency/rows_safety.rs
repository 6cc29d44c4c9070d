//! Rows 59 to 72, but for those that have their own places: who sees what, bounds, nodes, versions, shutdown.

use super::rig::{
    Heard, Store, answering, begin, orders, plain, post, request, secs, send, serve, settle, slow, tenant,
};
use axum::{
    Router,
    http::{Method, StatusCode},
    middleware,
    response::IntoResponse as _,
};
use buttress::{
    http::{IdempotencyLayer, idempotency::Seal},
    idempotency::{Claim, Effects, KeyStore as _, Quota, RecordId, Resolution, Scope, Stored},
    key::Key,
    store::memory::MemoryStore,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::time::{advance, timeout};

#[tokio::test]
async fn row_59_who_is_not_let_in_any_more_gets_no_replay() {
    let revoked = Arc::new(AtomicBool::new(false));
    let (app, ledger) = orders(plain());
    let door = Arc::clone(&revoked);
    let app =
        app.layer(middleware::from_fn(move |request: axum::extract::Request, next: middleware::Next| {
            let door = Arc::clone(&door);
            async move {
                if door.load(SeqCst) {
                    StatusCode::UNAUTHORIZED.into_response()
                } else {
                    next.run(request).await
                }
            }
        }));
    post(&app, "a1", "1").await;
    assert!(post(&app, "a1", "1").await.is_replay());
    revoked.store(true, SeqCst);
    assert_eq!(post(&app, "a1", "1").await.status, 401);
    assert_eq!(ledger.effects(), 1);
}

#[tokio::test(start_paused = true)]
async fn row_60_another_tenant_sees_a_fresh_key_in_every_state() {
    let (app, _) = slow(plain(), secs(5));
    let by_two = async |body: &'static str| {
        let headers = [("x-tenant", "two"), ("idempotency-key", "a1")];
        send(&app, request(Method::POST, "/orders", &headers, body)).await
    };
    let _running = begin(&app, "a1").await;
    let second = by_two("other").await;
    assert_eq!((second.status, second.is_replay()), (200, false), "neither 409 nor 422 nor an answer");
    assert!(by_two("other").await.is_replay());
    assert_eq!(by_two("1").await.status, 422, "its own");
}

#[tokio::test]
async fn row_61_and_62_neither_a_store_nor_a_log_nor_a_refusal_sees_the_key() {
    let layer = plain();
    let store = layer.keeper().store().clone();
    let (app, _) = orders(layer.clone());
    let key = "'; DROP TABLE orders; -- secret";
    let quoted = format!("\"{key}\"");
    post(&app, &quoted, "1").await;
    for refused in [post(&app, &quoted, "2").await, post(&app, &quoted[..5], "1").await] {
        assert!(!refused.text().contains("DROP"), "{}", refused.text());
        assert!(!format!("{:?}", refused.headers).contains("DROP"));
    }
    let id = RecordId::new(Scope::new("buttress", "t"), &Key::new(key).expect("a key"));
    assert!(!format!("{id:?} {id} {layer:?} {store:?}", store = store.records).contains("DROP"));
    assert_eq!(id.to_string().len(), 8);
}

struct Xor;

impl Seal for Xor {
    fn seal(&self, answer: &[u8]) -> Vec<u8> {
        answer.iter().map(|byte| byte ^ 0x5A).collect()
    }

    fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        Some(self.seal(sealed))
    }
}

struct Broken;

impl Seal for Broken {
    fn seal(&self, answer: &[u8]) -> Vec<u8> {
        answer.to_vec()
    }

    fn open(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

async fn stored(store: &Store, key: &str) -> Stored {
    use buttress::idempotency::{Attempt, Fingerprint, OnLeaseOver, Terms};
    let id = RecordId::new(Scope::new("buttress", "t"), &Key::new(key).expect("a key"));
    let any = Attempt::new(Fingerprint::ANY, Terms::new(secs(1), secs(1), OnLeaseOver::Park));
    match store.claim(id, any).await {
        Ok(Claim::Done(stored)) => stored,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn row_63_what_is_stored_can_be_sealed_and_a_seal_that_does_not_open_is_no_reason_to_run_again() {
    let layer = plain().seal(Xor);
    let store = layer.keeper().store().clone();
    let (app, _) = answering(layer.clone(), || "card 4242".into_response());
    post(&app, "a1", "1").await;
    let sealed = stored(&store, "a1").await;
    let holds = |needle: &[u8]| sealed.as_bytes().windows(needle.len()).any(|window| window == needle);
    assert!(!holds(b"4242") && sealed.open().is_err());
    let again = post(&app, "a1", "1").await;
    assert_eq!((again.text(), again.is_replay()), ("card 4242", true));

    // Plain records of before are still read; what cannot be opened is refused.
    let (unsealed, ledger) = orders(layer.seal(Broken));
    let refused = post(&unsealed, "a1", "1").await;
    assert_eq!((refused.status, ledger.effects()), (503, 0));
}

#[tokio::test]
async fn row_64_a_tenant_over_its_quota_is_429_and_others_notice_nothing() {
    let heard = Heard::default();
    let (app, ledger) = orders(plain().quota(Quota { records: 2, bytes: u64::MAX }).observe(heard.ears()));
    for key in ["a1", "a2"] {
        assert_eq!(post(&app, key, "1").await.status, 201);
    }
    let over = post(&app, "a3", "1").await;
    assert_eq!((over.status, over.header("retry-after").is_some()), (429, true));
    assert!(post(&app, "a1", "1").await.is_replay());
    let other = [("x-tenant", "other"), ("idempotency-key", "a3")];
    assert_eq!(send(&app, request(Method::POST, "/orders", &other, "1")).await.status, 201);
    assert_eq!(ledger.effects(), 3);
    assert_eq!(heard.take(), ["stored", "stored", "quota", "replayed", "stored"]);
}

#[tokio::test]
async fn row_65_a_full_store_refuses_the_new_and_forgets_nothing() {
    let store = Store { records: MemoryStore::new().max_records(2), ..Store::default() };
    let (app, ledger) = orders(IdempotencyLayer::new(store, tenant, Effects::Plain));
    for key in ["a1", "a2"] {
        assert_eq!(post(&app, key, "1").await.status, 201);
    }
    assert_eq!(post(&app, "a3", "1").await.status, 503);
    for key in ["a1", "a2"] {
        assert!(post(&app, key, "1").await.is_replay());
    }
    assert_eq!(ledger.effects(), 2);
}

#[tokio::test]
async fn row_65_a_full_store_is_no_reason_to_run_unprotected() {
    let store = Store { records: MemoryStore::new().max_records(1), ..Store::default() };
    let (app, ledger) = orders(IdempotencyLayer::new(store, tenant, Effects::Plain).fail_open());
    post(&app, "a1", "1").await;
    assert_eq!((post(&app, "a2", "1").await.status, ledger.effects()), (503, 1));
}

#[tokio::test(start_paused = true)]
async fn row_66_two_nodes_over_one_store_run_it_once() {
    let store = Store::default();
    let node = || slow(IdempotencyLayer::new(store.clone(), tenant, Effects::Plain).wait(secs(10)), secs(2));
    let nodes = [node(), node(), node()];
    let mut asked = Vec::new();
    for (app, _) in nodes.iter().cycle().take(12) {
        asked.push(begin(app, "a1").await);
    }
    for answer in asked {
        assert_eq!(answer.await.expect("no panic").text(), "order 1");
    }
    assert_eq!(nodes.iter().map(|(_, ledger)| ledger.effects()).sum::<u32>(), 1);
}

#[tokio::test]
async fn row_67_a_parked_operation_is_listed_and_settled_by_hand() {
    for done in [true, false] {
        let panics = Arc::new(AtomicBool::new(true));
        let now = Arc::clone(&panics);
        let layer = plain();
        let store = layer.keeper().store().clone();
        let app = serve(layer, move |_| {
            let panics = now.load(SeqCst);
            async move {
                if panics {
                    std::panic::resume_unwind(Box::new("half-way"));
                }
                "the second".into_response()
            }
        });
        let dead = app.clone();
        tokio::spawn(async move { post(&dead, "a1", "1").await }).await.expect_err("it panics");
        assert_eq!(post(&app, "a1", "1").await.status, 409);
        let parked = store.parked(None, 10).await.expect("in memory").remove(0);
        let resolution = if done {
            let body = buttress::idempotency::Body::Kept(b"by hand");
            let none = [("", ""); 0];
            Resolution::Done(Stored::encode(200, std::time::SystemTime::now(), none, body, none))
        } else {
            Resolution::NotDone
        };
        store.resolve(parked.id, parked.token, resolution, secs(60)).await.expect("it is parked");
        panics.store(false, SeqCst);
        let answer = post(&app, "a1", "1").await;
        assert_eq!(
            (answer.text(), answer.is_replay()),
            if done { ("by hand", true) } else { ("the second", false) }
        );
    }
}

#[tokio::test]
async fn row_69_an_answer_in_a_form_of_later_is_refused_and_not_run_again() {
    use buttress::idempotency::{Ending, Fingerprint, Hold};
    let layer = plain();
    let store = layer.keeper().store().clone();
    let (app, ledger) = orders(layer);
    post(&app, "a0", "1").await;
    let id = RecordId::new(Scope::new("buttress", "t"), &Key::new("a1").expect("a key"));
    let terms =
        buttress::idempotency::Terms::new(secs(30), secs(60), buttress::idempotency::OnLeaseOver::Park);
    let attempt = buttress::idempotency::Attempt::new(Fingerprint::ANY, terms);
    let Ok(Claim::Mine { token, .. }) = store.claim(id, attempt).await else { panic!("nobody has it") };
    let hold = Hold { id, token, nonce: attempt.nonce };
    let later = Ending::Done(Stored::from_bytes(vec![2, 1, 2, 3]));
    store.finish(hold, later, secs(60)).await.expect("it is ours");
    assert_eq!((post(&app, "a1", "1").await.status, ledger.effects()), (503, 1));
}

#[tokio::test(start_paused = true)]
async fn row_70_a_shutdown_waits_for_what_runs_and_lets_nothing_begin() {
    let layer = plain();
    let (keeper, store) = (layer.keeper().clone(), layer.keeper().store().clone());
    let (app, ledger) = slow(layer, secs(5));
    begin(&app, "a1").await.abort();
    let drain = keeper.clone();
    let draining = tokio::spawn(async move { drain.drain().await });
    settle().await;
    assert!(!draining.is_finished());
    assert_eq!(post(&app, "a2", "1").await.status, 503);
    assert_eq!(store.records.len(), 1, "refused before any claim");
    advance(secs(5)).await;
    settle().await;
    assert!(draining.is_finished());
    assert_eq!((ledger.effects(), keeper.running()), (1, 0));
    // A drain of nothing is over at once, and one that takes too long can be left.
    timeout(Duration::ZERO, keeper.drain()).await.expect("nothing runs");
}

#[tokio::test]
async fn one_layer_value_has_one_state_on_all_its_routes() {
    use axum::routing;
    let layer = plain().per_operation();
    let ledger = super::rig::Ledger::default();
    let counted = ledger.clone();
    let handler = move || {
        counted.effect();
        async { "x" }
    };
    let app: Router = Router::new()
        .route("/a", routing::post(handler.clone()))
        .route("/b", routing::post(handler))
        .route_layer(layer);
    for path in ["/a", "/b", "/a", "/b"] {
        assert_eq!(
            send(&app, request(Method::POST, path, &[("idempotency-key", "a1")], "1")).await.status,
            200
        );
    }
    assert_eq!(ledger.effects(), 2);
}

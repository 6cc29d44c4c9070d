//! A store that is there and sometimes never answers, which is worse than one that says it is down.

use super::rig::{Ledger, begin, post, secs, serve, settle, tenant};
use axum::response::IntoResponse as _;
use buttress::{
    http::{IdempotencyLayer, Idempotent},
    idempotency::{
        Attempt, Claim, Effects, Ending, Hold, KeyStore, Lost, Parked, PhaseError, RecordId, Recovery,
        Resolution, StoreError, Trouble,
    },
    store::memory::MemoryStore,
};
use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};

/// What becomes of the next step of a kind, and of those after it nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Next {
    Silence,
    SilenceOnceDone,
    Lost,
    Late(Duration),
}

/// Records in memory, where one step of a kind goes wrong.
#[derive(Clone, Default)]
struct Store {
    records: MemoryStore,
    renewal: Arc<Once>,
    end: Arc<Once>,
    point: Arc<Once>,
}

#[derive(Default)]
struct Once {
    asked: AtomicU32,
    next: std::sync::Mutex<Option<Next>>,
}

impl Once {
    fn will(&self, next: Next) {
        *self.next.lock().expect("not poisoned") = Some(next);
    }

    async fn step(&self, step: impl Future<Output = Result<(), Lost>>) -> Result<(), Lost> {
        self.asked.fetch_add(1, SeqCst);
        let next = self.next.lock().expect("not poisoned").take();
        match next {
            None => step.await,
            Some(Next::Silence) => pending().await,
            Some(Next::SilenceOnceDone) => {
                step.await?;
                pending().await
            }
            Some(Next::Lost) => {
                step.await?;
                Err(StoreError::new(Trouble::Unavailable, "lost on the way").into())
            }
            Some(Next::Late(late)) => {
                sleep(late).await;
                step.await
            }
        }
    }
}

impl KeyStore for Store {
    async fn claim(&self, id: RecordId, attempt: Attempt) -> Result<Claim, StoreError> {
        self.records.claim(id, attempt).await
    }

    async fn renew(&self, hold: Hold, lease: Duration) -> Result<(), Lost> {
        self.renewal.step(self.records.renew(hold, lease)).await
    }

    async fn finish(&self, hold: Hold, ending: Ending, ttl: Duration) -> Result<(), Lost> {
        self.end.step(self.records.finish(hold, ending, ttl)).await
    }

    async fn set_recovery(&self, hold: Hold, recovery: Recovery) -> Result<(), Lost> {
        self.point.step(self.records.set_recovery(hold, recovery)).await
    }

    async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        self.records.purge(limit).await
    }

    async fn parked(&self, after: Option<RecordId>, limit: usize) -> Result<Vec<Parked>, StoreError> {
        self.records.parked(after, limit).await
    }

    async fn resolve(&self, id: RecordId, token: u64, to: Resolution, ttl: Duration) -> Result<(), Lost> {
        self.records.resolve(id, token, to, ttl).await
    }
}

#[tokio::test(start_paused = true)]
async fn row_38_a_renewal_that_is_never_answered_is_not_the_last() {
    for next in [Next::Silence, Next::SilenceOnceDone] {
        let (store, ledger) = (Store::default(), Ledger::default());
        store.renewal.will(next);
        let counted = ledger.clone();
        let app =
            serve(IdempotencyLayer::new(store.clone(), tenant, Effects::Keyed).lease(secs(30)), move |_| {
                counted.effect();
                async {
                    sleep(secs(300)).await;
                    "done".into_response()
                }
            });
        let first = begin(&app, "a1").await;
        for _ in 0..29 {
            sleep(secs(10)).await;
            assert_eq!(post(&app, "a1", "1").await.status, 409, "{next:?}: it runs, and nobody takes over");
        }
        assert_eq!(first.await.expect("no panic").text(), "done");
        assert_eq!(ledger.effects(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn row_34_a_caller_that_leaves_while_its_end_is_written_down_leaves_it_written() {
    for stopped_with_it in [false, true] {
        let (store, ledger) = (Store::default(), Ledger::default());
        store.end.will(Next::Late(Duration::from_millis(500)));
        let layer = IdempotencyLayer::new(store.clone(), tenant, Effects::Plain);
        let layer = if stopped_with_it { layer.cancel_with_client() } else { layer };
        let (keeper, counted) = (layer.keeper().clone(), ledger.clone());
        let app = serve(layer, move |_| {
            let number = counted.effect();
            async move {
                sleep(secs(1)).await;
                format!("order {number}").into_response()
            }
        });
        let leaves = begin(&app, "a1").await;
        while store.end.asked.load(SeqCst) == 0 {
            sleep(Duration::from_millis(10)).await;
        }
        leaves.abort();
        settle().await;
        keeper.drain().await;
        assert!(store.parked(None, 9).await.expect("in memory").is_empty());
        let keeper = IdempotencyLayer::new(store, tenant, Effects::Plain);
        let again = post(&serve(keeper, |_| async { "another".into_response() }), "a1", "1").await;
        assert_eq!((again.text(), again.is_replay()), ("order 1", true), "stopped: {stopped_with_it}");
        assert_eq!(ledger.effects(), 1);
    }
}

/// Asks for one phase, and says what came of it, and how long that took.
async fn phase(next: Next) -> (Result<Vec<u8>, String>, Duration) {
    let store = Store::default();
    store.point.will(next);
    let layer = IdempotencyLayer::new(store, tenant, Effects::Keyed).finish_within(secs(2));
    let told = Arc::new(std::sync::Mutex::new(None));
    let note = Arc::clone(&told);
    let app = serve(layer, move |request| {
        let idem = request.extensions().get::<Idempotent>().expect("of the layer").clone();
        let note = Arc::clone(&note);
        async move {
            let began = Instant::now();
            let output = idem.phase("order", async || Ok::<_, Infallible>(b"7".to_vec())).await;
            let output = output.map_err(|error| match error {
                PhaseError::Lost(Lost::Store(error)) => error.trouble().as_str().to_owned(),
                other => format!("{other:?}"),
            });
            *note.lock().expect("not poisoned") = Some((output, began.elapsed()));
            "done".into_response()
        }
    });
    timeout(secs(600), post(&app, "a1", "1")).await.expect("it is not held for ever");
    let told = told.lock().expect("not poisoned").take();
    told.expect("it ran")
}

#[tokio::test(start_paused = true)]
async fn row_40_what_a_phase_gave_is_said_again_where_the_answer_was_lost() {
    let (output, took) = phase(Next::Lost).await;
    assert_eq!(output, Ok(b"7".to_vec()));
    assert!(took < secs(1));
}

#[tokio::test(start_paused = true)]
async fn row_43_a_phase_waits_for_a_silent_store_as_long_as_an_end_may_take() {
    for next in [Next::Silence, Next::SilenceOnceDone] {
        assert_eq!(phase(next).await, (Err("unavailable".to_owned()), secs(2)), "{next:?}");
    }
}

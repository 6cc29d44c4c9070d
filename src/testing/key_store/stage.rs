//! A store, and how long things take on it.

use crate::idempotency::{
    Attempt, Body, Claim, Ending, Fingerprint, Hold, KeyStore, OnLeaseOver, RecordId, Recovery, Scope,
    Stored, Terms,
};
use crate::key::Key;
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

/// A store to be asked, and the unit of its time. See the [module](super).
#[derive(Debug)]
pub struct Stage<S> {
    store: Arc<S>,
    unit: Duration,
}

impl<S: KeyStore> Stage<S> {
    /// `unit`: long against one step of the store. Leases here last four of them. One second for a store on tokio's paused
    /// clock; for one behind a socket 50 milliseconds or more, on a clock that runs.
    pub fn new(store: S, unit: Duration) -> Self {
        Self { store: Arc::new(store), unit }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<S> {
        &self.store
    }

    pub(super) fn units(&self, units: u32) -> Duration {
        self.unit.saturating_mul(units)
    }

    /// Lets time pass: on a paused clock none of the tester's.
    pub(super) async fn wait(&self, units: u32) {
        tokio::time::sleep(self.units(units)).await;
    }

    /// The lease of four units.
    pub(super) fn lease(&self) -> Duration {
        self.units(4)
    }

    /// On usual terms: a lease of four units, kept for a thousand.
    pub(super) fn terms(&self, on_lease_over: OnLeaseOver) -> Terms {
        Terms::new(self.lease(), self.units(1_000), on_lease_over)
    }

    /// An attempt at the usual request that may be taken over.
    pub(super) fn attempt(&self) -> Attempt {
        Attempt::new(Fingerprint::of(["the usual"]), self.terms(OnLeaseOver::Takeover))
    }

    /// The same that is parked.
    pub(super) fn parking(&self) -> Attempt {
        Attempt::new(Fingerprint::of(["the usual"]), self.terms(OnLeaseOver::Park))
    }

    /// Another request.
    pub(super) fn another(&self) -> Attempt {
        Attempt::new(Fingerprint::of(["another"]), self.terms(OnLeaseOver::Takeover))
    }

    pub(super) async fn claim(&self, id: RecordId, attempt: Attempt) -> Claim {
        self.store.claim(id, attempt).await.expect("the store answers")
    }

    /// A claim that has to be won.
    #[track_caller]
    pub(super) fn won(
        &self,
        id: RecordId,
        attempt: Attempt,
    ) -> impl Future<Output = (Hold, Option<Recovery>)> {
        let at = std::panic::Location::caller();
        async move {
            match self.claim(id, attempt).await {
                Claim::Mine { token, recovery } => (Hold { id, token, nonce: attempt.nonce }, recovery),
                other => panic!("{at}: should be ours to run, and is {other:?}"),
            }
        }
    }

    /// Ends it as done, kept for a thousand units.
    pub(super) async fn done(&self, hold: Hold, what: &str) {
        self.end(hold, Ending::Done(answer(what))).await;
    }

    pub(super) async fn end(&self, hold: Hold, ending: Ending) {
        self.store.finish(hold, ending, self.units(1_000)).await.expect("it is ours to end");
    }
}

/// A tenant that no other test has.
pub(super) fn tenant() -> Scope {
    Scope::new("key_store facts", Key::random().as_str())
}

/// A record that no other test has.
pub(super) fn fresh() -> RecordId {
    RecordId::new(tenant(), &Key::random())
}

pub(super) fn answer(what: &str) -> Stored {
    let headers = [("content-type", "text/plain"), ("x-what", what)];
    Stored::encode(200, SystemTime::UNIX_EPOCH, headers, Body::Kept(what.as_bytes()), [("", ""); 0])
}

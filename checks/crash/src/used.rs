//! A store as a node uses it: over a bad way, by a process that may end at any step, and by one that breaks rules.

use crate::{
    orders::Faults,
    point::{Fuse, Point},
    wrong::Wrong,
};
use buttress::idempotency::{
    Attempt, Claim, Ending, Hold, KeyStore, Lost, Nonce, Parked, RecordId, Recovery, Resolution, StoreError,
    Trouble,
};
use std::time::Duration;
use tokio::time::sleep;

/// A store, and what is wrong with its use.
#[derive(Clone, Debug)]
pub struct Used<S> {
    inner: S,
    faults: Faults,
    fuse: Fuse,
}

impl<S> Used<S> {
    /// The fuse is also passed by the handler, where the effect is.
    pub const fn new(inner: S, faults: Faults, fuse: Fuse) -> Self {
        Self { inner, faults, fuse }
    }

    /// A step on its way.
    async fn way(&self) {
        if !self.faults.slow.is_zero() {
            sleep(self.faults.slow).await; // real: over processes
        }
    }
}

fn lost_on_the_way() -> StoreError {
    StoreError::new(Trouble::Unavailable, "lost on the way")
}

impl<S: KeyStore + Clone> KeyStore for Used<S> {
    async fn claim(&self, id: RecordId, mut attempt: Attempt) -> Result<Claim, StoreError> {
        if self.faults.wrong == Some(Wrong::ForgetsNonce) {
            attempt = attempt.nonce(Nonce::fresh());
        }
        self.way().await;
        self.fuse.pass(Point::ClaimSent);
        let claimed = self.inner.claim(id, attempt).await;
        if matches!(claimed, Ok(Claim::Mine { .. })) {
            self.fuse.pass(Point::ClaimAcked);
        }
        if fastrand::u32(..100) < self.faults.lost {
            return Err(lost_on_the_way());
        }
        claimed
    }

    async fn renew(&self, hold: Hold, lease: Duration) -> Result<(), Lost> {
        if self.faults.no_renewals {
            return Err(lost_on_the_way().into());
        }
        self.way().await;
        self.fuse.pass(Point::RenewSent);
        let renewed = self.inner.renew(hold, lease).await;
        self.fuse.pass(Point::RenewAcked);
        renewed
    }

    async fn finish(&self, hold: Hold, ending: Ending, ttl: Duration) -> Result<(), Lost> {
        if self.faults.wrong == Some(Wrong::AnswersEarly) {
            let inner = self.inner.clone();
            tokio::spawn(async move {
                sleep(Duration::from_millis(500)).await; // real: over processes
                inner.finish(hold, ending, ttl).await
            });
            return Ok(());
        }
        self.way().await;
        self.fuse.pass(Point::FinishSent);
        let finished = self.inner.finish(hold, ending, ttl).await;
        self.fuse.pass(Point::FinishAcked);
        finished
    }

    async fn set_recovery(&self, hold: Hold, recovery: Recovery) -> Result<(), Lost> {
        self.inner.set_recovery(hold, recovery).await
    }

    async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        self.inner.purge(limit).await
    }

    async fn parked(&self, after: Option<RecordId>, limit: usize) -> Result<Vec<Parked>, StoreError> {
        self.inner.parked(after, limit).await
    }

    async fn resolve(
        &self,
        id: RecordId,
        token: u64,
        resolution: Resolution,
        ttl: Duration,
    ) -> Result<(), Lost> {
        self.inner.resolve(id, token, resolution, ttl).await
    }

    async fn changed(&self, id: RecordId) {
        self.inner.changed(id).await;
    }
}

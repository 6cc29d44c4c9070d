//! A store behind a bad network: requests get lost, answers get lost, and some take their time.

use crate::{
    idempotency::{
        Attempt, Claim, Ending, Hold, KeyStore, Lost, Parked, RecordId, Recovery, Resolution, StoreError,
        Trouble,
    },
    window::Ratio,
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// What goes wrong, and how often.
///
/// ```
/// use buttress::{testing::key_store::Faults, window::Ratio};
///
/// let faults = Faults::seeded(7).lost_requests(Ratio::percent(10)).lost_answers(Ratio::percent(10));
/// # drop(faults);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    seed: u64,
    requests: f64,
    answers: f64,
    delay: Duration,
}

impl Faults {
    /// Nothing goes wrong yet; the same seed means the same faults in the same order.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self { seed, requests: 0.0, answers: 0.0, delay: Duration::ZERO }
    }

    /// So many steps are not done, and the caller hears of trouble.
    #[must_use]
    pub const fn lost_requests(mut self, share: Ratio) -> Self {
        self.requests = share.as_f64();
        self
    }

    /// So many steps are done, and the caller hears of trouble all the same.
    #[must_use]
    pub const fn lost_answers(mut self, share: Ratio) -> Self {
        self.answers = share.as_f64();
        self
    }

    /// Each step takes up to so long before, and again after.
    #[must_use]
    pub const fn delay(mut self, up_to: Duration) -> Self {
        self.delay = up_to;
        self
    }
}

/// A store behind [`Faults`].
#[derive(Debug)]
pub struct Faulty<S> {
    inner: S,
    faults: Faults,
    random: Mutex<fastrand::Rng>,
}

impl<S> Faulty<S> {
    /// In front of `inner`.
    pub fn new(inner: S, faults: Faults) -> Self {
        Self { inner, faults, random: Mutex::new(fastrand::Rng::with_seed(faults.seed)) }
    }

    /// The store behind.
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    fn draw(&self) -> f64 {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).f64()
    }

    async fn pause(&self) {
        let share = self.draw();
        if !self.faults.delay.is_zero() {
            tokio::time::sleep(self.faults.delay.mul_f64(share)).await;
        }
    }

    async fn through<T, E: From<StoreError>>(
        &self,
        step: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.pause().await;
        let down = || Err(StoreError::new(Trouble::Unavailable, "lost on the way").into());
        if self.draw() < self.faults.requests {
            return down();
        }
        let answer = step.await;
        self.pause().await;
        if self.draw() < self.faults.answers { down() } else { answer }
    }
}

impl<S: KeyStore> KeyStore for Faulty<S> {
    async fn claim(&self, id: RecordId, attempt: Attempt) -> Result<Claim, StoreError> {
        self.through(self.inner.claim(id, attempt)).await
    }

    async fn renew(&self, hold: Hold, lease: Duration) -> Result<(), Lost> {
        self.through(self.inner.renew(hold, lease)).await
    }

    async fn finish(&self, hold: Hold, ending: Ending, ttl: Duration) -> Result<(), Lost> {
        self.through(self.inner.finish(hold, ending, ttl)).await
    }

    async fn set_recovery(&self, hold: Hold, recovery: Recovery) -> Result<(), Lost> {
        self.through(self.inner.set_recovery(hold, recovery)).await
    }

    async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        self.through(self.inner.purge(limit)).await
    }

    async fn parked(&self, after: Option<RecordId>, limit: usize) -> Result<Vec<Parked>, StoreError> {
        self.through(self.inner.parked(after, limit)).await
    }

    async fn resolve(
        &self,
        id: RecordId,
        token: u64,
        resolution: Resolution,
        ttl: Duration,
    ) -> Result<(), Lost> {
        self.through(self.inner.resolve(id, token, resolution, ttl)).await
    }

    async fn changed(&self, id: RecordId) {
        self.pause().await;
        self.inner.changed(id).await;
    }
}

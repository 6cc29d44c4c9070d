//! Rules that a server can be told to break, so that it is seen that the check finds it.

use buttress::idempotency::{
    Attempt, Claim, Ending, Hold, KeyStore, Lost, Nonce, Parked, RecordId, Recovery, Resolution, StoreError,
};
use std::{str::FromStr, time::Duration};

/// What a server does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// An attempt that was taken over commits all the same.
    IgnoresFence,
    /// Each try of a claim has a nonce of its own.
    ForgetsNonce,
    /// The effect comes before the claim.
    ClaimsLate,
    /// A panic releases the key.
    ReleasesOnPanic,
    /// Answers are forgotten at once.
    ForgetsAnswers,
    /// All tenants are one.
    ForgetsScope,
    /// A 500 of a handler that cannot run twice is run again.
    RerunsErrors,
    /// An end is acknowledged before it is written.
    AnswersEarly,
}

impl Wrong {
    const NAMES: [(&'static str, Self); 8] = [
        ("ignores-fence", Self::IgnoresFence),
        ("forgets-nonce", Self::ForgetsNonce),
        ("claims-late", Self::ClaimsLate),
        ("releases-on-panic", Self::ReleasesOnPanic),
        ("forgets-answers", Self::ForgetsAnswers),
        ("forgets-scope", Self::ForgetsScope),
        ("reruns-errors", Self::RerunsErrors),
        ("answers-early", Self::AnswersEarly),
    ];

    /// As an argument.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, wrong)| *wrong == self).map_or("", |(name, _)| name)
    }
}

impl FromStr for Wrong {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, wrong)| *wrong).ok_or_else(|| format!("there is no wrong {name}"))
    }
}

/// A store on the way to which answers get lost, and which may be used wrongly.
#[derive(Clone, Debug)]
pub struct Used<S> {
    inner: S,
    wrong: Option<Wrong>,
    /// Of so many claims in a hundred the first answer is lost.
    lost: u32,
}

impl<S> Used<S> {
    /// `lost`: of so many claims in a hundred the first answer gets lost.
    pub const fn new(inner: S, wrong: Option<Wrong>, lost: u32) -> Self {
        Self { inner, wrong, lost }
    }
}

impl<S: KeyStore + Clone> KeyStore for Used<S> {
    async fn claim(&self, id: RecordId, mut attempt: Attempt) -> Result<Claim, StoreError> {
        if self.wrong == Some(Wrong::ForgetsNonce) {
            attempt = attempt.nonce(Nonce::fresh());
        }
        let claimed = self.inner.claim(id, attempt).await;
        if fastrand::u32(..100) < self.lost {
            return Err(StoreError::new(buttress::idempotency::Trouble::Unavailable, "lost on the way"));
        }
        claimed
    }

    async fn renew(&self, hold: Hold, lease: Duration) -> Result<(), Lost> {
        self.inner.renew(hold, lease).await
    }

    async fn finish(&self, hold: Hold, ending: Ending, ttl: Duration) -> Result<(), Lost> {
        if self.wrong == Some(Wrong::AnswersEarly) {
            let inner = self.inner.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(500)).await;
                inner.finish(hold, ending, ttl).await
            });
            return Ok(());
        }
        self.inner.finish(hold, ending, ttl).await
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
}

//! A store and the terms on which operations are run by it: what every protocol's layer is made of.

use super::{
    Attempt, Effects, Fingerprint, Hold, KeyStore, Lost, Nonce, Quota, Recovery, Terms, crew::Crew,
    idem::Remember, line::Line, within::Within,
};
use crate::{
    clock,
    key::Secret,
    rejected::Name,
    telemetry::{Event, IdempotencyOutcome, Observed, Observer},
};
use std::{fmt, pin::Pin, sync::Arc, time::Duration};

/// Runs operations by the records of a store: claims, keeps the lease alive, writes down the end. A clone is the same, with
/// settings of its own.
///
/// A layer is made of one; by itself it serves consumers of queues and protocols that have no layer here.
///
/// ```
/// use std::{future::ready, time::{Duration, SystemTime}};
/// use buttress::{
///     idempotency::{Asked, Body, Effects, Ending, Fingerprint, Keeper, RecordId, Scope, Stored},
///     key::Key,
///     store::memory::MemoryStore,
/// };
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let keeper = Keeper::new(MemoryStore::new(), Effects::Plain);
/// let id = RecordId::new(Scope::unscoped("mails"), &Key::new("message 7").unwrap());
/// let send = Fingerprint::of(["welcome", "ada@example.org"]);
///
/// let Asked::Run(mut run) = keeper.ask(id, send).await else { panic!("the first") };
/// run.drive(ready("the mail is sent")).await.unwrap();
/// let answer = Stored::encode(0, SystemTime::now(), [("", ""); 0], Body::Kept(b"sent"), [("", ""); 0]);
/// run.end(Ending::Done(answer)).await;
///
/// // it comes again
/// assert!(matches!(keeper.ask(id, send).await, Asked::Replay(_)));
/// # }
/// ```
pub struct Keeper<S> {
    /// With what is shared behind it: each request counts one reference, not two.
    pub(super) settings: Arc<Settings<S>>,
}

pub(super) struct Shared<S> {
    pub(super) store: S,
    pub(super) crew: Arc<Crew>,
    pub(super) line: Arc<Line>,
}

pub(super) struct Settings<S> {
    pub(super) shared: Arc<Shared<S>>,
    pub(super) name: Name,
    pub(super) observed: Observed,
    pub(super) effects: Effects,
    pub(super) lease: Duration,
    pub(super) ttl: Duration,
    pub(super) parked_ttl: Duration,
    pub(super) claim_within: Duration,
    pub(super) finish_within: Duration,
    pub(super) wait: Option<Duration>,
    pub(super) quota: Option<Quota>,
    pub(super) secret: Option<Arc<Secret>>,
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

impl<S> Keeper<S> {
    /// On these records, for handlers with these effects.
    ///
    /// A lease of 30 seconds, answers kept for 24 hours, parked records for 30 days, at most 1024 operations at once, one
    /// second for a claim and for writing down an end.
    #[must_use]
    pub fn new(store: S, effects: Effects) -> Self {
        let shared = Shared { store, crew: Arc::new(Crew::new(1024)), line: Arc::new(Line::new(1024, 16)) };
        let settings = Settings {
            shared: Arc::new(shared),
            name: Name::fixed("idempotency"),
            observed: Observed::new(),
            effects,
            lease: SECOND * 30,
            ttl: DAY,
            parked_ttl: DAY * 30,
            claim_within: SECOND,
            finish_within: SECOND,
            wait: None,
            quota: None,
            secret: None,
        };
        Self { settings: Arc::new(settings) }
    }

    fn set(mut self, set: impl FnOnce(&mut Settings<S>)) -> Self {
        set(Arc::make_mut(&mut self.settings));
        self
    }

    /// What it is called in events and metrics; by default `idempotency`.
    #[must_use]
    pub fn name(self, name: impl Into<Name>) -> Self {
        let name = name.into();
        let name = if name.as_str().is_empty() { Name::fixed("idempotency") } else { name };
        self.set(|settings| settings.name = name)
    }

    /// Lets `observer` hear it.
    #[must_use]
    pub fn observe(self, observer: impl Observer) -> Self {
        self.set(|settings| settings.observed = Observed::by(observer))
    }

    /// Other effects, over the same records.
    #[must_use]
    pub fn effects(self, effects: Effects) -> Self {
        self.set(|settings| settings.effects = effects)
    }

    /// How long a record is an attempt's without a sign of life; it is renewed at a third of that. 0 is taken as 1 ms.
    #[must_use]
    pub fn lease(self, lease: Duration) -> Self {
        self.set(|settings| settings.lease = lease)
    }

    /// How long an answer is kept, from the end of the operation. Publish it: a client that comes again later runs it again.
    #[must_use]
    pub fn ttl(self, ttl: Duration) -> Self {
        self.set(|settings| settings.ttl = ttl)
    }

    /// How long a record is kept whose outcome nobody knows.
    #[must_use]
    pub fn parked_ttl(self, ttl: Duration) -> Self {
        self.set(|settings| settings.parked_ttl = ttl)
    }

    /// How long a claim may take, all tries together.
    #[must_use]
    pub fn claim_within(self, time: Duration) -> Self {
        self.set(|settings| settings.claim_within = time.max(clock::GRAIN))
    }

    /// How long an answer may be held back until it is stored, and how long it may take to write down a [phase](super::Idem::phase);
    /// all tries together.
    #[must_use]
    pub fn finish_within(self, time: Duration) -> Self {
        self.set(|settings| settings.finish_within = time.max(clock::GRAIN))
    }

    /// Waits up to `max` for an attempt that somebody else makes, instead of saying at once that it runs; under a
    /// [deadline](crate::deadline) no longer than that.
    #[must_use]
    pub fn wait(self, max: Duration) -> Self {
        self.set(|settings| settings.wait = Some(max))
    }

    /// How many may wait at once: in all, and for one operation. 1024 and 16 by default; who finds no place is told at once
    /// that it runs. Shared by all clones.
    #[must_use]
    pub fn max_waiting(self, all: usize, each: usize) -> Self {
        self.settings.shared.line.set_max(all, each);
        self
    }

    /// How many operations may run at once; 0 counts as 1. Shared by all clones.
    ///
    /// They go on when their callers have left, so nothing else bounds them.
    #[must_use]
    pub fn max_running(self, max: usize) -> Self {
        self.settings.shared.crew.set_max(max);
        self
    }

    /// How many records a tenant may have.
    #[must_use]
    pub fn quota(self, quota: Quota) -> Self {
        self.set(|settings| settings.quota = Some(quota))
    }

    /// The secret of the child keys.
    #[must_use]
    pub fn secret(self, secret: Secret) -> Self {
        self.set(|settings| settings.secret = Some(Arc::new(secret)))
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.settings.shared.store
    }

    /// What the handlers' effects are.
    #[must_use]
    pub fn declared_effects(&self) -> Effects {
        self.settings.effects
    }

    /// How long answers are kept.
    #[must_use]
    pub fn time_to_live(&self) -> Duration {
        self.settings.ttl
    }

    /// How long a handler may take without running into the end of its lease, should a renewal fail: 0.8 of it.
    #[must_use]
    pub fn time_to_run(&self) -> Duration {
        self.settings.lease / 5 * 4
    }

    /// How many operations run now, those included whose end is still being written down.
    #[must_use]
    pub fn running(&self) -> usize {
        self.settings.shared.crew.running()
    }

    /// How many wait now for what somebody else runs.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.settings.shared.line.waiting()
    }

    /// Lets no operation begin any more, and returns when the last has ended. For a shutdown: put a timeout around it; what
    /// still runs then is left to its lease.
    pub async fn drain(&self) {
        self.settings.shared.crew.close();
        self.settings.shared.crew.empty().await;
    }

    /// Tells the listeners.
    pub(crate) fn tell(&self, outcome: IdempotencyOutcome) {
        self.settings.observed.emit(|| Event::idempotency(self.settings.name.as_str(), outcome));
    }

    /// The claim of that nonce: sent again after a lost answer, it is the same.
    pub(super) fn attempt(&self, fingerprint: Fingerprint, nonce: Nonce) -> Attempt {
        let Settings { effects, lease, ttl, parked_ttl, .. } = *self.settings;
        let on_lease_over = effects.on_lease_over();
        let kept = if effects.can_rerun() { ttl } else { parked_ttl };
        let terms = Terms::new(lease, kept, on_lease_over);
        let terms = self.settings.quota.map_or(terms, |quota| terms.quota(quota));
        Attempt { fingerprint, nonce, terms }
    }
}

impl<S: KeyStore> Keeper<S> {
    /// Deletes what has expired, every `period`, for ever: a task of yours.
    ///
    /// ```
    /// use std::time::Duration;
    /// use buttress::{idempotency::{Effects, Keeper}, store::memory::MemoryStore};
    /// # use buttress::{idempotency::{Attempt, Fingerprint, KeyStore, OnLeaseOver, RecordId, Scope, Terms}, key::Key};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = MemoryStore::new();
    /// let keeper = Keeper::new(store.clone(), Effects::Plain);
    /// tokio::spawn(keeper.purge_every(Duration::from_secs(60)));
    ///
    /// # let id = RecordId::new(Scope::new("payments", b"tenant 7"), &Key::new("a1")?);
    /// # let terms = Terms::new(Duration::from_secs(1), Duration::from_secs(1), OnLeaseOver::Park);
    /// # store.claim(id, Attempt::new(Fingerprint::of(["POST", "/payments", "10"]), terms)).await?;
    /// // the record of an operation, kept for a few seconds
    /// assert_eq!(store.len(), 1);
    /// tokio::time::sleep(Duration::from_secs(61)).await;
    /// assert!(store.is_empty());
    /// # Ok(()) }
    /// ```
    pub fn purge_every(&self, period: Duration) -> impl Future<Output = ()> + Send + use<S> {
        /// At once: short enough not to hold anybody up.
        const SOME: usize = 1_000;
        let shared = Arc::downgrade(&self.settings.shared);
        async move {
            loop {
                tokio::time::sleep(period.max(clock::GRAIN)).await;
                // Ends with the last clone.
                let Some(shared) = shared.upgrade() else { return };
                // Trouble will be there again, or not, the next time.
                while shared.store.purge(SOME).await.is_ok_and(|purged| purged == SOME) {}
            }
        }
    }
}

impl<S: KeyStore> Remember for Settings<S> {
    fn remember(
        self: Arc<Self>,
        hold: Hold,
        recovery: Recovery,
    ) -> Pin<Box<dyn Future<Output = Result<(), Lost>> + Send>> {
        Box::pin(async move {
            let mut within = Within::new(self.finish_within);
            within.insist(|| self.shared.store.set_recovery(hold, recovery.clone())).await
        })
    }
}

impl<S> Clone for Keeper<S> {
    fn clone(&self) -> Self {
        Self { settings: Arc::clone(&self.settings) }
    }
}

impl<S> Clone for Settings<S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            name: self.name.clone(),
            observed: self.observed.clone(),
            secret: self.secret.clone(),
            ..*self
        }
    }
}

impl<S> fmt::Debug for Keeper<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("name", &self.settings.name)
            .field("effects", &self.settings.effects)
            .field("running", &self.running())
            .finish_non_exhaustive()
    }
}

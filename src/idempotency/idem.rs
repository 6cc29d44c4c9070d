//! What a handler holds of the operation that it runs: keys for its calls, its phases, and word of a lost lease.

use super::{Ending, Hold, InTx, Lost, RecordId, Recovery, Stored, points::Points};
use crate::key::{Key, Secret, Step};
use std::{
    collections::BTreeSet,
    fmt,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{sync::Notify, task::futures::TaskLocalFuture};

tokio::task_local! {
    static CURRENT: Idem;
}

/// The running attempt at an operation, for its handler. A clone is the same.
///
/// The layer puts it into the extensions of the request, and makes it [`current`](Self::current) for the handler's task.
#[derive(Clone)]
pub struct Idem {
    inner: Arc<Inner>,
}

struct Inner {
    hold: Hold,
    secret: Option<Arc<Secret>>,
    keeper: Arc<dyn Remember>,
    notes: Mutex<Notes>,
    is_lost: AtomicBool,
    lost: Notify,
}

/// What the attempt has noted so far: for most nothing, so that nothing here allocates before it is needed.
#[derive(Default)]
struct Notes {
    points: Points,
    used: BTreeSet<String>,
    /// How many calls without a name of their own went where.
    #[cfg(feature = "http")]
    calls: std::collections::BTreeMap<String, u64>,
    settled: Option<Stored>,
}

/// Where recovery points go, whatever the store's type.
pub(super) trait Remember: Send + Sync {
    fn remember(
        self: Arc<Self>,
        hold: Hold,
        recovery: Recovery,
    ) -> Pin<Box<dyn Future<Output = Result<(), Lost>> + Send>>;
}

/// Why a phase has no output.
#[derive(Debug)]
#[non_exhaustive]
pub enum PhaseError<E> {
    /// The phase itself has failed; it is not finished, and runs again with the next attempt.
    Failed(E),
    /// It ran, and that it did could not be written down. Another attempt may run it again.
    Lost(Lost),
    /// Two phases or calls of one attempt have one name: the second would be taken for the first.
    UsedTwice,
}

impl<E: fmt::Display> fmt::Display for PhaseError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Lost(lost) => lost.fmt(f),
            Self::UsedTwice => UsedTwice.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for PhaseError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(error) => error.source(),
            Self::Lost(lost) => lost.source(),
            Self::UsedTwice => None,
        }
    }
}

/// A name of a step that was used before in the same attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedTwice;

impl fmt::Display for UsedTwice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("two steps of one operation have one name")
    }
}

impl std::error::Error for UsedTwice {}

impl Idem {
    pub(super) fn new(
        hold: Hold,
        recovery: Option<&Recovery>,
        secret: Option<Arc<Secret>>,
        keeper: Arc<dyn Remember>,
    ) -> Self {
        let notes = Mutex::new(Notes { points: Points::of(recovery), ..Notes::default() });
        let (is_lost, lost) = (AtomicBool::new(false), Notify::new());
        Self { inner: Arc::new(Inner { hold, secret, keeper, notes, is_lost, lost }) }
    }

    /// The attempt that this task runs, if it runs one: for clients deep inside a handler, which derive the keys of their
    /// calls from it.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs `work` as a part of this attempt: for tasks of your own, which know of none.
    pub fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        self.around(work)
    }

    /// The same, by its name.
    pub(super) fn around<F: Future>(self, work: F) -> TaskLocalFuture<Self, F> {
        CURRENT.scope(self, work)
    }

    /// Which record.
    #[must_use]
    pub fn id(&self) -> RecordId {
        self.inner.hold.id
    }

    /// Which attempt it is: 1 for the first, and higher with each. A fencing token for whatever the handler writes.
    #[must_use]
    pub fn token(&self) -> u64 {
        self.inner.hold.token
    }

    /// What a store asks for at every step.
    #[must_use]
    pub fn hold(&self) -> Hold {
        self.inner.hold
    }

    pub(super) fn held(&self) -> &Hold {
        &self.inner.hold
    }

    /// The key for a call that this operation makes downstream: the same in every attempt, on every node.
    ///
    /// Asked twice for one step it gives the same key, which is right for a retry of that call, and wrong for another call:
    /// [`call_key`](Self::call_key) tells.
    pub fn child_key<'s>(&self, step: impl Into<Step<'s>>) -> Key {
        let id = &self.inner.hold.id;
        match &self.inner.secret {
            None => id.children().child(step),
            Some(secret) => id.children().secret(secret).child(step),
        }
    }

    /// The same, for a step that this attempt has not named before.
    ///
    /// # Errors
    /// [`UsedTwice`]: two different calls under one name would be one call to the service downstream.
    pub fn call_key<'s>(&self, step: impl Into<Step<'s>>) -> Result<Key, UsedTwice> {
        let step = step.into();
        let is_new = self.notes().used.insert(format!("call {step:?}"));
        if is_new { Ok(self.child_key(step)) } else { Err(UsedTwice) }
    }

    /// The number of this call among those of one kind, from 0.
    #[cfg(feature = "http")]
    pub(crate) fn count(&self, kind: &str) -> u64 {
        let mut notes = self.notes();
        let next = notes.calls.entry(kind.to_owned()).or_default();
        let number = *next;
        *next += 1;
        number
    }

    /// What a finished phase gave, in this attempt or in one before.
    #[must_use]
    pub fn finished(&self, step: &str) -> Option<Vec<u8>> {
        self.notes().points.get(step).map(<[u8]>::to_vec)
    }

    /// Runs a phase, unless an attempt before has finished it: then its output of then is given back, and nothing runs.
    ///
    /// That the phase is finished is written down after it: it runs at least once, and may run again if the process dies in
    /// between. A phase whose effects are in the store's own database is written down in its transaction, by
    /// [`phase_in`](Self::phase_in), and runs once.
    ///
    /// # Errors
    /// What the phase itself says, or why it could not be written down.
    pub async fn phase<F, E>(&self, step: &str, run: impl FnOnce() -> F) -> Result<Vec<u8>, PhaseError<E>>
    where
        F: Future<Output = Result<Vec<u8>, E>>,
    {
        if let Some(output) = self.enter(step).map_err(|UsedTwice| PhaseError::UsedTwice)? {
            return Ok(output);
        }
        let output = run().await.map_err(PhaseError::Failed)?;
        let recovery = self.note(step, output.clone());
        let keeper = Arc::clone(&self.inner.keeper);
        keeper.remember(self.inner.hold, recovery).await.map_err(PhaseError::Lost)?;
        Ok(output)
    }

    /// Writes down, as a part of `tx`, that a phase is finished and what it gave. Look first whether it
    /// [is](Self::finished); after a rollback, end the attempt.
    ///
    /// # Errors
    /// [`Lost::Fenced`]: another attempt owns the operation by now; roll back.
    pub async fn phase_in<S, Tx>(&self, store: &S, tx: &mut Tx, step: &str, output: &[u8]) -> Result<(), Lost>
    where
        S: InTx<Tx>,
        Tx: ?Sized,
    {
        let recovery = self.note(step, output.to_vec());
        store.set_recovery_in(tx, self.inner.hold, recovery).await
    }

    /// Ends the operation as a part of `tx`, with that answer for all who ask again; it is kept for `ttl`. Commit, and answer with
    /// the same.
    ///
    /// # Errors
    /// [`Lost::Fenced`]: another attempt owns the operation by now; roll back.
    pub async fn finish_in<S, Tx>(
        &self,
        store: &S,
        tx: &mut Tx,
        answer: Stored,
        ttl: Duration,
    ) -> Result<(), Lost>
    where
        S: InTx<Tx>,
        Tx: ?Sized,
    {
        store.finish_in(tx, self.inner.hold, Ending::Done(answer.clone()), ttl).await?;
        self.notes().settled = Some(answer);
        Ok(())
    }

    /// The answer with which a transaction of the handler has ended the operation.
    #[must_use]
    pub fn settled(&self) -> Option<Stored> {
        self.notes().settled.clone()
    }

    /// Whether another attempt owns the operation by now. What this one does from here on is for nothing.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.inner.is_lost.load(SeqCst)
    }

    /// Returns when another attempt owns the operation: for a handler that can stop half-way.
    pub async fn lost(&self) {
        loop {
            let mut told = std::pin::pin!(self.inner.lost.notified());
            told.as_mut().enable();
            if self.is_lost() {
                return;
            }
            told.await;
        }
    }

    pub(super) fn lose(&self) {
        self.inner.is_lost.store(true, SeqCst);
        self.inner.lost.notify_waiters();
    }

    /// What it gave before, and whether it may run.
    fn enter(&self, step: &str) -> Result<Option<Vec<u8>>, UsedTwice> {
        let mut notes = self.notes();
        if !notes.used.insert(format!("phase {step}")) {
            return Err(UsedTwice);
        }
        Ok(notes.points.get(step).map(<[u8]>::to_vec))
    }

    fn note(&self, step: &str, output: Vec<u8>) -> Recovery {
        let mut notes = self.notes();
        notes.points.push(step, output);
        notes.points.recovery()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.inner.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Idem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idem").field("id", &self.id()).field("token", &self.token()).finish_non_exhaustive()
    }
}

//! What a store of records promises, and the layer asks of it.

use super::{Attempt, Claim, Ending, Hold, Lost, Parked, RecordId, Recovery, Resolution, StoreError};
use std::{sync::Arc, time::Duration};

/// How long a waiter sleeps before it asks again, where a store cannot tell that a record has changed.
const POLL: Duration = Duration::from_millis(200);

/// Keeps the records of operations: who runs which, and what came of it.
///
/// Every step is one atomic decision, the one that [`Record`](super::Record) makes of the record as it is; a store only
/// has to make it once at a time for each record. **All times are the store's**: no caller's clock is ever compared with
/// another's.
///
/// Every step can be asked again with the same arguments after a lost answer, and comes to the same end. A future that is
/// dropped leaves the step done or not done, never half.
///
/// [`testing::idempotency`](crate::testing) has the questions that every store must answer; run them against your own.
pub trait KeyStore: Send + Sync + 'static {
    /// Asks for an operation. See [`Record::claim`](super::Record::claim).
    fn claim(&self, id: RecordId, attempt: Attempt)
    -> impl Future<Output = Result<Claim, StoreError>> + Send;

    /// A sign of life: the lease begins anew. See [`Record::renew`](super::Record::renew).
    fn renew(&self, hold: Hold, lease: Duration) -> impl Future<Output = Result<(), Lost>> + Send;

    /// The end of an attempt; its record is kept for `ttl` from now. See [`Record::finish`](super::Record::finish).
    fn finish(
        &self,
        hold: Hold,
        ending: Ending,
        ttl: Duration,
    ) -> impl Future<Output = Result<(), Lost>> + Send;

    /// Writes down how far the attempt has come; there is one recovery point, the last. The next attempt finds it in its
    /// claim.
    fn set_recovery(&self, hold: Hold, recovery: Recovery) -> impl Future<Output = Result<(), Lost>> + Send;

    /// Deletes some records that have expired, at most `limit`, and says how many.
    fn purge(&self, limit: usize) -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// Records whose outcome nobody knows, by rising id, from behind `after` on, at most `limit`. Also those whose owner has
    /// vanished and that nobody has asked for since.
    fn parked(
        &self,
        after: Option<RecordId>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Parked>, StoreError>> + Send;

    /// Settles a parked record by hand; it is kept for `ttl` from now. See [`Record::resolve`](super::Record::resolve).
    fn resolve(
        &self,
        id: RecordId,
        token: u64,
        resolution: Resolution,
        ttl: Duration,
    ) -> impl Future<Output = Result<(), Lost>> + Send;

    /// Returns when it makes sense to claim `id` again: at once if nobody runs it, else when its attempt has ended, or after
    /// a while. May return too early; whoever waits claims again, and sets the bound to its own wait.
    ///
    /// Without this a store is asked five times a second.
    fn changed(&self, id: RecordId) -> impl Future<Output = ()> + Send {
        let _ = id;
        tokio::time::sleep(POLL)
    }
}

/// A store that can make its steps in a transaction of the application: the effects of the handler and the record commit
/// together, or not at all.
///
/// `Tx` is the transaction as the application has it. Nothing is final before its commit; a step that comes out
/// [`Lost::Fenced`] says that another attempt owns the operation by now, and the application must roll back.
pub trait InTx<Tx: ?Sized>: KeyStore {
    /// [`KeyStore::finish`], as a part of `tx`.
    fn finish_in(
        &self,
        tx: &mut Tx,
        hold: Hold,
        ending: Ending,
        ttl: Duration,
    ) -> impl Future<Output = Result<(), Lost>> + Send;

    /// [`KeyStore::set_recovery`], as a part of `tx`.
    fn set_recovery_in(
        &self,
        tx: &mut Tx,
        hold: Hold,
        recovery: Recovery,
    ) -> impl Future<Output = Result<(), Lost>> + Send;
}

impl<S: KeyStore> KeyStore for Arc<S> {
    fn claim(
        &self,
        id: RecordId,
        attempt: Attempt,
    ) -> impl Future<Output = Result<Claim, StoreError>> + Send {
        (**self).claim(id, attempt)
    }

    fn renew(&self, hold: Hold, lease: Duration) -> impl Future<Output = Result<(), Lost>> + Send {
        (**self).renew(hold, lease)
    }

    fn finish(
        &self,
        hold: Hold,
        ending: Ending,
        ttl: Duration,
    ) -> impl Future<Output = Result<(), Lost>> + Send {
        (**self).finish(hold, ending, ttl)
    }

    fn set_recovery(&self, hold: Hold, recovery: Recovery) -> impl Future<Output = Result<(), Lost>> + Send {
        (**self).set_recovery(hold, recovery)
    }

    fn purge(&self, limit: usize) -> impl Future<Output = Result<usize, StoreError>> + Send {
        (**self).purge(limit)
    }

    fn parked(
        &self,
        after: Option<RecordId>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Parked>, StoreError>> + Send {
        (**self).parked(after, limit)
    }

    fn resolve(
        &self,
        id: RecordId,
        token: u64,
        resolution: Resolution,
        ttl: Duration,
    ) -> impl Future<Output = Result<(), Lost>> + Send {
        (**self).resolve(id, token, resolution, ttl)
    }

    fn changed(&self, id: RecordId) -> impl Future<Output = ()> + Send {
        (**self).changed(id)
    }
}

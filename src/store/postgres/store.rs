//! The store: a connection of the pool for each step, or a transaction of the application.

use super::{super::swap, link::Link, rows::trouble, schema, steps};
use crate::idempotency::{
    Attempt, Claim, Durable, Ending, Hold, InTx, KeyStore, Lost, Parked, RecordId, Recovery, Resolution,
    StoreError, Trouble,
};
use deadpool_postgres::{ClientWrapper, Object, Pool, PoolError};
use std::{fmt, time::Duration};
use tokio_postgres::error::SqlState;

/// Records in PostgreSQL. Clones share the pool. See the [module](super).
#[derive(Clone)]
pub struct PgStore {
    pool: Pool,
}

impl PgStore {
    /// Over the connections of that pool.
    ///
    /// How long a step waits for a connection is the pool's to say; the layer has a limit of its own on every step.
    #[must_use]
    pub const fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Makes the tables, or brings them to this version. Nodes that start at once may all call it.
    ///
    /// # Errors
    /// Where the server cannot be asked, or the tables are of a newer version; then they are left alone.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        schema::migrate(&mut self.link().await?.0).await
    }

    /// Claims as a part of a transaction: nobody sees it until that commits, and if it is rolled back there was no claim.
    ///
    /// Another claim of the same record waits until then. Set `lock_timeout` in the transaction (`SET LOCAL lock_timeout =
    /// '1s'`): when it has passed, the answer is [`Claim::Busy`] with nothing remaining, and the transaction is good for a
    /// rollback only. Finish in the same transaction by [`InTx`].
    ///
    /// # Errors
    /// As [`KeyStore::claim`].
    pub async fn claim_in<T: Transaction>(
        &self,
        tx: &T,
        id: RecordId,
        attempt: Attempt,
    ) -> Result<Claim, StoreError> {
        match steps::claim(tx, &id, &attempt).await {
            Err(error) if is_lock_timeout(&error) => Ok(Claim::busy(Duration::ZERO)),
            other => other,
        }
    }

    async fn link(&self) -> Result<Lent, StoreError> {
        self.pool.get().await.map(Lent).map_err(|error| match error {
            PoolError::Backend(error) => trouble(error),
            other => StoreError::new(Trouble::Unavailable, other),
        })
    }
}

/// A connection that the pool has lent.
struct Lent(Object);

impl std::ops::Deref for Lent {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        &self.0
    }
}

fn is_lock_timeout(error: &StoreError) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<tokio_postgres::Error>())
        .is_some_and(|error| error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE))
}

/// A transaction of the application: of `tokio-postgres` itself, or of `deadpool-postgres`.
#[expect(private_bounds, reason = "nobody else can implement it")]
pub trait Transaction: Link + Send {}

impl Transaction for tokio_postgres::Transaction<'_> {}
impl Transaction for deadpool_postgres::Transaction<'_> {}

/// As durable as the server is set up to be: `synchronous_commit` is left alone, and belongs on.
impl Durable for PgStore {}

impl KeyStore for PgStore {
    async fn claim(&self, id: RecordId, attempt: Attempt) -> Result<Claim, StoreError> {
        steps::claim(&*self.link().await?, &id, &attempt).await
    }

    async fn renew(&self, hold: Hold, lease: Duration) -> Result<(), Lost> {
        steps::renew(&*self.link().await?, &hold, lease).await
    }

    async fn finish(&self, hold: Hold, ending: Ending, ttl: Duration) -> Result<(), Lost> {
        steps::finish(&*self.link().await?, &hold, ending, ttl).await
    }

    async fn set_recovery(&self, hold: Hold, recovery: Recovery) -> Result<(), Lost> {
        steps::set_recovery(&*self.link().await?, &hold, &recovery).await
    }

    async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        steps::purge(&*self.link().await?, limit).await
    }

    async fn parked(&self, after: Option<RecordId>, limit: usize) -> Result<Vec<Parked>, StoreError> {
        steps::parked(&*self.link().await?, after, limit).await
    }

    async fn resolve(
        &self,
        id: RecordId,
        token: u64,
        resolution: Resolution,
        ttl: Duration,
    ) -> Result<(), Lost> {
        swap::resolve(&*self.link().await?, &id, token, resolution, ttl).await
    }
}

impl<T: Transaction> InTx<T> for PgStore {
    async fn finish_in(&self, tx: &mut T, hold: Hold, ending: Ending, ttl: Duration) -> Result<(), Lost> {
        steps::finish(tx, &hold, ending, ttl).await
    }

    async fn set_recovery_in(&self, tx: &mut T, hold: Hold, recovery: Recovery) -> Result<(), Lost> {
        steps::set_recovery(tx, &hold, &recovery).await
    }
}

impl fmt::Debug for PgStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgStore").field("pool", &self.pool.status()).finish()
    }
}

//! The store: a connection of the pool for each step, or a transaction of the application.

use super::{
    super::{super::swap, link::Link, schema, steps, store::key_store_over_links},
    link::{Lent, trouble},
};
use crate::idempotency::{
    Attempt, Claim, Durable, Ending, Hold, InTx, KeyStore, Lost, Parked, RecordId, Recovery, Resolution,
    StoreError, Trouble,
};
use deadpool_postgres::{Pool, PoolError};
use std::{fmt, time::Duration};
use tokio_postgres::error::SqlState;

/// Records in PostgreSQL, by `tokio-postgres`. Clones share the pool. See the [module](crate::store::postgres) for what is promised.
///
/// It needs a server, and so this is compiled and not run:
///
/// ```no_run
/// use deadpool_postgres::{Manager, Pool};
/// use buttress::store::PgStore;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let config = "host=localhost user=payments dbname=payments".parse()?;
/// let pool = Pool::builder(Manager::new(config, tokio_postgres::NoTls)).max_size(16).build()?;
/// let store = PgStore::new(pool);
/// store.migrate().await?;
/// # Ok(()) }
/// ```
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
        let mut lent = self.link().await?;
        let tx = lent.0.transaction().await.map_err(trouble)?;
        schema::migrate(&tx).await?;
        tx.commit().await.map_err(trouble)
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

key_store_over_links!(PgStore);

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

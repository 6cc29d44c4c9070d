//! The store over a pool of `sqlx`, or over a transaction of the application.

use super::{
    super::{super::swap, schema, steps, store::key_store_over_links},
    link::{One, code, trouble},
};
use crate::idempotency::{
    Attempt, Claim, Durable, Ending, Hold, InTx, KeyStore, Lost, Parked, RecordId, Recovery, Resolution,
    StoreError,
};
use sqlx::{PgConnection, PgPool, Postgres, Transaction, pool::PoolConnection};
use std::time::Duration;

/// Records in PostgreSQL, by [`sqlx`]: for services whose own statements go by it, so that effects and records can commit
/// together. Clones share the pool. The tables, the statements and the promises are those of
/// [`postgres`](crate::store::postgres): nodes with this store and nodes with `PgStore` may share one table.
///
/// It needs a server, and so this is compiled and not run:
///
/// ```no_run
/// use std::time::Duration;
/// use buttress::{
///     idempotency::{Ending, Hold, InTx},
///     store::SqlxStore,
/// };
/// use sqlx::PgPool;
///
/// # type Error = Box<dyn std::error::Error>;
/// async fn open() -> Result<SqlxStore, Error> {
///     let store = SqlxStore::new(PgPool::connect("postgres://payments@localhost/payments").await?);
///     store.migrate().await?;
///     Ok(store)
/// }
///
/// /// The payment and the knowledge of it, or neither.
/// async fn pay(store: &SqlxStore, pool: &PgPool, hold: Hold, answer: Ending) -> Result<(), Error> {
///     let mut tx = pool.begin().await?;
///     sqlx::query("INSERT INTO payments (cents) VALUES (1000)").execute(&mut *tx).await?;
///     store.finish_in(&mut tx, hold, answer, Duration::from_secs(86_400)).await?;
///     tx.commit().await?;
///     Ok(())
/// }
/// ```
///
/// A handler behind the HTTP layer says the same by [`Idempotent::finish_in`](crate::http::Idempotent::finish_in).
///
/// Cargo takes the newest `sqlx` that fits, which is 0.9. Where the rest of a project has 0.8, the two types of a transaction do not
/// meet until it takes that one here, too: `cargo update -p sqlx@0.9.0 --precise 0.8.6`.
///
/// Behind a pooler of transactions, give the pool `PgConnectOptions::statement_cache_capacity(0)`, as `sqlx` asks for there.
#[derive(Clone, Debug)]
pub struct SqlxStore {
    pool: PgPool,
}

impl SqlxStore {
    /// Over the connections of that pool.
    ///
    /// How long a step waits for a connection is the pool's to say; the layer has a limit of its own on every step.
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Makes the tables, or brings them to this version. Nodes that start at once may all call it.
    ///
    /// # Errors
    /// Where the server cannot be asked, or the tables are of a newer version; then they are left alone.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await.map_err(trouble)?;
        schema::migrate(&One::new(&mut *tx)).await?;
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
    pub async fn claim_in(
        &self,
        tx: &mut PgConnection,
        id: RecordId,
        attempt: Attempt,
    ) -> Result<Claim, StoreError> {
        match steps::claim(&One::new(tx), &id, &attempt).await {
            Err(error) if is_lock_timeout(&error) => Ok(Claim::busy(Duration::ZERO)),
            other => other,
        }
    }

    async fn link(&self) -> Result<One<PoolConnection<Postgres>>, StoreError> {
        self.pool.acquire().await.map(One::new).map_err(trouble)
    }
}

fn is_lock_timeout(error: &StoreError) -> bool {
    const LOCK_NOT_AVAILABLE: &str = "55P03";
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<sqlx::Error>())
        .and_then(code)
        .is_some_and(|code| code == LOCK_NOT_AVAILABLE)
}

/// As durable as the server is set up to be: `synchronous_commit` is left alone, and belongs on.
impl Durable for SqlxStore {}

key_store_over_links!(SqlxStore);

/// In a transaction that the application has begun by a statement of its own.
impl InTx<PgConnection> for SqlxStore {
    async fn finish_in(
        &self,
        tx: &mut PgConnection,
        hold: Hold,
        ending: Ending,
        ttl: Duration,
    ) -> Result<(), Lost> {
        steps::finish(&One::new(tx), &hold, ending, ttl).await
    }

    async fn set_recovery_in(
        &self,
        tx: &mut PgConnection,
        hold: Hold,
        recovery: Recovery,
    ) -> Result<(), Lost> {
        steps::set_recovery(&One::new(tx), &hold, &recovery).await
    }
}

impl InTx<Transaction<'_, Postgres>> for SqlxStore {
    async fn finish_in(
        &self,
        tx: &mut Transaction<'_, Postgres>,
        hold: Hold,
        ending: Ending,
        ttl: Duration,
    ) -> Result<(), Lost> {
        steps::finish(&One::new(&mut **tx), &hold, ending, ttl).await
    }

    async fn set_recovery_in(
        &self,
        tx: &mut Transaction<'_, Postgres>,
        hold: Hold,
        recovery: Recovery,
    ) -> Result<(), Lost> {
        steps::set_recovery(&One::new(&mut **tx), &hold, &recovery).await
    }
}

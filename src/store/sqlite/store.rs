//! The store: hands every step to the writer, or makes it in a transaction of the application.

use super::{
    Options,
    options::Durability,
    rows::{Rows, trouble},
    schema, steps,
    writer::{Comes, Writer},
};
use crate::idempotency::{
    Attempt, Claim, Durable, Ending, Hold, InTx, KeyStore, Lost, Moment, Parked, RecordId, Recovery,
    Resolution, StoreError, Trouble,
};
use rusqlite::Connection;
use std::{future::ready, path::Path, sync::Arc, time::Duration};
use tokio::sync::Notify;

/// Records in one SQLite file. Clones are the same store. See the [module](super).
#[derive(Clone, Debug)]
pub struct SqliteStore {
    writer: Writer,
    /// Some record has been finished through this store.
    finished: Arc<Notify>,
}

impl SqliteStore {
    /// Opens the file with the defaults of [`Options`], and makes it where there is none. Blocks meanwhile.
    ///
    /// # Errors
    /// As [`Options::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::options().open(path)
    }

    /// Says how a file is kept, before it is opened.
    ///
    /// ```
    /// use buttress::store::{SqliteStore, sqlite::Durability};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = std::env::temp_dir().join(format!("buttress-options-{}", std::process::id()));
    /// # std::fs::create_dir_all(&dir)?;
    /// # let path = dir.join("records.db");
    /// let store = SqliteStore::options().durability(Durability::Process).max_bytes(1 << 30).open(&path)?;
    /// assert!(path.exists());
    /// # drop(store);
    /// # std::fs::remove_dir_all(dir)?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub const fn options() -> Options {
        Options::new()
    }

    /// Makes the tables in a file of the application, for steps [in its transactions](InTx); [`open`](Self::open) does it by
    /// itself.
    ///
    /// # Errors
    /// As [`Options::open`].
    pub fn migrate(db: &mut Connection) -> Result<(), StoreError> {
        schema::migrate(db)
    }

    pub(super) fn opened(path: &Path, options: Options) -> Result<Self, StoreError> {
        let mut db = Connection::open(path).map_err(trouble)?;
        db.busy_timeout(options.busy).map_err(trouble)?;
        if db.is_readonly("main").map_err(trouble)? {
            return Err(StoreError::new(Trouble::Unavailable, "the file can only be read"));
        }
        // A file that is refused must be left as it is, and changing the journal writes to it.
        schema::refuse_newer_file(&db)?;
        let synchronous = match options.durability {
            Durability::Host => "FULL",
            Durability::Process => "NORMAL",
        };
        let journal: String =
            db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(trouble)?;
        // SQLite says by which one it will go: what lives in memory has none that outlives it.
        if journal != "wal" {
            let words = format!("the journal is {journal:?}, and what is promised needs a file with \"wal\"");
            return Err(StoreError::new(Trouble::Unavailable, words));
        }
        db.pragma_update(None, "synchronous", synchronous).map_err(trouble)?;
        let page: i64 = db.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(trouble)?;
        let pages = options.max_bytes / page.unsigned_abs().max(1);
        let pages = pages.clamp(16, u64::from(u32::MAX) - 1).cast_signed();
        db.pragma_update(None, "max_page_count", pages).map_err(trouble)?;
        schema::migrate(&mut db)?;
        let writer = Writer::start(db).map_err(|error| StoreError::new(Trouble::Unavailable, error))?;
        Ok(Self { writer, finished: Arc::default() })
    }
}

/// Unless it was opened for [`Durability::Process`], which is said aloud.
impl Durable for SqliteStore {}

impl KeyStore for SqliteStore {
    async fn claim(&self, id: RecordId, attempt: Attempt) -> Result<Claim, StoreError> {
        self.writer.ask(move |rows, now| steps::claim(rows, now, &id, &attempt)).await
    }

    async fn renew(&self, hold: Hold, lease: Duration) -> Result<(), Lost> {
        self.writer.ask(move |rows, now| steps::renew(rows, now, &hold, lease)).await
    }

    async fn finish(&self, hold: Hold, ending: Ending, ttl: Duration) -> Result<(), Lost> {
        let (to, answer) = ending.into_parts();
        let finished =
            self.writer.ask(move |rows, now| steps::finish(rows, now, &hold, to, answer.as_ref(), ttl)).await;
        self.finished.notify_waiters();
        finished
    }

    async fn set_recovery(&self, hold: Hold, recovery: Recovery) -> Result<(), Lost> {
        self.writer.ask(move |rows, now| steps::set_recovery(rows, now, &hold, &recovery)).await
    }

    async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        self.writer.ask(move |rows, now| rows.purge(limit, now).map_err(trouble)).await
    }

    async fn parked(&self, after: Option<RecordId>, limit: usize) -> Result<Vec<Parked>, StoreError> {
        self.writer.ask(move |rows, now| rows.parked(after, limit, now).map_err(trouble)).await
    }

    async fn resolve(
        &self,
        id: RecordId,
        token: u64,
        resolution: Resolution,
        ttl: Duration,
    ) -> Result<(), Lost> {
        let (to, answer) = resolution.into_parts();
        let resolved = self
            .writer
            .ask(move |rows, now| steps::resolve(rows, now, &id, token, to, answer.as_ref(), ttl))
            .await;
        self.finished.notify_waiters();
        resolved
    }

    /// When some record is finished through this store, and five times a second for those of other processes.
    async fn changed(&self, _: RecordId) {
        let _ = tokio::time::timeout(Duration::from_millis(200), self.finished.notified()).await;
    }
}

/// The steps are done at once, while this is called: a `rusqlite` transaction belongs to one thread. It must be over the file
/// of this store. The [module](super) has a handler that ends so.
impl InTx<rusqlite::Transaction<'_>> for SqliteStore {
    fn finish_in(
        &self,
        tx: &mut rusqlite::Transaction<'_>,
        hold: Hold,
        ending: Ending,
        ttl: Duration,
    ) -> impl Future<Output = Result<(), Lost>> + Send {
        let (to, answer) = ending.into_parts();
        ready(self.within(tx, |rows, now| steps::finish(rows, now, &hold, to, answer.as_ref(), ttl)))
    }

    fn set_recovery_in(
        &self,
        tx: &mut rusqlite::Transaction<'_>,
        hold: Hold,
        recovery: Recovery,
    ) -> impl Future<Output = Result<(), Lost>> + Send {
        ready(self.within(tx, |rows, now| steps::set_recovery(rows, now, &hold, &recovery)))
    }
}

impl SqliteStore {
    fn within(
        &self,
        tx: &rusqlite::Transaction<'_>,
        step: impl FnOnce(&Rows<'_>, Moment) -> Result<(), Lost>,
    ) -> Result<(), Lost> {
        let rows = Rows(tx);
        let seen = rows.clock().map_err(|error| Lost::Store(trouble(error)))?;
        step(&rows, self.writer.now().max(seen))
    }
}

impl<T: Send> Comes for Result<T, StoreError> {
    fn has_failed(&self) -> bool {
        // A quota is a decision; the rest is SQLite's word.
        matches!(self, Err(error) if error.trouble() != Trouble::Quota)
    }

    fn from_trouble(error: StoreError) -> Self {
        Err(error)
    }
}

impl Comes for Result<(), Lost> {
    fn has_failed(&self) -> bool {
        matches!(self, Err(Lost::Store(_)))
    }

    fn from_trouble(error: StoreError) -> Self {
        Err(Lost::Store(error))
    }
}

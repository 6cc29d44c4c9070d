//! Where the records and the effects of one run stand: a place of its own, gone with it.

use crate::{
    Op, books,
    disk::Disk,
    ledger::{Happened, Ledger},
    orders::{Faults, Orders},
    pair::Pair,
    postgres::Postgres,
    servers::Redis,
};
use buttress::{
    idempotency::{Effects, KeyStore},
    store::{PgStore, RedisStore, SqliteStore},
};
use deadpool_postgres::{Manager, Pool};
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};
use tokio_postgres::NoTls;

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// A file of SQLite.
    File,
    /// The server of PostgreSQL that `BUTTRESS_TEST_POSTGRES` names.
    Postgres,
    /// A PostgreSQL of the run's own, with these settings.
    OwnPostgres(&'static [&'static str]),
    /// A primary and a standby of the run's own; `synchronous`: what is acknowledged is on both.
    PostgresPair {
        /// Whether it is.
        synchronous: bool,
    },
    /// A Redis of the run's own.
    Redis,
    /// A file of SQLite on a disk of the run's own, which loses what was not synced when the power goes.
    Disk,
    /// The same, on one that acknowledges each sync and does nothing.
    LyingDisk,
}

/// The lease of every run.
pub const LEASE: Duration = Duration::from_millis(1000);

/// Records, effects, and the program of the nodes over them.
#[derive(Debug)]
pub struct Place {
    /// What nodes are started from.
    pub program: &'static str,
    /// Everything that is a file.
    pub dir: PathBuf,
    /// As a node is told.
    pub store: String,
    /// A server of its own.
    pub server: Server,
    pool: Option<Pool>,
}

/// What runs for this place alone.
#[derive(Debug)]
pub enum Server {
    /// Nothing.
    None,
    /// A PostgreSQL.
    Postgres(Postgres),
    /// Two of them.
    Pair(Pair),
    /// A Redis.
    Redis(Redis),
    /// A disk.
    Disk(Disk),
}

impl Place {
    /// `None`, said aloud, where the server is missing.
    ///
    /// # Panics
    /// Where it cannot be made.
    pub async fn new(program: &'static str, over: Over) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("crash_{}_{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let dir = std::env::temp_dir().join(&name);
        std::fs::create_dir_all(&dir).expect("a directory");
        let mut place = Self { program, dir, store: String::new(), server: Server::None, pool: None };
        match over {
            Over::File => place.in_file(),
            Over::Postgres => {
                let Ok(url) = std::env::var("BUTTRESS_TEST_POSTGRES") else {
                    println!("skipped: BUTTRESS_TEST_POSTGRES is not set");
                    return None;
                };
                place.on_postgres(&url, &name).await;
            }
            Over::OwnPostgres(settings) => {
                // A while: a cluster is made.
                let server = tokio::task::block_in_place(|| Postgres::start(&place.dir, settings))?;
                place.on_postgres(&server.url(), &name).await;
                place.server = Server::Postgres(server);
            }
            Over::PostgresPair { synchronous } => {
                let pair = Pair::start(&place.dir, synchronous).await?;
                place.on_postgres(&pair.url(), &name).await;
                place.server = Server::Pair(pair);
            }
            Over::Redis => {
                let server = Redis::start(&place.dir).await?;
                place.store = server.url();
                place.server = Server::Redis(server);
            }
            Over::Disk | Over::LyingDisk => {
                let at = place.dir.join("disk");
                let disk = Disk::new(&at)?;
                place.move_file(&at.join("records.db"));
                place.server = Server::Disk(disk);
            }
        }
        Some(place)
    }

    fn in_file(&mut self) {
        let path = self.dir.join("records.db");
        // The application's file: its table stands beside the records.
        books::open(&path).execute_batch(books::TABLE).expect("made");
        self.store = path.display().to_string();
    }

    /// The same file elsewhere, on a disk of its own say.
    ///
    /// # Panics
    /// Where it is no place of a file, or cannot be made there.
    pub fn move_file(&mut self, to: &Path) {
        books::open(to).execute_batch(books::TABLE).expect("made");
        self.store = to.display().to_string();
    }

    async fn on_postgres(&mut self, url: &str, schema: &str) {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server answers");
        tokio::spawn(connection);
        client.batch_execute(&format!("CREATE SCHEMA {schema}")).await.expect("made");
        let with = if url.contains('?') { '&' } else { '?' };
        let store = format!("{url}{with}options=-csearch_path%3D{schema}");
        let config = store.parse().expect("a connection string");
        let pool = Pool::builder(Manager::new(config, NoTls)).max_size(2).build().expect("a pool");
        let client = pool.get().await.expect("a connection");
        client.batch_execute(books::TABLE).await.expect("made");
        PgStore::new(pool.clone()).migrate().await.expect("made");
        drop(client);
        (self.store, self.pool) = (store, Some(pool));
    }

    /// For its nodes.
    #[must_use]
    pub fn orders(&self, effects: Effects) -> Orders {
        Orders {
            store: self.store.clone(),
            effects,
            ledger: self.dir.join("ledger"),
            lease: LEASE,
            port: 0,
            faults: Faults::default(),
            clock: None,
        }
    }

    /// What has really happened, in the file and in the table.
    ///
    /// # Panics
    /// Where they cannot be read.
    pub async fn happened(&self) -> Happened {
        let mut happened = Ledger::at(&self.dir.join("ledger")).read();
        let mut once = |tenant: i64, number: i64| {
            let small = |number| u32::try_from(number).expect("small");
            happened.once(Op { tenant: small(tenant), number: small(number) });
        };
        if let Some(pool) = &self.pool {
            let client = pool.get().await.expect("a connection");
            for row in client.query("SELECT tenant, number FROM effects", &[]).await.expect("it answers") {
                once(row.get(0), row.get(1));
            }
        } else if let Server::None | Server::Disk(_) = self.server {
            let db = books::open(self.store.as_ref());
            let mut rows = db.prepare("SELECT tenant, number FROM effects").expect("a table");
            let mut rows = rows.query([]).expect("it answers");
            while let Some(row) = rows.next().expect("it answers") {
                once(row.get(0).expect("a number"), row.get(1).expect("a number"));
            }
        }
        happened
    }

    /// How many records the store lists as unknown.
    ///
    /// # Panics
    /// Where it does not answer.
    pub async fn parked(&self) -> usize {
        const ALL: usize = 1_000_000;
        match (&self.pool, &self.server) {
            (Some(pool), _) => PgStore::new(pool.clone()).parked(None, ALL).await,
            (None, Server::Redis(_)) => {
                RedisStore::connect(&self.store).await.expect("it answers").parked(None, ALL).await
            }
            (None, _) => SqliteStore::open(&self.store).expect("it opens").parked(None, ALL).await,
        }
        .expect("it answers")
        .len()
    }

    /// How many records say that somebody runs them.
    ///
    /// # Panics
    /// Where the store does not answer.
    pub async fn running(&self) -> i64 {
        const COUNT: &str = "SELECT count(*) FROM buttress_idem WHERE state = 0";
        match (&self.pool, &self.server) {
            (Some(pool), _) => {
                let client = pool.get().await.expect("a connection");
                client.query_one(COUNT, &[]).await.expect("it answers").get(0)
            }
            (None, Server::Redis(server)) => server.running().await,
            (None, _) => {
                let db = books::open(self.store.as_ref());
                db.query_row(COUNT, [], |row| row.get(0)).expect("it answers")
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Its server writes there until it ends.
        self.server = Server::None;
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

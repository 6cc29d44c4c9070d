//! Effect and record in one transaction: how a `SameTx` handler writes both, over a file and over a server.

use crate::{
    Op,
    orders::Faults,
    point::{Fuse, Point},
    wrong::Wrong,
};
use axum::{body::Bytes, http::Response};
use buttress::{
    http::Idempotent,
    store::{PgStore, SqliteStore},
};
use deadpool_postgres::Pool;
use rusqlite::{Connection, TransactionBehavior};
use std::{path::PathBuf, time::Duration};

/// The table of the effects.
pub const TABLE: &str = "CREATE TABLE effects (tenant bigint, number bigint)";

/// Where effects and records stand side by side.
#[derive(Clone)]
pub enum Books {
    /// In a file.
    File(SqliteStore, PathBuf),
    /// On a server.
    Postgres(PgStore, Pool),
}

/// An operation and the answer that it ends with.
pub struct Entry<'a> {
    /// What is run.
    pub idem: &'a Idempotent,
    /// Which.
    pub op: Op,
    /// What its caller and everybody after is told.
    pub answer: Response<Bytes>,
}

impl Books {
    /// Writes both; `None` where another attempt owns the operation by now.
    pub async fn write(&self, entry: Entry<'_>, faults: Faults, fuse: &Fuse) -> Option<Response<Bytes>> {
        let ignores = faults.wrong == Some(Wrong::IgnoresFence);
        match self {
            // A transaction of rusqlite stays on its thread.
            Self::File(store, path) => tokio::task::block_in_place(|| {
                let mut db = open(path);
                let mut tx = db.transaction_with_behavior(TransactionBehavior::Immediate).expect("begun");
                let Op { tenant, number } = entry.op;
                tx.execute("INSERT INTO effects VALUES (?1, ?2)", [tenant, number]).expect("written");
                fuse.pass(Point::EffectDone);
                let finishing = entry.idem.finish_in(store, &mut tx, entry.answer);
                let finished = tokio::runtime::Handle::current().block_on(finishing);
                fuse.pass(Point::FinishSent);
                if finished.is_ok() || ignores {
                    tx.commit().expect("committed");
                    fuse.pass(Point::FinishAcked);
                }
                finished.ok()
            }),
            Self::Postgres(store, pool) => {
                let mut client = pool.get().await.expect("a connection");
                let mut tx = client.transaction().await.expect("begun");
                let (tenant, number) = (i64::from(entry.op.tenant), i64::from(entry.op.number));
                let insert = "INSERT INTO effects VALUES ($1, $2)";
                tx.execute(insert, &[&tenant, &number]).await.expect("written");
                fuse.pass(Point::EffectDone);
                let finished = entry.idem.finish_in(store, &mut tx, entry.answer).await;
                fuse.pass(Point::FinishSent);
                if finished.is_ok() || ignores {
                    tx.commit().await.expect("committed");
                    fuse.pass(Point::FinishAcked);
                }
                finished.ok()
            }
        }
    }
}

/// The application's own connection to the file.
///
/// # Panics
/// Where it does not open.
#[must_use]
pub fn open(path: &std::path::Path) -> Connection {
    let db = Connection::open(path).expect("it opens");
    db.busy_timeout(Duration::from_secs(5)).expect("set");
    db
}

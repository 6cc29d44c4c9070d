//! SQLite: one file, every step synced; and with `Durability::Process`.

use crate::{
    Bench,
    bare::{Bare, fresh},
    claims::{ANSWER, Claims},
};
use buttress::store::{SqliteStore, sqlite::Durability};
use rusqlite::Connection;
use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

/// A directory of this run's own; gone at the end.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("buttress-bench-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a place for files");
        Self(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

pub(crate) fn measure(bench: &Bench) {
    for (durability, word) in [(Durability::Host, "FULL"), (Durability::Process, "NORMAL")] {
        let dir = Dir::new(word);
        let store = SqliteStore::options().durability(durability).open(dir.0.join("ours.db"));
        let store = store.expect("the file opens");
        bench.row(&format!("SQLite, `synchronous = {word}`: buttress"), || Claims::over(store.clone()));
        drop(store);

        let db = table(&dir.0.join("bare.db"), word);
        bench.row(
            &format!("SQLite, `synchronous = {word}`: bare `INSERT`, a transaction each; no end"),
            || {
                let db = Arc::clone(&db);
                Bare(move || {
                    // As a handler would call it: on a thread that may block.
                    let db = Arc::clone(&db);
                    async move { tokio::task::block_in_place(|| insert(&db.lock().expect("no panic"))) }
                })
            },
        );
    }
}

fn table(path: &Path, synchronous: &str) -> Arc<Mutex<Connection>> {
    let db = Connection::open(path).expect("the file opens");
    db.pragma_update(None, "journal_mode", "WAL").expect("a journal");
    db.pragma_update(None, "synchronous", synchronous).expect("a setting");
    db.execute_batch("CREATE TABLE keys (key BLOB PRIMARY KEY, answer BLOB) STRICT, WITHOUT ROWID")
        .expect("a table");
    Arc::new(Mutex::new(db))
}

fn insert(db: &Connection) {
    let mut statement = db.prepare_cached("INSERT INTO keys VALUES (?1, ?2)").expect("a statement");
    assert_eq!(statement.execute((fresh(), ANSWER)).expect("written"), 1);
}

//! What is true of every store, over a file; and what a file promises beside.

use buttress::{store::SqliteStore, testing::key_store::Stage};
use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

mod crash;
mod file;
mod in_tx;

/// A directory that goes with the test.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("buttress-store-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a directory");
        Self(dir)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.join("records.db")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A disk takes its time.
const UNIT: Duration = Duration::from_millis(250);

mod facts {
    use super::*;

    /// The file goes at once: who has it open keeps it.
    async fn file() -> Option<Stage<SqliteStore>> {
        let dir = Dir::new();
        Some(Stage::new(SqliteStore::open(dir.path()).expect("it opens"), UNIT))
    }

    buttress::key_store_facts!(file, #[tokio::test(flavor = "multi_thread", worker_threads = 2)]);
}

//! How a file is opened: what may be lost, and how large it may grow.

use super::SqliteStore;
use crate::idempotency::StoreError;
use std::{path::Path, time::Duration};

/// How the file is kept. See [`SqliteStore::options`].
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub(super) durability: Durability,
    pub(super) max_bytes: u64,
    pub(super) busy: Duration,
}

/// What a step that was answered outlives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// The death of the process and of the host: every step is synced to the disk.
    #[default]
    Host,
    /// The death of the process alone: when the power fails, the steps of the last moments may be gone, and what
    /// they were about may be done twice.
    Process,
}

const MAX_BYTES: u64 = 16 << 30;
const BUSY: Duration = Duration::from_secs(5);

impl Options {
    pub(super) const fn new() -> Self {
        Self { durability: Durability::Host, max_bytes: MAX_BYTES, busy: BUSY }
    }

    /// What a step that was answered outlives.
    #[must_use]
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How large the file may grow; 16 GiB where nothing is said, and never less than 64 KiB. A claim that would make it
    /// larger is [`Trouble::Full`](crate::idempotency::Trouble::Full): nothing is thrown out to make room.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// How long a step waits for another process that writes into the file; 5 s where nothing is said.
    #[must_use]
    pub const fn busy(mut self, wait: Duration) -> Self {
        self.busy = wait;
        self
    }

    /// Opens the file, and makes it where there is none. Blocks meanwhile.
    ///
    /// # Errors
    /// Where it cannot be opened, or opened only to be read; is no database; or was written by a newer version: then it is left as it
    /// was. Where it is no file: `:memory:` and an empty path forget, for which there is
    /// [`MemoryStore`](crate::store::memory::MemoryStore).
    pub fn open(self, path: impl AsRef<Path>) -> Result<SqliteStore, StoreError> {
        SqliteStore::opened(path.as_ref(), self)
    }
}

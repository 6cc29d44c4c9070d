//! The store itself: finds the shard, reads the clock, and never waits under a lock.

use super::{
    found::{Found, Secret},
    room::Room,
    shard::{Counts, Shard},
    sync::{AtomicUsize, Mutex, MutexGuard, PoisonError, Relaxed},
    tenants::Tenants,
};
use crate::{
    clock::{self, Instant},
    idempotency::{Moment, RecordId},
};
use std::{fmt, sync::Arc, time::Duration};

const SHARDS: usize = 64;

/// Records in memory. A clone is the same store. See the [module](super).
#[derive(Clone)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

struct Inner {
    shards: [Mutex<Shard>; SHARDS],
    /// Of the hashes by which records are found.
    secret: Secret,
    counts: Counts,
    /// Where the next purge begins.
    next: AtomicUsize,
    began: Instant,
}

impl MemoryStore {
    /// An empty one: at most 100 000 records, and 64 MiB.
    #[must_use]
    pub fn new() -> Self {
        let counts = Counts { room: Room::new(100_000, 64 << 20), tenants: Tenants::default() };
        let shards = std::array::from_fn(|_| Mutex::default());
        let (secret, next) = (Secret::new(), AtomicUsize::new(0));
        Self { inner: Arc::new(Inner { shards, secret, counts, next, began: clock::now() }) }
    }

    /// How many records there may be; 0 counts as 1. Fewer than there are deletes none: new ones are refused until enough
    /// have left.
    #[must_use]
    pub fn max_records(self, records: usize) -> Self {
        self.inner.counts.room.max_records.store(records.max(1), Relaxed);
        self
    }

    /// How many bytes they may take, by the measure of the [module](super); too few for one record count as enough for one.
    #[must_use]
    pub fn max_bytes(self, bytes: usize) -> Self {
        self.inner.counts.room.max_bytes.store(bytes.max(super::RECORD_BYTES), Relaxed);
        self
    }

    /// How many records there are, those that have expired and not left included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.counts.room.records.load(Relaxed)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.inner.counts.room.bytes.load(Relaxed)
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.inner.counts
    }

    pub(super) fn now(&self) -> Moment {
        let since = clock::since(clock::now(), self.inner.began);
        Moment::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn instant(&self, moment: Moment) -> Instant {
        clock::after(self.inner.began, Duration::from_micros(moment.as_micros()))
    }

    pub(super) fn found(&self, id: RecordId) -> Found {
        Found::new(&self.inner.secret, id)
    }

    pub(super) fn shard(&self, found: &Found) -> MutexGuard<'_, Shard> {
        lock(&self.inner.shards[found.shard()])
    }

    /// Every shard, beginning with another one each time.
    pub(super) fn shards(&self) -> impl Iterator<Item = MutexGuard<'_, Shard>> {
        let first = self.inner.next.fetch_add(1, Relaxed);
        (0..SHARDS).map(move |at| lock(&self.inner.shards[first.wrapping_add(at) % SHARDS]))
    }
}

/// A shard is changed by arithmetic and by the map: what could panic half-way is out of memory, and ends the process.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("records", &self.len()).field("bytes", &self.bytes()).finish()
    }
}

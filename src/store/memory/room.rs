//! How much there is, and how much there may be.

use super::sync::{AtomicUsize, Relaxed};

/// What a record counts beside its answer and its recovery point: about what it takes in the map and in the queue of expiry.
pub const RECORD_BYTES: usize = 384;

/// Totals over all shards. Each number stands for itself: no other memory hangs on them.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) records: AtomicUsize,
    pub(super) bytes: AtomicUsize,
    pub(super) max_records: AtomicUsize,
    pub(super) max_bytes: AtomicUsize,
}

impl Room {
    pub(super) fn new(max_records: usize, max_bytes: usize) -> Self {
        Self {
            records: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            max_records: AtomicUsize::new(max_records),
            max_bytes: AtomicUsize::new(max_bytes),
        }
    }

    /// A place for one more record, if there is one.
    pub(super) fn enter(&self) -> bool {
        if self.bytes.fetch_add(RECORD_BYTES, Relaxed) + RECORD_BYTES > self.max_bytes.load(Relaxed) {
            self.bytes.fetch_sub(RECORD_BYTES, Relaxed);
            return false;
        }
        if self.records.fetch_add(1, Relaxed) >= self.max_records.load(Relaxed) {
            self.records.fetch_sub(1, Relaxed);
            self.bytes.fetch_sub(RECORD_BYTES, Relaxed);
            return false;
        }
        true
    }

    /// A record of that size has gone.
    pub(super) fn leave(&self, bytes: usize) {
        self.records.fetch_sub(1, Relaxed);
        self.bytes.fetch_sub(bytes, Relaxed);
    }

    /// A record has another size now.
    pub(super) fn resize(&self, before: usize, after: usize) {
        // The sum wraps, and so does a difference below zero.
        self.bytes.fetch_add(after.wrapping_sub(before), Relaxed);
    }
}

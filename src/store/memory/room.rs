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

    /// A place for one more record, if there is one. At no moment do the totals show more than there may be: nobody counts first and
    /// asks then.
    pub(super) fn enter(&self) -> bool {
        if !more(&self.records, 1, &self.max_records) {
            return false;
        }
        let enters = more(&self.bytes, RECORD_BYTES, &self.max_bytes);
        if !enters {
            self.records.fetch_sub(1, Relaxed);
        }
        enters
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

/// So many more, where there may be as many.
fn more(total: &AtomicUsize, add: usize, max: &AtomicUsize) -> bool {
    let max = max.load(Relaxed);
    let within = |now: usize| now.checked_add(add).filter(|after| *after <= max);
    total.fetch_update(Relaxed, Relaxed, within).is_ok()
}

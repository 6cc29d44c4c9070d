//! Those who wait for the end of an attempt that somebody else makes: bounded for each operation and in all.

use super::RecordId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Who waits. Nobody comes here who was not told that the operation runs already.
#[derive(Debug)]
pub(super) struct Line {
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    by_record: HashMap<RecordId, usize>,
    all: usize,
    max: usize,
    max_each: usize,
}

impl Line {
    pub(super) fn new(max: usize, max_each: usize) -> Self {
        Self { waiting: Mutex::new(Waiting { by_record: HashMap::new(), all: 0, max, max_each }) }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_max(&self, max: usize, max_each: usize) {
        let mut waiting = self.lock();
        (waiting.max, waiting.max_each) = (max, max_each);
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().all
    }

    /// A place in the line, if there is one.
    pub(super) fn join(self: &Arc<Self>, id: RecordId) -> Option<Stand> {
        let mut waiting = self.lock();
        let each = waiting.by_record.get(&id).copied().unwrap_or(0);
        if waiting.all >= waiting.max || each >= waiting.max_each {
            return None;
        }
        waiting.all += 1;
        waiting.by_record.insert(id, each + 1);
        Some(Stand { line: Arc::clone(self), id })
    }
}

/// A place in the line; dropped, it is free again.
#[derive(Debug)]
pub(super) struct Stand {
    line: Arc<Line>,
    id: RecordId,
}

impl Drop for Stand {
    fn drop(&mut self) {
        let mut waiting = self.line.lock();
        waiting.all = waiting.all.saturating_sub(1);
        if let Some(each) = waiting.by_record.get_mut(&self.id) {
            *each -= 1;
            if *each == 0 {
                waiting.by_record.remove(&self.id);
            }
        }
    }
}

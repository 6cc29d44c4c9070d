//! The time of a file: that of the host when the store was opened, and from there on by a clock that nobody sets.

use crate::{
    clock::{self, Instant},
    idempotency::Moment,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

/// The clock of one store. What the file has seen already is put against it where it is used: time in a file never goes back. Nor
/// does it stand still where the file has seen a later time than the host shows: the clock [follows](Self::follow), else a lease that
/// was written by a clock that was ahead would last until the host's has come so far.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    base: Moment,
    since: Instant,
    /// By how many microseconds the file is ahead of the host.
    ahead: Arc<AtomicU64>,
}

impl Clock {
    pub(super) fn new() -> Self {
        // A host whose clock stands before 1970 begins there.
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { base: Moment::default().after(since_epoch), since: clock::now(), ahead: Arc::default() }
    }

    pub(super) fn now(&self) -> Moment {
        self.own().after(Duration::from_micros(self.ahead.load(Relaxed)))
    }

    /// The file has seen this time. It is compared with a time that is read later, so that two clocks that follow each other
    /// never drive each other on.
    pub(super) fn follow(&self, seen: Moment) {
        let ahead = seen.since(self.own());
        self.ahead.fetch_max(u64::try_from(ahead.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    fn own(&self) -> Moment {
        self.base.after(clock::since(clock::now(), self.since))
    }
}

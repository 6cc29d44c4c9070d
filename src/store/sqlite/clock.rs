//! The time of a file: that of the host when the store was opened, and from there on by a clock that nobody sets.

use crate::{
    clock::{self, Instant},
    idempotency::Moment,
};
use std::time::SystemTime;

/// The clock of one store. What the file has seen already is put against it where it is used: time in a file never goes back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    base: Moment,
    since: Instant,
}

impl Clock {
    pub(super) fn new() -> Self {
        // A host whose clock stands before 1970 begins there.
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { base: Moment::default().after(since_epoch), since: clock::now() }
    }

    pub(super) fn now(&self) -> Moment {
        self.base.after(clock::since(clock::now(), self.since))
    }
}

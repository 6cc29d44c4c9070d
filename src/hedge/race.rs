//! What happens in a race when an attempt ends, or another one is due: decided here, without a clock or a future.

use crate::outcome::{Class, Outcome};

/// Where a race stands. The first attempt runs from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Race {
    /// Hedges that may still be started.
    left: u8,
    /// Of those, the ones that are due now.
    owed: u8,
    /// Attempts that were sent and have not ended.
    running: u8,
    /// A hedge is paid for, and waits for the service to be ready.
    starting: bool,
}

impl Race {
    pub(super) const fn new(hedges: u8) -> Self {
        Self { left: hedges, owed: 0, running: 1, starting: false }
    }

    /// An attempt has ended like this. Whether it has won: then its answer is the answer.
    pub(super) fn ended(&mut self, outcome: &Outcome) -> bool {
        self.running = self.running.saturating_sub(1);
        match outcome.class() {
            // A caller of its own class of endings has nothing to gain from another one of these.
            Class::Ok | Class::Panicked | Class::Cancelled => return true,
            // Who names a time, or says no, is asked again by a retry, if at all.
            Class::Failed | Class::TimedOut
                if outcome.retry_after().is_none() && !outcome.asks_not_to_retry() =>
            {
                self.due();
            }
            _ => self.stop(),
        }
        false
    }

    /// It is time for another one, or an attempt has failed.
    pub(super) fn due(&mut self) {
        if self.owed < self.left {
            self.owed += 1;
        }
    }

    /// No more are started. One that is being started stays.
    pub(super) fn stop(&mut self) {
        (self.left, self.owed) = (0, 0);
    }

    /// Whether one is to be started now. One at a time: the next is due when this one is on its way.
    pub(super) const fn wants(&self) -> bool {
        self.owed > 0 && !self.starting
    }

    /// Whether more may ever be started.
    pub(super) const fn may_go_on(&self) -> bool {
        self.left > 0
    }

    pub(super) const fn is_starting(&self) -> bool {
        self.starting
    }

    /// One is paid for.
    pub(super) fn paid(&mut self) {
        self.left -= 1;
        self.owed -= 1;
        self.starting = true;
    }

    /// It is on its way.
    pub(super) fn started(&mut self) {
        self.starting = false;
        self.running += 1;
    }

    /// It never will be.
    pub(super) fn failed_to_start(&mut self) {
        self.starting = false;
        self.stop();
    }

    /// Whether nothing runs, and nothing will.
    pub(super) const fn is_over(&self) -> bool {
        self.running == 0 && !self.starting && self.owed == 0
    }
}

/// Whether an answer takes the place of the one that was kept, as the last of those that were no answer: what the service
/// said is worth more than that a layer inside did not let the attempt through.
pub(super) fn replaces(kept: Option<Outcome>, by: Outcome) -> bool {
    let said = |outcome: Outcome| outcome.class() != Class::Rejected;
    kept.is_none_or(|kept| said(by) || !said(kept))
}

#[cfg(test)]
mod tests;

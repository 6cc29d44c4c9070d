//! What an inner service has seen: the counts that every law is judged by.

use crate::cause::{self, Cause};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What has happened to an inner service so far, all its clones together: what [`Handle::counts`](super::Handle::counts)
/// and [`Seen::counts`] give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Polls of `poll_ready`.
    pub ready_polls: u64,
    /// Times that readiness was granted anew; asking a readied instance again grants nothing more.
    pub readied: u64,
    /// Instances that are readied now, and neither called nor dropped yet.
    pub held: u64,
    /// Calls.
    pub calls: u64,
    /// Polls of the futures of those calls.
    pub polls: u64,
    /// Calls that answered, with a response or an error.
    pub answered: u64,
    /// Calls that panicked, in `call` or in a poll.
    pub panicked: u64,
    /// Calls that were dropped before they answered.
    pub dropped: u64,
    /// Calls that are running now.
    pub in_flight: u64,
    /// The most calls that ever ran at once.
    pub most_in_flight: u64,
    /// Violation: an instance was called that was not readied. A clone starts unreadied.
    pub called_unreadied: u64,
    /// Violation: a future was polled after it had ended.
    pub polled_after_end: u64,
}

impl Counts {
    /// How often the contract of tower or of futures was violated.
    #[must_use]
    pub const fn violations(&self) -> u64 {
        self.called_unreadied + self.polled_after_end
    }
}

/// A view of the counts of a [`Probe`](super::Probe) or a [`Script`](super::Script), to keep while the service itself
/// goes into a layer. Given by [`Script::seen`](super::Script::seen), where an example stands.
#[derive(Clone, Debug, Default)]
pub struct Seen(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    counts: Counts,
    last_cause: Option<Cause>,
}

impl Seen {
    /// The counts at this moment.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// What was said, by [`cause::during`], around the latest drop of a call that had not answered.
    #[must_use]
    pub fn last_cause(&self) -> Option<Cause> {
        self.lock().last_cause
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.lock().counts);
    }
}

/// The readiness of one instance. It belongs to the instance: a clone starts without.
#[derive(Debug)]
pub(super) struct Seat {
    seen: Seen,
    readied: bool,
}

impl Seat {
    pub(super) fn new(seen: Seen) -> Self {
        Self { seen, readied: false }
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    pub(super) fn asked(&self) {
        self.seen.count(|counts| counts.ready_polls += 1);
    }

    pub(super) fn granted(&mut self) {
        if !self.readied {
            self.readied = true;
            self.seen.count(|counts| {
                counts.readied += 1;
                counts.held += 1;
            });
        }
    }

    fn given_up(&mut self) -> bool {
        let was = std::mem::take(&mut self.readied);
        if was {
            self.seen.count(|counts| counts.held -= 1);
        }
        was
    }

    /// The instance is called: its readiness is used up.
    pub(super) fn called(&mut self) -> Flight {
        let readied = self.given_up();
        self.seen.count(|counts| {
            counts.calls += 1;
            counts.called_unreadied += u64::from(!readied);
            counts.in_flight += 1;
            counts.most_in_flight = counts.most_in_flight.max(counts.in_flight);
        });
        Flight { seen: self.seen.clone(), ended: false }
    }
}

impl Clone for Seat {
    fn clone(&self) -> Self {
        Self::new(self.seen.clone())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.given_up();
    }
}

/// One call on its way.
#[derive(Debug)]
pub(super) struct Flight {
    seen: Seen,
    ended: bool,
}

impl Flight {
    /// Counts a poll; whether the call is still running.
    pub(super) fn polled(&self) -> bool {
        self.seen.count(|counts| {
            counts.polls += 1;
            counts.polled_after_end += u64::from(self.ended);
        });
        !self.ended
    }

    pub(super) fn answered(&mut self) {
        self.end(|counts| counts.answered += 1);
    }

    pub(super) fn panicked(&mut self) {
        self.end(|counts| counts.panicked += 1);
    }

    fn end(&mut self, how: impl FnOnce(&mut Counts)) {
        self.ended = true;
        self.seen.count(|counts| {
            counts.in_flight -= 1;
            how(counts);
        });
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if !self.ended {
            self.seen.lock().last_cause = Some(cause::current());
            self.end(|counts| counts.dropped += 1);
        }
    }
}

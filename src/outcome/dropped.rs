//! What it means that a call was dropped before it answered: one rule for every guard that counts.

use super::{Class, Outcome};
use crate::cause::Cause;

/// What a guard knows when its call is dropped without an answer, and what it makes of it.
///
/// The rules, the first that fits:
///
/// 1. dropped while the inside was being called or polled: it panicked;
/// 2. a layer of ours said that another attempt has won: nothing;
/// 3. the call's known deadline has passed: a timeout, by the caller's own deadline, also where a layer of ours cut it;
/// 4. a layer of ours cut it: a timeout;
/// 5. the call is older than `abandoned_after`, and nothing good has come of it yet: a failure (somebody else's timeout
///    has cut it). A download or a stream that was good so far may be left after any time;
/// 6. else what the ticket was told to expect.
///
/// `thread::panicking()` is not asked: it is true for the innocent sibling of a call that panics, and false for a panic
/// that was caught before the drop.
///
/// ```
/// use buttress::{cause::Cause, outcome::{Class, Dropped, Outcome}};
///
/// let left = Dropped { busy: false, cause: Cause::Gone, deadline_passed: false, abandoned: false, expected: Outcome::CANCELLED };
/// assert_eq!(left.outcome().class(), Class::Cancelled);
/// assert_eq!(Dropped { cause: Cause::Cut, ..left }.outcome().class(), Class::TimedOut);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Dropped {
    /// The inside was being called or polled.
    pub busy: bool,
    /// What the layer that dropped it said: [`cause::current()`](crate::cause::current).
    pub cause: Cause,
    /// A deadline is known for the call, and has passed.
    pub deadline_passed: bool,
    /// The call has been running longer than a caller would wait.
    pub abandoned: bool,
    /// What [`Ticket::expect`](super::Ticket::expect) was told last; [`Outcome::CANCELLED`] before.
    pub expected: Outcome,
}

impl Dropped {
    /// What it comes to.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        if self.busy {
            return Outcome::PANICKED;
        }
        match self.cause {
            Cause::Lost => Outcome::CANCELLED,
            _ if self.deadline_passed => Outcome::TIMED_OUT.by_own_deadline(),
            Cause::Cut => Outcome::TIMED_OUT,
            Cause::Gone if self.abandoned && !matches!(self.expected.class(), Class::Ok) => Outcome::FAILED,
            Cause::Gone => self.expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: Dropped = Dropped {
        busy: false,
        cause: Cause::Gone,
        deadline_passed: false,
        abandoned: false,
        expected: Outcome::CANCELLED,
    };

    #[test]
    fn the_rules_hold_in_their_order() {
        let all = Dropped {
            busy: true,
            cause: Cause::Cut,
            deadline_passed: true,
            abandoned: true,
            expected: Outcome::CANCELLED,
        };
        assert_eq!(all.outcome(), Outcome::PANICKED);
        assert_eq!(Dropped { busy: false, cause: Cause::Lost, ..all }.outcome(), Outcome::CANCELLED);
        let cut = Dropped { busy: false, ..all };
        assert_eq!(cut.outcome(), Outcome::TIMED_OUT.by_own_deadline());
        assert_eq!(Dropped { deadline_passed: false, ..cut }.outcome(), Outcome::TIMED_OUT);
        let gone = Dropped { cause: Cause::Gone, ..cut };
        assert_eq!(gone.outcome(), Outcome::TIMED_OUT.by_own_deadline());
        assert_eq!(Dropped { deadline_passed: false, ..gone }.outcome(), Outcome::FAILED);
        assert_eq!(LEFT.outcome(), Outcome::CANCELLED);
    }

    #[test]
    fn what_was_good_so_far_does_not_turn_bad_with_age() {
        let old = Dropped { abandoned: true, ..LEFT };
        assert_eq!(old.outcome(), Outcome::FAILED);
        assert_eq!(Dropped { expected: Outcome::OK, ..old }.outcome(), Outcome::OK);
    }
}

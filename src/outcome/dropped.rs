//! What it means that a call was dropped before it answered: one rule for every guard that counts.

use super::{Class, Outcome};
use crate::cause::Cause;

/// What a guard knows when its call is dropped without an answer, and what it makes of it.
///
/// The rules, the first that fits:
///
/// 1. dropped while the inside was being called or polled: it panicked;
/// 2. a layer of ours said why: cut by a limit is a timeout, a lost race is nothing;
/// 3. the call's known deadline has passed: a timeout, by the caller's own deadline;
/// 4. the call is older than `abandoned_after`: a failure (somebody else's timeout has cut it);
/// 5. else what the ticket was told to expect.
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
            Cause::Cut => Outcome::TIMED_OUT,
            Cause::Lost => Outcome::CANCELLED,
            Cause::Gone if self.deadline_passed => Outcome::of(Class::TimedOut).by_own_deadline(),
            Cause::Gone if self.abandoned => Outcome::FAILED,
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
            expected: Outcome::OK,
        };
        assert_eq!(all.outcome(), Outcome::PANICKED);
        assert_eq!(Dropped { busy: false, ..all }.outcome(), Outcome::TIMED_OUT);
        assert_eq!(Dropped { busy: false, cause: Cause::Lost, ..all }.outcome(), Outcome::CANCELLED);
        let gone = Dropped { busy: false, cause: Cause::Gone, ..all };
        assert_eq!(gone.outcome(), Outcome::TIMED_OUT.by_own_deadline());
        assert_eq!(Dropped { deadline_passed: false, ..gone }.outcome(), Outcome::FAILED);
        assert_eq!(Dropped { deadline_passed: false, abandoned: false, ..gone }.outcome(), Outcome::OK);
        assert_eq!(LEFT.outcome(), Outcome::CANCELLED);
    }
}

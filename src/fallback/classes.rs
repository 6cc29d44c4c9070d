//! Which endings a fallback may stand in for.

use crate::{outcome::Class, rejected::Reason};

/// A set of classes. `Ok`, `Panicked` and `Cancelled` are never in it: a good answer is the answer, a panic is a bug, and
/// of a caller who left nobody is there to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Classes(u8);

const REJECTED: u8 = 1;
const THROTTLED: u8 = 1 << 1;
const FAILED: u8 = 1 << 2;
const TIMED_OUT: u8 = 1 << 3;
/// Rejections that speak of the caller: over its rate, too large. Hidden, it would never learn.
const CALLERS_DOING: u8 = 1 << 4;

impl Classes {
    /// What hides no bug: the service could not be asked, or did not answer in time.
    pub(super) const NARROW: Self = Self(REJECTED | TIMED_OUT);

    pub(super) fn of(classes: impl IntoIterator<Item = Class>) -> Self {
        Self(classes.into_iter().fold(0, |all, class| all | named(class)))
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a call that ended so is stood in for.
    pub(super) fn cover(self, class: Class, reason: Option<Reason>) -> bool {
        let bit = match (class, reason) {
            (Class::Rejected, Some(Reason::Limited | Reason::TooLarge)) => CALLERS_DOING,
            _ => named(class) & !CALLERS_DOING,
        };
        self.0 & bit != 0
    }
}

/// Whether a fallback may ever stand in for it.
pub(super) const fn may_be_covered(class: Class) -> bool {
    named(class) != 0
}

/// What is meant by naming the class: who names rejections means all of them.
const fn named(class: Class) -> u8 {
    match class {
        Class::Rejected => REJECTED | CALLERS_DOING,
        Class::Throttled => THROTTLED,
        Class::Failed => FAILED,
        Class::TimedOut => TIMED_OUT,
        Class::Ok | Class::Panicked | Class::Cancelled => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Class; 7] = [
        Class::Ok,
        Class::Rejected,
        Class::Throttled,
        Class::Failed,
        Class::TimedOut,
        Class::Panicked,
        Class::Cancelled,
    ];

    fn covered(classes: Classes) -> Vec<Class> {
        ALL.into_iter().filter(|class| classes.cover(*class, None)).collect()
    }

    #[test]
    fn the_default_covers_what_could_not_be_asked_and_what_came_too_late() {
        assert_eq!(covered(Classes::NARROW), [Class::Rejected, Class::TimedOut]);
        for reason in [
            Reason::Open,
            Reason::Full,
            Reason::Shed,
            Reason::TimedOut,
            Reason::DeadlinePassed,
            Reason::NoEndpoint,
            Reason::StoreDown,
        ] {
            assert!(Classes::NARROW.cover(Class::Rejected, Some(reason)), "{reason:?}");
        }
    }

    #[test]
    fn a_caller_over_its_rate_or_too_large_learns_so_unless_rejections_are_named() {
        for reason in [Reason::Limited, Reason::TooLarge] {
            assert!(!Classes::NARROW.cover(Class::Rejected, Some(reason)), "{reason:?}");
            assert!(Classes::of([Class::Rejected]).cover(Class::Rejected, Some(reason)), "{reason:?}");
            assert!(!Classes::of([Class::Failed]).cover(Class::Rejected, Some(reason)), "{reason:?}");
        }
    }

    #[test]
    fn a_good_answer_a_panic_and_a_caller_who_left_are_never_covered() {
        assert_eq!(
            covered(Classes::of(ALL)),
            [Class::Rejected, Class::Throttled, Class::Failed, Class::TimedOut]
        );
        assert_eq!(covered(Classes::of([])), []);
        assert_eq!(
            covered(Classes::NARROW.and(Classes::of([Class::Failed]))),
            [Class::Rejected, Class::Failed, Class::TimedOut]
        );
    }
}

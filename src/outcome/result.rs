//! One reading of one result.

use super::Class;
use crate::rejected::{Reason, Rejected};
use std::{fmt, time::Duration};

/// How a call ended, whether it may have reached the service, and how long the service asks to wait.
///
/// ```
/// use std::time::Duration;
/// use buttress::outcome::{Class, Outcome};
///
/// let busy = Outcome::of(Class::Throttled).hint(Duration::from_secs(2));
/// assert_eq!(busy.retry_after(), Some(Duration::from_secs(2)));
/// assert!(busy.reached());
/// assert!(!Outcome::FAILED.unreached().reached());
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Nanoseconds, all ones for none.
    hint: u64,
    /// The class 3, and the three below 1 each: an outcome is handed on at every call, and two words go in registers.
    rest: u64,
}

const NO_HINT: u64 = u64::MAX;

const UNREACHED: u64 = 1 << 3;
const OWN_DEADLINE: u64 = 1 << 4;
const NO_RETRY: u64 = 1 << 5;

impl Outcome {
    /// The service did its work.
    pub const OK: Self = Self::of(Class::Ok);
    /// The service failed.
    pub const FAILED: Self = Self::of(Class::Failed);
    /// The service asks for less.
    pub const THROTTLED: Self = Self::of(Class::Throttled);
    /// Nothing came in time.
    pub const TIMED_OUT: Self = Self::of(Class::TimedOut);
    /// The service panicked.
    pub const PANICKED: Self = Self::of(Class::Panicked);
    /// The caller left.
    pub const CANCELLED: Self = Self::of(Class::Cancelled);

    /// An outcome of that class which reached the service, without a hint.
    #[must_use]
    pub const fn of(class: Class) -> Self {
        Self { hint: NO_HINT, rest: class.bits() as u64 }
    }

    /// A rejection that came from a layer inside.
    ///
    /// A timeout that cut a call which had reached the service is [`Class::TimedOut`]; every other rejection says
    /// nothing about the service.
    #[must_use]
    pub fn of_rejection(rejected: &Rejected) -> Self {
        let late = matches!(rejected.reason(), Reason::TimedOut | Reason::DeadlinePassed);
        let class = if late && rejected.reached() { Class::TimedOut } else { Class::Rejected };
        let mut outcome = Self::of(class);
        outcome.rest |= if rejected.reached() { 0 } else { UNREACHED };
        outcome.rest |= if rejected.reason() == Reason::DeadlinePassed { OWN_DEADLINE } else { 0 };
        match rejected.retry_after() {
            Some(wait) => outcome.hint(wait),
            None => outcome,
        }
    }

    /// The same, with how long the service asks to wait. Over 584 years saturates.
    #[must_use]
    pub fn hint(mut self, wait: Duration) -> Self {
        self.hint = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX).min(NO_HINT - 1);
        self
    }

    /// The same, for a request that never reached the service.
    #[must_use]
    pub const fn unreached(mut self) -> Self {
        self.rest |= UNREACHED;
        self
    }

    /// The same, ended by a deadline that the caller brought along.
    #[must_use]
    pub const fn by_own_deadline(mut self) -> Self {
        self.rest |= OWN_DEADLINE;
        self
    }

    /// The same, where the server asks not to be called again with this request, as gRPC does by a pushback that is no
    /// time.
    ///
    /// ```
    /// use buttress::outcome::Outcome;
    ///
    /// assert!(Outcome::FAILED.do_not_retry().asks_not_to_retry());
    /// ```
    #[must_use]
    pub const fn do_not_retry(mut self) -> Self {
        self.rest |= NO_RETRY;
        self
    }

    /// What kind of ending it was.
    #[must_use]
    pub const fn class(&self) -> Class {
        Class::of_bits(self.rest as u8)
    }

    /// Whether the request may have reached the service.
    #[must_use]
    pub const fn reached(&self) -> bool {
        self.rest & UNREACHED == 0
    }

    /// How long the service asks to wait before the next call.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        if self.hint == NO_HINT { None } else { Some(Duration::from_nanos(self.hint)) }
    }

    /// Whether the caller's own deadline ended it: a short deadline is no failure of the service.
    #[must_use]
    pub const fn own_deadline(&self) -> bool {
        self.rest & OWN_DEADLINE != 0
    }

    /// Whether the server asks not to be called again with this request.
    #[must_use]
    pub const fn asks_not_to_retry(&self) -> bool {
        self.rest & NO_RETRY != 0
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("class", &self.class())
            .field("reached", &self.reached())
            .field("retry_after", &self.retry_after())
            .field("own_deadline", &self.own_deadline())
            .field("no_retry", &self.asks_not_to_retry())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_from_inside_is_a_timeout_only_where_it_cut_a_call_that_had_begun() {
        let read = |reason, reached| Outcome::of_rejection(&Rejected::new(reason, "x", reached));
        assert_eq!(read(Reason::TimedOut, true).class(), Class::TimedOut);
        assert_eq!(read(Reason::DeadlinePassed, true).class(), Class::TimedOut);
        assert!(read(Reason::DeadlinePassed, true).own_deadline());
        assert!(!read(Reason::TimedOut, true).own_deadline());
        assert_eq!(read(Reason::DeadlinePassed, false).class(), Class::Rejected);
        for reason in [Reason::Open, Reason::Full, Reason::Limited, Reason::Shed, Reason::StoreDown] {
            assert_eq!(read(reason, false).class(), Class::Rejected, "{reason:?}");
        }
    }

    #[test]
    fn the_wait_in_a_rejection_becomes_the_hint() {
        let no = Rejected::new(Reason::Open, "x", false).after(Duration::from_secs(3));
        assert_eq!(Outcome::of_rejection(&no).retry_after(), Some(Duration::from_secs(3)));
        assert_eq!(Outcome::OK.hint(Duration::MAX).retry_after(), Some(Duration::from_nanos(u64::MAX - 1)));
    }
}

//! The rejection itself: what a layer says when there is no inner answer to give.

use super::{Name, Reason};
use std::{error::Error, fmt, time::Duration};

/// A call that a layer refused or cut: small, cheap to clone, and the same type for every layer.
///
/// ```
/// use std::time::Duration;
/// use buttress::{Rejected, rejected::Reason};
///
/// let no = Rejected::new(Reason::Open, "payments", false).after(Duration::from_millis(1500));
/// assert_eq!(no.reason(), Reason::Open);
/// assert_eq!(no.name(), "payments");
/// assert_eq!(no.retry_after(), Some(Duration::from_millis(1500)));
/// assert!(!no.reached());
/// assert_eq!(no.to_string(), "the circuit is open");
/// assert_eq!(std::error::Error::source(&no).unwrap().to_string(), "rejected by `payments`, retry after 1.5s");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected(Detail);

/// The second level, which [`Rejected::find`] knows: an enum variant that is `#[error(transparent)]` forwards to
/// `Rejected::source`, so that only this level is left in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Detail {
    name: Name,
    wait: Wait,
    reason: Reason,
    reached: bool,
}

/// Nanoseconds, all ones for none: half of an `Option<Duration>`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Wait(u64);

impl Wait {
    const NONE: Self = Self(u64::MAX);

    fn of(wait: Duration) -> Self {
        Self(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX).min(u64::MAX - 1))
    }

    const fn get(self) -> Option<Duration> {
        if self.0 == u64::MAX { None } else { Some(Duration::from_nanos(self.0)) }
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

const _: () = assert!(size_of::<Rejected>() <= 40);
const _: () = assert!(size_of::<Option<Rejected>>() <= 40);

impl Rejected {
    /// A rejection by the layer or host `name`. `reached` says whether the request may have reached the service: only
    /// what never did can be sent again without a thought.
    pub fn new(reason: Reason, name: impl Into<Name>, reached: bool) -> Self {
        Self(Detail { name: name.into(), wait: Wait::NONE, reason, reached })
    }

    /// The same, with how long to wait before it makes sense to come again. Over 584 years saturates.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.0.wait = Wait::of(wait);
        self
    }

    /// The same for who counts in nanoseconds already, all ones for none: an open circuit refuses many calls, and two divisions
    /// each are spared.
    #[inline]
    pub(crate) const fn after_nanos(mut self, wait: u64) -> Self {
        self.0.wait = Wait(wait);
        self
    }

    /// Why.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.0.reason
    }

    /// Which layer, or which host.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name.as_str()
    }

    /// How long to wait before coming again, where the layer knows.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.0.wait.get()
    }

    /// Whether the request may have reached the service.
    #[must_use]
    pub const fn reached(&self) -> bool {
        self.0.reached
    }

    /// The rejection in a chain of errors, however it was wrapped: in an enum of yours (transparent or not), in
    /// [`Lifted`](super::Lifted), in a box, in a `tonic::Status`.
    ///
    /// ```
    /// # use buttress::{Lifted, Rejected, rejected::Reason};
    /// let wrapped: Lifted<std::io::Error> = Rejected::new(Reason::Full, "orders", false).into();
    /// let boxed: Box<dyn std::error::Error> = wrapped.into();
    /// assert_eq!(Rejected::find(&*boxed).unwrap().reason(), Reason::Full);
    /// assert_eq!(Rejected::find(&std::io::Error::other("no room")), None);
    /// ```
    #[must_use]
    pub fn find(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(rejected) = error.downcast_ref::<Self>() {
                return Some(rejected.clone());
            }
            if let Some(detail) = error.downcast_ref::<Detail>() {
                return Some(Self(detail.clone()));
            }
            next = error.source();
        }
        None
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.reason.fmt(f)
    }
}

impl Error for Rejected {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rejected by `{}`", self.name)?;
        match self.wait.get() {
            Some(wait) => write!(f, ", retry after {wait:?}"),
            None => Ok(()),
        }
    }
}

impl Error for Detail {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_of_any_length_is_kept_or_saturates() {
        let no = |wait| Rejected::new(Reason::Open, "x", false).after(wait).retry_after();
        assert_eq!(no(Duration::ZERO), Some(Duration::ZERO));
        assert_eq!(no(Duration::from_nanos(1)), Some(Duration::from_nanos(1)));
        assert_eq!(no(Duration::MAX), Some(Duration::from_nanos(u64::MAX - 1)));
    }

    #[test]
    fn it_is_found_through_a_variant_that_hides_it() {
        #[derive(Debug, thiserror::Error)]
        enum Transparent {
            #[error(transparent)]
            Rejected(#[from] Rejected),
        }
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] Transparent);

        let error = Outer(Rejected::new(Reason::Shed, "x", true).into());
        assert_eq!(Rejected::find(&error), Some(Rejected::new(Reason::Shed, "x", true)));
    }
}

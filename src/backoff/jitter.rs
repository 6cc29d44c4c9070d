//! How far a delay may stray from what its kind says.

use crate::window::Ratio;
use std::time::Duration;

/// How a delay is spread, `e` being what the kind says, inside the cap.
///
/// Which one to take is in the [module docs](super#which-jitter). Every delay is even over its range.
///
/// ```
/// use std::time::Duration;
/// use buttress::{backoff::{Backoff, Jitter}, window::Ratio};
///
/// let second = Backoff::constant(Duration::from_secs(1));
/// let middle = |jitter| second.jitter(jitter).delay(0, &mut || 0.5).as_millis();
/// assert_eq!(middle(Jitter::None), 1000);
/// assert_eq!(middle(Jitter::Full), 500);
/// assert_eq!(middle(Jitter::Equal), 750);
/// assert_eq!(middle(Jitter::Proportional(Ratio::percent(10))), 1000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Jitter {
    /// `e`.
    None,
    /// Between 0 and `e`.
    Full,
    /// Between half of `e` and `e`.
    Equal,
    /// Between the base and three times the delay before (before the first: the base); what is over the cap is the cap.
    ///
    /// It grows by itself, so it takes nothing of the kind but the base.
    Decorrelated,
    /// Between `e` less that share and `e` more that share.
    ///
    /// Where the upper end is over the cap, the range ends at the cap: there it spreads downwards, instead of piling
    /// up at the cap.
    Proportional(Ratio),
}

impl Jitter {
    /// Between what and what, for those that depend on `e` alone. `e` is inside the cap.
    pub(super) fn range(self, e: Duration, cap: Duration) -> (Duration, Duration) {
        match self {
            Self::None | Self::Decorrelated => (e, e),
            Self::Full => (Duration::ZERO, e),
            Self::Equal => (e / 2, e),
            Self::Proportional(share) => {
                let off = scale(e, share.as_f64()).min(e);
                (e - off, e.saturating_add(off).min(cap))
            }
        }
    }
}

/// The point that lies `unit` of the way from `low` to `high`; both are part of it.
pub(super) fn between(low: Duration, high: Duration, unit: f64) -> Duration {
    low.saturating_add(scale(high.saturating_sub(low), unit))
}

/// `length` times `by`, to the nearest nanosecond; what is too long, or no number, is as long as can be.
pub(super) fn scale(length: Duration, by: f64) -> Duration {
    // Over a hundred days a float is coarser than a nanosecond, so one time a length is exact only if it is left alone.
    // Any other factor moves the float by at least one of its steps, and what it rounds is less than one: less than once
    // never comes out longer than the length, more than once never shorter.
    if by == 1.0 {
        return length;
    }
    Duration::try_from_secs_f64(length.as_secs_f64() * by).unwrap_or(Duration::MAX)
}

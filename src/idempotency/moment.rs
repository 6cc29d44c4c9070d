//! A store's own time.

use std::time::Duration;

/// An instant on the clock of one store, in microseconds since whenever it began to count.
///
/// Leases and expiries are judged by the store that keeps them, by its own clock, and never by that of a node: clocks of
/// nodes differ. Arithmetic saturates.
///
/// ```
/// use std::time::Duration;
/// use buttress::idempotency::Moment;
///
/// let now = Moment::from_micros(5_000_000);
/// assert_eq!(now.after(Duration::from_secs(1)).since(now), Duration::from_secs(1));
/// assert_eq!(now.since(now.after(Duration::MAX)), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// So many microseconds after the beginning.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the beginning.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// So long after this one. A part of a microsecond counts as a whole one: nothing ends before its time.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        let part = u64::from(!time.subsec_nanos().is_multiple_of(1_000));
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).saturating_add(part);
        Self(self.0.saturating_add(micros))
    }

    /// The time from an earlier one to this; zero where it is the later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

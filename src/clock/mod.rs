//! The one clock of the house: tokio's, so that every wait can be tested on a paused clock.
//!
//! Cores take `now` as an argument; layers read it here, and only when the policy needs it. All arithmetic saturates:
//! a limit of [`Duration::MAX`] is far away, never a panic.

use std::{sync::LazyLock, time::Duration};

pub use tokio::time::Instant;

/// As far ahead as an instant is ever put: thirty years, which every platform's clock can hold.
const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

/// The grain of tokio's timer: the smallest limit under which something that has to wait can still succeed.
pub const GRAIN: Duration = Duration::from_millis(1);

/// The time now, by tokio's clock; under a paused clock, the paused time.
#[inline]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// The time of day, for dates that others have written. It can jump, and no test can pause it: a wait is never measured by
/// it, only worked out once.
#[cfg(feature = "http")]
pub(crate) fn of_day() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

/// `from + wait`, never a panic: what a clock cannot hold is put thirty years ahead.
///
/// ```
/// use std::time::Duration;
/// use buttress::clock;
///
/// let now = clock::now();
/// assert_eq!(clock::after(now, Duration::from_secs(1)) - now, Duration::from_secs(1));
/// assert!(clock::after(now, Duration::MAX) > now);
/// ```
#[inline]
#[must_use]
pub fn after(from: Instant, wait: Duration) -> Instant {
    from.checked_add(wait.min(FAR)).unwrap_or(from)
}

/// `later - earlier`, zero where they stand the other way round.
#[inline]
#[must_use]
pub fn since(later: Instant, earlier: Instant) -> Duration {
    later.saturating_duration_since(earlier)
}

/// The date, for people: never compared with anything, and never waited for.
#[cfg(all(feature = "idempotency", feature = "http"))]
pub(crate) fn date() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

/// The beginning of time for clocks that are kept in one word: long before anything that a paused clock of any runtime
/// can say.
static BEGINNING: LazyLock<Instant> = LazyLock::new(|| {
    let mut back = Duration::from_secs(60 * 60 * 24 * 365);
    loop {
        // The clock of some platforms has no negative side.
        if let Some(beginning) = Instant::now().checked_sub(back) {
            return beginning;
        }
        back /= 2;
    }
});

/// An instant in one word: nanoseconds since the beginning of the process clock. Holds five centuries.
#[inline]
pub(crate) fn nanos(instant: Instant) -> u64 {
    let since = since(instant, *BEGINNING);
    // Without the 128 bits of `as_nanos`: this stands on the path of every call that is counted by time.
    since.as_secs().saturating_mul(1_000_000_000).saturating_add(since.subsec_nanos().into())
}

/// The instant that [`nanos`] has put into one word.
pub(crate) fn from_nanos(nanos: u64) -> Instant {
    after(*BEGINNING, Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_far_end_of_time_is_after_everything_and_panics_nowhere() {
        let now = now();
        let far = after(now, Duration::MAX);
        assert!(far > after(now, Duration::from_secs(86_400)));
        assert!(after(far, Duration::MAX) >= far);
        assert_eq!(since(now, far), Duration::ZERO);
    }
}

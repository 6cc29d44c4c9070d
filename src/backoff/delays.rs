//! The delays of one call, one after the other.

use super::{Backoff, Random};
use std::time::Duration;

/// A sequence of delays that knows where it stands: what [`Backoff::start`] gives. Nothing on the heap.
///
/// ```
/// use std::time::Duration;
/// use buttress::backoff::{Backoff, Jitter};
///
/// let backoff = Backoff::linear(Duration::from_secs(1)).jitter(Jitter::None);
/// let mut delays = backoff.start();
/// assert_eq!(delays.next(&mut || 0.0), Duration::from_secs(1));
/// assert_eq!(delays.next(&mut || 0.0), Duration::from_secs(2));
/// delays.restart(); // the server has said itself how long to wait, say
/// assert_eq!(delays.next(&mut || 0.0), Duration::from_secs(1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delays {
    backoff: Backoff,
    /// The delay before; at the start, the base.
    last: Duration,
    attempt: u32,
}

impl Delays {
    pub(super) const fn new(backoff: Backoff) -> Self {
        Self { last: backoff.base(), backoff, attempt: 0 }
    }

    /// The next delay. It never ends: how often to try is somebody else's rule.
    pub fn next(&mut self, random: &mut (impl Random + ?Sized)) -> Duration {
        let delay = self.backoff.draw(self.attempt, self.last, random);
        self.last = delay;
        self.attempt = self.attempt.saturating_add(1);
        delay
    }

    /// Begins again with the first delay.
    pub const fn restart(&mut self) {
        *self = Self::new(self.backoff);
    }
}

//! Who may wait where there is no place: nobody, or so many for so long.

use std::time::Duration;

/// Nobody waits: a call that finds no place is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoQueue {
    _more: (),
}

impl NoQueue {
    pub(super) const fn new() -> Self {
        Self { _more: () }
    }
}

/// So many calls may wait for a place, each for so long.
///
/// A wait that has an end needs a tokio runtime with timers; a call that finds a place needs none.
///
/// ```
/// use std::time::Duration;
/// use buttress::bulkhead::{Queue, Slots};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let slots = Slots::new("reports", 1);
/// let slot = slots.try_acquire().unwrap();
///
/// let queue = Queue::new(100).max_wait(Duration::from_millis(200));
/// let waited = tokio::time::Instant::now();
/// assert!(slots.acquire(queue).await.is_err());
/// assert_eq!(waited.elapsed(), Duration::from_millis(200));
/// # drop(slot);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    len: u32,
    max_wait: Duration,
}

/// A million: more than ever come to their turn in time.
const LONGEST: u32 = 1 << 20;
const MAX_WAIT: Duration = Duration::from_secs(1);

impl Queue {
    /// A call joins where fewer than `len` wait, whoever they are. 0: nobody waits; the most is 1 048 576.
    #[must_use]
    pub const fn new(len: u32) -> Self {
        Self { len: if len < LONGEST { len } else { LONGEST }, max_wait: MAX_WAIT }
    }

    /// The longest wait: one second where nothing is set. Zero: nobody waits; [`Duration::MAX`]: as long as the deadline of
    /// the call, if it has one, and else until its turn comes.
    #[must_use]
    pub const fn max_wait(mut self, time: Duration) -> Self {
        self.max_wait = time;
        self
    }

    pub(super) const fn len(self) -> u32 {
        if self.max_wait.is_zero() { 0 } else { self.len }
    }

    pub(super) const fn longest(self) -> Duration {
        self.max_wait
    }
}

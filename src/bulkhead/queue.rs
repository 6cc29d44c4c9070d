//! Who may wait where there is no place: nobody, or so many for so long.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

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

    pub(crate) const fn len(self) -> u32 {
        if self.max_wait.is_zero() { 0 } else { self.len }
    }

    pub(crate) const fn longest(self) -> Duration {
        self.max_wait
    }
}

/// Says who may wait: always the same, as a [`Queue`] does, or another from call to call, as a [`LiveQueue`].
pub trait Queueing {
    /// The queue for a call that has found no place. Calls that wait already keep theirs.
    fn queue(&self) -> Queue;
}

impl Queueing for Queue {
    #[inline]
    fn queue(&self) -> Queue {
        *self
    }
}

/// A [`Queue`] that can be changed while calls run. Clones are the same queue.
///
/// ```
/// use std::time::Duration;
/// use buttress::bulkhead::{BulkheadLayer, LiveQueue, Queue, Slots};
///
/// let queue = LiveQueue::new(Queue::new(100));
/// let layer = BulkheadLayer::new(&Slots::new("reports", 10)).queue_by(queue.clone());
/// queue.set(Queue::new(50).max_wait(Duration::from_millis(200)));
/// assert_eq!(queue.get(), Queue::new(50).max_wait(Duration::from_millis(200)));
/// # drop(layer);
/// ```
#[derive(Clone)]
pub struct LiveQueue {
    // Apart: a call that comes while both are set may see one of the former queue and one of the new.
    parts: Arc<(AtomicU32, AtomicU64)>,
}

impl LiveQueue {
    /// That queue, until another is set.
    #[must_use]
    pub fn new(queue: Queue) -> Self {
        let made = Self { parts: Arc::default() };
        made.set(queue);
        made
    }

    /// The queue for calls that come now.
    #[must_use]
    pub fn get(&self) -> Queue {
        let time = match self.parts.1.load(Relaxed) {
            u64::MAX => Duration::MAX,
            nanos => Duration::from_nanos(nanos),
        };
        Queue::new(self.parts.0.load(Relaxed)).max_wait(time)
    }

    /// Another queue for calls that come from now on; those who wait stay, and end as they would have. A wait of more than
    /// 584 years is taken as one without end.
    pub fn set(&self, queue: Queue) {
        self.parts.0.store(queue.len, Relaxed);
        let nanos = u64::try_from(queue.max_wait.as_nanos()).unwrap_or(u64::MAX);
        self.parts.1.store(nanos, Relaxed);
    }
}

impl Queueing for LiveQueue {
    #[inline]
    fn queue(&self) -> Queue {
        self.get()
    }
}

impl fmt::Debug for LiveQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

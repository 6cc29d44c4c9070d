//! The core of a budget over a window: what was put in and taken out over the last so long, summed in one word.
//!
//! Each slot keeps the net of a hundredth of the window, and `sum` that of all of them: whoever puts or takes changes the
//! sum, by which it is decided, and then the slot of the time. When time has passed, the slots that are too old are emptied
//! out of the sum. One that writes to a slot late only lets its entry live on for the time of that slot.

use super::sync::{
    AtomicI64, AtomicU64, Mutex,
    Ordering::{Acquire, Relaxed, Release},
};

/// The slots of a window, and one that is being filled: so what was put in lives for the window at least, and no more than a
/// hundredth longer.
pub(super) const SLOTS: u64 = 100;
const RING: usize = SLOTS as usize + 1;

#[derive(Debug)]
pub(super) struct Span {
    /// Nanoseconds of a slot.
    width: u64,
    sum: AtomicI64,
    slots: Box<[AtomicI64]>,
    /// The slot of the time, counted from the beginning of time. It is told when that slot and those before are emptied, and
    /// whoever reads it sees them empty.
    tick: AtomicU64,
    turning: Mutex<()>,
}

impl Span {
    pub(super) fn new(window: u64) -> Self {
        Self {
            width: (window / SLOTS).max(1),
            sum: AtomicI64::new(0),
            slots: (0..RING).map(|_| AtomicI64::new(0)).collect(),
            tick: AtomicU64::new(0),
            turning: Mutex::new(()),
        }
    }

    /// What was put in less what was taken out, over the window that ends now.
    pub(super) fn sum(&self, now: u64) -> i64 {
        self.turn(now);
        self.sum.load(Relaxed)
    }

    pub(super) fn put(&self, now: u64, much: i64) {
        let slot = self.turn(now);
        self.sum.fetch_add(much, Relaxed);
        slot.fetch_add(much, Relaxed);
    }

    /// Takes `much`, if the sum stays at `floor` or above.
    pub(super) fn take(&self, now: u64, much: i64, floor: i64) -> bool {
        let slot = self.turn(now);
        let mut sum = self.sum.load(Relaxed);
        while sum.saturating_sub(much) >= floor {
            match self.sum.compare_exchange_weak(sum, sum - much, Relaxed, Relaxed) {
                Ok(_) => {
                    slot.fetch_sub(much, Relaxed);
                    return true;
                }
                Err(other) => sum = other,
            }
        }
        false
    }

    /// The slot of the time, after those that are too old have been emptied. A clock that comes late finds the newest.
    fn turn(&self, now: u64) -> &AtomicI64 {
        let tick = now / self.width;
        if tick > self.tick.load(Acquire) {
            self.empty(tick);
        }
        self.slot(tick.max(self.tick.load(Acquire)))
    }

    fn slot(&self, tick: u64) -> &AtomicI64 {
        &self.slots[(tick % RING as u64) as usize]
    }

    #[cold]
    fn empty(&self, tick: u64) {
        let _turning = self.turning.lock();
        let last = self.tick.load(Relaxed);
        // Once round is all of them.
        let from = last.saturating_add(1).max(tick.saturating_sub(SLOTS));
        for old in from..=tick {
            let net = self.slot(old).swap(0, Relaxed);
            self.sum.fetch_sub(net, Relaxed);
        }
        if tick > last {
            self.tick.store(tick, Release);
        }
    }
}

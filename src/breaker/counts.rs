//! What a slot counts in: nothing, the last calls or the last while; and the limits of one call, which stand beside it.

use super::{
    buckets::{BUCKETS, Buckets},
    policy::Settings,
    ring::Ring,
    sync::{AtomicU64, Ordering::Relaxed},
    trip::Window,
    turn::nanos,
};

/// Buckets are at least so wide.
const MIN_WIDTH: u64 = 1_000_000;

/// What a slot of some [`Shape`] is made of.
#[derive(Debug)]
pub(super) enum Counts {
    None([AtomicU64; 2]),
    Ring(Ring),
    Buckets(Box<Timed>),
}

// The tag stands in the ring, and the rest of a slot was measured with that.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Counts>() == 32);

/// Buckets, and by which clock they go.
#[derive(Debug)]
pub(super) struct Timed {
    pub(super) buckets: Buckets,
    /// The width of a bucket in nanoseconds.
    width: AtomicU64,
    /// Where the first bucket begins.
    origin: AtomicU64,
    limits: [AtomicU64; 2],
}

impl Timed {
    /// The number of the bucket for that time.
    #[inline]
    pub(super) fn bucket(&self, now: u64) -> u64 {
        let width = self.width.load(Relaxed).max(1);
        // Away from zero, so that a clock that goes back a window still has a number.
        now.saturating_sub(self.origin.load(Relaxed)) / width + 2 * BUCKETS
    }
}

/// Where the limits stand among the two words that hold them: all ones where there is none.
const SLOW_OVER: usize = 0;
const ABANDONED_AFTER: usize = 1;

impl Counts {
    pub(super) fn new(shape: Shape) -> Self {
        let word = || AtomicU64::new(0);
        let limits = || [word(), word()];
        match shape {
            Shape::Plain => Self::None(limits()),
            Shape::Ring { size, slow, limits } => {
                Self::Ring(Ring::new(size, slow, if limits { 2 } else { 0 }))
            }
            Shape::Buckets { slow } => {
                let buckets = Buckets::new(slow);
                Self::Buckets(Box::new(Timed { buckets, width: word(), origin: word(), limits: limits() }))
            }
        }
    }

    /// For a new owner, before it has admitted anybody; or in a new generation, before the window is cleared for it.
    pub(super) fn set(&self, settings: &Settings, now: u64) {
        self.set_limits(settings);
        if let Self::Buckets(timed) = self {
            timed.width.store(width(settings), Relaxed);
            timed.origin.store(now, Relaxed);
        }
    }

    /// All but what the buckets of the window are numbered by.
    pub(super) fn set_limits(&self, settings: &Settings) {
        let slow_over = settings.trip.slow.map_or(u64::MAX, |(over, _)| nanos(over));
        let limits = [slow_over, nanos(settings.abandoned_after)];
        self.limits().iter().zip(limits).for_each(|(word, limit)| word.store(limit, Relaxed));
    }

    /// Whether buckets would get another width, so that those that there are have to be given up.
    pub(super) fn is_other_width(&self, settings: &Settings) -> bool {
        matches!(self, Self::Buckets(timed) if timed.width.load(Relaxed) != width(settings))
    }

    /// Empty, for `generation`. Only under the slot's lock.
    pub(super) fn clear(&self, generation: u32, now: u64) {
        match self {
            Self::None(_) => {}
            Self::Ring(ring) => ring.clear(generation),
            Self::Buckets(timed) => timed.buckets.clear(generation, timed.bucket(now)),
        }
    }

    /// Nanoseconds over which a call is slow; all ones where that is no rule.
    #[inline]
    pub(super) fn slow_over(&self) -> u64 {
        self.limit(SLOW_OVER)
    }

    /// Nanoseconds after which a call that waits has been given up; all ones for never.
    #[inline]
    pub(super) fn abandoned_after(&self) -> u64 {
        self.limit(ABANDONED_AFTER)
    }

    #[inline]
    fn limit(&self, which: usize) -> u64 {
        self.limits().get(which).map_or(u64::MAX, |limit| limit.load(Relaxed))
    }

    #[inline]
    fn limits(&self) -> &[AtomicU64] {
        match self {
            Self::None(limits) => limits,
            Self::Ring(ring) => ring.beside(),
            Self::Buckets(timed) => &timed.limits,
        }
    }

    /// For whom it can be used again.
    pub(super) fn shape(&self) -> Shape {
        match self {
            Self::None(_) => Shape::Plain,
            Self::Ring(ring) => {
                Shape::Ring { size: ring.size(), slow: ring.has_slow(), limits: !ring.beside().is_empty() }
            }
            Self::Buckets(timed) => Shape::Buckets { slow: timed.buckets.has_slow() },
        }
    }
}

/// The width of a bucket in nanoseconds, rounded up: the window is never shorter than was asked for. 0 where there are none.
fn width(settings: &Settings) -> u64 {
    match settings.trip.effective_window() {
        Window::Time(length) => nanos(length).div_ceil(BUCKETS).max(MIN_WIDTH),
        Window::None | Window::Calls(_) => 0,
    }
}

/// The window that a policy needs: its make, and for a ring its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    Plain,
    Ring { size: u32, slow: bool, limits: bool },
    Buckets { slow: bool },
}

impl Shape {
    pub(super) fn of(settings: &Settings) -> Self {
        let slow = settings.trip.slow.is_some();
        match settings.trip.effective_window() {
            Window::None => Self::Plain,
            Window::Calls(size) => {
                // Where nothing limits a call, no word is spent on saying so.
                Self::Ring { size, slow, limits: slow || nanos(settings.abandoned_after) != u64::MAX }
            }
            Window::Time(_) => Self::Buckets { slow },
        }
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::{super::ring::Totals, *};

    #[test]
    fn a_clock_that_goes_back_to_where_it_began_still_finds_what_was_counted() {
        let (word, begin) = (|at| AtomicU64::new(at), 1_000);
        let timed = Timed {
            buckets: Buckets::new(false),
            width: word(10),
            origin: word(begin),
            limits: [word(0), word(0)],
        };
        timed.buckets.clear(1, timed.bucket(begin));
        timed.buckets.record(1, timed.bucket(begin + 50), true, false);
        for now in [begin + 50, begin, 0] {
            let counted = timed.buckets.totals(1, timed.bucket(now));
            assert_eq!(counted, Totals { calls: 1, failed: 1, slow: 0 }, "at {now}");
        }
    }
}

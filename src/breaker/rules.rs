//! The built-in trip rules in the form that a record reads: a few words of the slot.
//!
//! They are written when a slot gets a new owner, before anybody is admitted by it. A late record of a former owner may
//! read the new owner's rules; its generation is refused afterwards, whatever they said.

use super::{
    policy::Settings,
    ring::Totals,
    sync::{AtomicU64, Ordering::Relaxed},
    trip::{Trip, Window},
    turn::nanos,
};
use crate::{telemetry::Why, window::Ratio};

#[derive(Debug)]
pub(super) struct Rules {
    /// The limit of the run 32, the calls that a rate needs 32.
    run_and_min: AtomicU64,
    /// The failure rate 32, the slow rate 32, in billionths.
    rates: AtomicU64,
    /// Slower than so many nanoseconds is slow; all ones where there is no such rule.
    slow_over: AtomicU64,
    /// A dropped call that has waited so many nanoseconds is a failure; all ones where there is no such limit.
    abandoned_after: AtomicU64,
    /// The width of a bucket in nanoseconds; 0 where the window is not of time.
    width: AtomicU64,
    /// Where the first bucket begins.
    origin: AtomicU64,
    flags: AtomicU64,
}

const NONE: u32 = u32::MAX;
const RUN_BELOW_MIN: u64 = 1;
const OWN: u64 = 2;
const HEARD: u64 = 4;
const SLOW: u64 = 8;

/// Buckets are at least so wide.
const MIN_WIDTH: u64 = 1_000_000;

impl Rules {
    pub(super) fn new() -> Self {
        let word = || AtomicU64::new(0);
        Self {
            run_and_min: word(),
            rates: word(),
            slow_over: word(),
            abandoned_after: word(),
            width: word(),
            origin: word(),
            flags: word(),
        }
    }

    pub(super) fn set(&self, settings: &Settings, now: u64) {
        let trip = &settings.trip;
        let heard = settings.observed.has_own();
        let billionths = |rate: Option<Ratio>| rate.map_or(NONE, Ratio::billionths);
        let pair = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        self.run_and_min.store(pair(trip.run, trip.effective_min_calls()), Relaxed);
        let slow = trip.slow;
        self.rates.store(
            pair(billionths(trip.effective_failure_rate()), billionths(slow.map(|slow| slow.1))),
            Relaxed,
        );
        self.slow_over.store(slow.map_or(u64::MAX, |(over, _)| nanos(over)), Relaxed);
        self.abandoned_after.store(nanos(settings.abandoned_after), Relaxed);
        let width = match trip.effective_window() {
            // Rounded up: never shorter than was asked for.
            Window::Time(length) => nanos(length).div_ceil(super::buckets::BUCKETS).max(MIN_WIDTH),
            Window::None | Window::Calls(_) => 0,
        };
        self.width.store(width, Relaxed);
        self.origin.store(now, Relaxed);
        let flag = |set: bool, flag: u64| if set { flag } else { 0 };
        let below = flag(trip.run_below_min, RUN_BELOW_MIN);
        self.flags.store(
            below | flag(trip.own.is_some(), OWN) | flag(heard, HEARD) | flag(slow.is_some(), SLOW),
            Relaxed,
        );
    }

    /// Nanoseconds over which a call is slow, where that is a rule.
    #[inline]
    pub(super) fn slow_over(&self) -> Option<u64> {
        Some(self.slow_over.load(Relaxed)).filter(|over| *over != u64::MAX)
    }

    /// Nanoseconds after which a call that waits has been given up; all ones for never.
    #[inline]
    pub(super) fn abandoned_after(&self) -> u64 {
        self.abandoned_after.load(Relaxed)
    }

    /// The number of the bucket for that time.
    #[inline]
    pub(super) fn bucket(&self, now: u64) -> u64 {
        let width = self.width.load(Relaxed).max(1);
        // Away from zero, so that a clock that goes back a window still has a number.
        now.saturating_sub(self.origin.load(Relaxed)) / width + 2 * super::buckets::BUCKETS
    }

    #[inline]
    pub(super) fn has_own(&self) -> bool {
        self.flags.load(Relaxed) & OWN != 0
    }

    /// Whether no rule has to be asked but the built-in ones about failures, and the circuit has no listener of its own.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.flags.load(Relaxed) & (OWN | HEARD | SLOW) == 0
    }

    /// Whether the circuit has a listener of its own.
    #[inline]
    pub(super) fn is_heard(&self) -> bool {
        self.flags.load(Relaxed) & HEARD != 0
    }

    /// Whether so many failures in a row open the circuit; `totals` is asked for only where the rule depends on it.
    #[inline]
    pub(super) fn run_opens(&self, run: u32, totals: impl FnOnce() -> Totals) -> Option<Why> {
        let word = self.run_and_min.load(Relaxed);
        let (limit, min) = ((word >> 32) as u32, word as u32);
        if limit == 0 || run < limit {
            return None;
        }
        if self.flags.load(Relaxed) & RUN_BELOW_MIN != 0 && totals().calls >= min {
            return None;
        }
        Some(Why::Consecutive)
    }

    /// Whether what the window holds opens the circuit.
    #[inline]
    pub(super) fn totals_open(&self, totals: Totals) -> Option<Why> {
        if totals.calls < self.run_and_min.load(Relaxed) as u32 {
            return None;
        }
        let rates = self.rates.load(Relaxed);
        let reached = |part: u32, rate: u32| {
            // Counts have at most 22 bits, billionths 30.
            rate != NONE
                && part > 0
                && u64::from(part) * 1_000_000_000 >= u64::from(rate) * u64::from(totals.calls)
        };
        if reached(totals.failed, (rates >> 32) as u32) {
            Some(Why::FailureRate)
        } else if reached(totals.slow, rates as u32) {
            Some(Why::SlowRate)
        } else {
            None
        }
    }
}

/// The window that a trip rule needs: its make, and for a ring its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    Plain,
    Ring { size: u32, slow: bool },
    Buckets { slow: bool },
}

impl Shape {
    pub(super) const fn of(trip: &Trip) -> Self {
        let slow = trip.slow.is_some();
        match trip.effective_window() {
            Window::None => Self::Plain,
            Window::Calls(size) => Self::Ring { size, slow },
            Window::Time(_) => Self::Buckets { slow },
        }
    }
}

//! The built-in trip rules in the form that a record reads: a few words of the slot.
//!
//! They are written when a slot gets a new owner, before anybody is admitted by it, and when a circuit is retuned. A late
//! record of a former owner may read the new owner's rules; its generation is refused afterwards, whatever they said. A
//! record that comes while they are rewritten may go by one of the former words and one of the new.

use super::{
    policy::Settings,
    ring::Totals,
    sync::{AtomicU64, Ordering::Relaxed},
    turn::nanos,
    word::RUN_MAX,
};
use crate::{telemetry::Why, window::Ratio};

#[derive(Debug)]
pub(super) struct Rules {
    /// Whether the run counts only below the calls that a rate needs 1, nothing 3, the limit of the run 28, those calls 32.
    run_and_min: AtomicU64,
    /// The failure rate 30, the slow rate 30, in billionths, and four flags.
    rates: AtomicU64,
}

const RUN_BELOW_MIN_AT: u32 = 63;

/// As many bits as a billion has.
const RATE_BITS: u32 = 30;
const NO_RATE: u64 = (1 << RATE_BITS) - 1;
const SLOW_RATE_AT: u32 = 4;
const FAILURE_RATE_AT: u32 = SLOW_RATE_AT + RATE_BITS;

const OWN: u64 = 1;
const HEARD: u64 = 2;
const SLOW: u64 = 4;
const LIMITED: u64 = 8;

impl Rules {
    pub(super) fn new() -> Self {
        Self { run_and_min: AtomicU64::new(0), rates: AtomicU64::new(0) }
    }

    pub(super) fn set(&self, settings: &Settings) {
        let trip = &settings.trip;
        let run = u64::from(trip.run_below_min) << RUN_BELOW_MIN_AT | u64::from(trip.run) << 32;
        self.run_and_min.store(run | u64::from(trip.effective_min_calls()), Relaxed);

        let billionths = |rate: Option<Ratio>| rate.map_or(NO_RATE, |rate| rate.billionths().into());
        let flag = |set: bool, flag: u64| if set { flag } else { 0 };
        let rates = billionths(trip.effective_failure_rate()) << FAILURE_RATE_AT
            | billionths(trip.slow.map(|slow| slow.1)) << SLOW_RATE_AT;
        let flags = flag(trip.own.is_some(), OWN)
            | flag(settings.observed.has_own(), HEARD)
            | flag(trip.slow.is_some(), SLOW)
            | flag(nanos(settings.abandoned_after) != u64::MAX, LIMITED);
        self.rates.store(rates | flags, Relaxed);
    }

    #[inline]
    fn has(&self, flags: u64) -> bool {
        self.rates.load(Relaxed) & flags != 0
    }

    /// Whether calls are timed, since slow ones count.
    #[inline]
    pub(super) fn is_timed(&self) -> bool {
        self.has(SLOW)
    }

    /// Whether a dropped call that has waited long enough is a failure.
    #[inline]
    pub(super) fn is_limited(&self) -> bool {
        self.has(LIMITED)
    }

    #[inline]
    pub(super) fn has_own(&self) -> bool {
        self.has(OWN)
    }

    /// Whether more has to be asked than the built-in rules about failures, or the circuit has a listener of its own.
    pub(super) fn want_more(&self) -> bool {
        self.has(OWN | HEARD | SLOW)
    }

    /// Whether the circuit has a listener of its own.
    #[inline]
    pub(super) fn is_heard(&self) -> bool {
        self.has(HEARD)
    }

    /// Whether so many failures in a row, or what the window holds, open the circuit.
    #[inline]
    pub(super) fn opens(&self, run: u32, totals: Totals) -> Option<Why> {
        self.run_opens(run, || totals).or_else(|| self.totals_open(totals))
    }

    /// Whether so many failures in a row open the circuit; `totals` is asked for only where the rule depends on it.
    #[inline]
    pub(super) fn run_opens(&self, run: u32, totals: impl FnOnce() -> Totals) -> Option<Why> {
        let word = self.run_and_min.load(Relaxed);
        let (limit, min) = ((word >> 32) as u32 & RUN_MAX, word as u32);
        if limit == 0 || run < limit {
            return None;
        }
        if word >> RUN_BELOW_MIN_AT != 0 && totals().calls >= min {
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
        let reached = |part: u32, rate_at: u32| {
            let rate = rates >> rate_at & NO_RATE;
            // Counts have at most 22 bits, billionths 30.
            rate != NO_RATE && part > 0 && u64::from(part) * 1_000_000_000 >= rate * u64::from(totals.calls)
        };
        if reached(totals.failed, FAILURE_RATE_AT) {
            Some(Why::FailureRate)
        } else if reached(totals.slow, SLOW_RATE_AT) {
            Some(Why::SlowRate)
        } else {
            None
        }
    }
}

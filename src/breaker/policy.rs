//! Everything a circuit is told once: when it opens, for how long, and how it comes back.

use super::Trip;
use crate::{
    backoff::{Backoff, Jitter},
    telemetry::{Observed, Observer},
    window::Ratio,
};
use std::{sync::Arc, time::Duration};

/// How a circuit behaves. One policy serves any number of circuits; clones are cheap.
///
/// ```
/// use std::time::Duration;
/// use buttress::breaker::{Circuit, Policy, State, Trip};
///
/// let policy = Policy::new()
///     .trip(Trip::consecutive(3))
///     .open_for(Duration::from_secs(10))
///     .probes(2);
/// let (orders, payments) = (Circuit::new("orders", &policy), Circuit::new("payments", &policy));
/// orders.trip();
/// assert_eq!((orders.state(), payments.state()), (State::Open, State::Closed));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Policy {
    pub(super) settings: Arc<Settings>,
}

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) trip: Trip,
    pub(super) open_time: Backoff,
    pub(super) hint_cap: Duration,
    pub(super) probes: u32,
    pub(super) judge: Option<(u32, Ratio)>,
    pub(super) probe_limit: Option<Duration>,
    pub(super) settle_after: Option<Duration>,
    pub(super) ramp: Duration,
    pub(super) abandoned_after: Duration,
    pub(super) seed: Option<u64>,
    pub(super) observed: Observed,
}

/// Probes at once, and probes that are judged, are at most so many.
const MAX_PROBES: u32 = 1024;

const OPEN_TIME: Duration = Duration::from_secs(30);
const HINT_CAP: Duration = Duration::from_secs(30);

impl Default for Settings {
    fn default() -> Self {
        Self {
            trip: Trip::default(),
            open_time: Backoff::constant(OPEN_TIME).jitter(Jitter::Proportional(Ratio::percent(10))),
            hint_cap: HINT_CAP,
            probes: 1,
            judge: None,
            probe_limit: None,
            settle_after: None,
            ramp: Duration::ZERO,
            abandoned_after: Duration::MAX,
            seed: None,
            observed: Observed::new(),
        }
    }
}

impl Policy {
    /// The defaults: [`Trip::default`], open for 30 s give or take a tenth, one probe.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    /// When the circuit opens.
    #[must_use]
    pub fn trip(self, trip: Trip) -> Self {
        self.with(|settings| settings.trip = trip)
    }

    /// Open always for so long, without jitter. Zero is taken as one millisecond; the longest is thirty years.
    #[must_use]
    pub fn open_for(self, time: Duration) -> Self {
        self.backoff(Backoff::constant(time).jitter(Jitter::None))
    }

    /// Open for longer each time in a row: the first opening takes the delay of attempt 0, and so on until it closes.
    #[must_use]
    pub fn backoff(self, open_time: Backoff) -> Self {
        self.with(|settings| settings.open_time = open_time)
    }

    /// The failed response's own hint (`Retry-After`) may lengthen the open time, up to so long: 30 s where nothing is
    /// set. Zero: hints are not heeded.
    #[must_use]
    pub fn hint_cap(self, cap: Duration) -> Self {
        self.with(|settings| settings.hint_cap = cap)
    }

    /// How many probes are let through at once while half-open, and how many must succeed for it to close: at least 1,
    /// at most 1024. Any that fails or is throttled, or is slow where that is a rule, opens it again.
    #[must_use]
    pub fn probes(self, probes: u32) -> Self {
        self.with(|settings| settings.probes = probes.clamp(1, MAX_PROBES))
    }

    /// Judges the probes by rate: once `calls` of them have answered (at least 1, at most 1024), opens where this share
    /// or more has failed or was throttled, else closes.
    #[must_use]
    pub fn judge_probes(self, calls: u32, failure_rate: Ratio) -> Self {
        self.with(|settings| settings.judge = Some((calls.clamp(1, MAX_PROBES), failure_rate)))
    }

    /// A probe that has not answered for so long has failed: the next call finds that out. Where nothing is
    /// set, the open time that the policy gave for this opening; what a hint or a hand has added does not count.
    #[must_use]
    pub fn probe_limit(self, limit: Duration) -> Self {
        self.with(|settings| settings.probe_limit = Some(limit))
    }

    /// A probe whose response has begun well, and has not ended for so long, has succeeded: the next call finds that out.
    /// Half of the probe limit where nothing is set.
    #[must_use]
    pub fn settle_after(self, time: Duration) -> Self {
        self.with(|settings| settings.settle_after = Some(time))
    }

    /// After closing, lets through a share of the calls that grows from none to all over this time. Zero, the default:
    /// all at once.
    #[must_use]
    pub fn ramp(self, time: Duration) -> Self {
        self.with(|settings| settings.ramp = time)
    }

    /// A call that is dropped without a reason after it has waited so long is a failure: somebody's timeout has cut it.
    /// Set it to the timeout of one attempt. [`Duration::MAX`], the default: such a call is nothing.
    ///
    /// It also says which callers were in a hurry: a call that the caller's own [`Deadline`](crate::Deadline) has ended is a
    /// failure where it has waited so long, and else nothing. With the default it always is one.
    #[must_use]
    pub fn abandoned_after(self, time: Duration) -> Self {
        self.with(|settings| settings.abandoned_after = time)
    }

    /// Draws the jitter and the ramp from this seed, so that a test repeats.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        self.with(|settings| settings.seed = Some(seed))
    }

    /// Lets `observer` hear what the circuits of this policy decide.
    #[must_use]
    pub fn observe(self, observer: impl Observer) -> Self {
        self.with(|settings| settings.observed = Observed::by(observer))
    }
}

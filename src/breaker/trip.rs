//! When a circuit opens: the rules, as a user says them.

use super::{ring, word};
use crate::{clock::Instant, outcome::Outcome, window::Ratio};
use std::{fmt, sync::Arc, time::Duration};

/// The rules by which a circuit opens. Any of them opens it, and the event says which.
///
/// ```
/// use std::time::Duration;
/// use buttress::{breaker::Trip, window::Ratio};
///
/// // the textbook's: five failures in a row
/// let plain = Trip::consecutive(5);
/// // half of the last hundred calls, or three of four slower than two seconds
/// let rates = Trip::over_calls(100)
///     .failure_rate(Ratio::percent(50))
///     .slow_rate(Duration::from_secs(2), Ratio::percent(75));
/// // the same over time, and ten in a row at any rate
/// let both = Trip::over_time(Duration::from_secs(30)).failure_rate(Ratio::percent(50)).or_consecutive(10);
/// # drop((plain, rates, both));
/// ```
///
/// The default is half of the calls of ten seconds, once there were twenty; below that, five failures in a row.
#[derive(Clone)]
pub struct Trip {
    pub(super) window: Window,
    pub(super) min_calls: u32,
    pub(super) failure_rate: Option<Ratio>,
    pub(super) slow: Option<(Duration, Ratio)>,
    /// 0: no such rule.
    pub(super) run: u32,
    /// The run counts only while the window holds fewer than `min_calls`.
    pub(super) run_below_min: bool,
    pub(super) own: Option<Own>,
}

/// What the rates are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    None,
    Calls(u32),
    Time(Duration),
}

/// Makes the user's own rule, one a circuit.
#[derive(Clone)]
pub(super) struct Own(pub(super) Arc<dyn Fn() -> Box<dyn Rule> + Send + Sync>);

/// A rule of your own: it is shown every outcome that counts, and says when to open.
///
/// It stands behind the lock of its circuit, which the built-in rules do without, and is called with that lock held: it must
/// not ask its own circuit for anything but the state. A panic in it is passed on to whoever records, and harms nothing else;
/// where that thread panics already, it is swallowed.
pub trait Rule: Send + 'static {
    /// Whether this outcome opens the circuit.
    fn record(&mut self, now: Instant, outcome: &Outcome) -> bool;

    /// The circuit has turned half-open, closed or forced: forget what was.
    fn clear(&mut self);
}

impl Trip {
    /// So many failures in a row. 0 is taken as 1; the largest is 2^28 - 1.
    #[must_use]
    pub const fn consecutive(failures: u32) -> Self {
        Self::none(Window::None, 0).or_consecutive(failures)
    }

    /// Rates over the last so many calls: at least 1, at most 4095. The rates count once the window is full, or once it
    /// holds [`min_calls`](Self::min_calls).
    ///
    /// Without a rate set it is half of them failed.
    #[must_use]
    pub const fn over_calls(calls: u32) -> Self {
        Self::none(Window::Calls(calls), u32::MAX)
    }

    /// Rates over the calls of the last while, in ten buckets of at least a millisecond. The rates count once the window
    /// holds [`min_calls`](Self::min_calls), 20 where that is not set.
    ///
    /// Without a rate set it is half of them failed.
    #[must_use]
    pub const fn over_time(length: Duration) -> Self {
        Self::none(Window::Time(length), 20)
    }

    const fn none(window: Window, min_calls: u32) -> Self {
        Self { window, min_calls, failure_rate: None, slow: None, run: 0, run_below_min: false, own: None }
    }

    /// Opens where this share of the calls failed, or more. A share of nothing still takes one failure.
    #[must_use]
    pub const fn failure_rate(mut self, rate: Ratio) -> Self {
        self.failure_rate = Some(rate);
        self
    }

    /// Opens where this share of the calls took strictly longer than `over`, or more.
    #[must_use]
    pub const fn slow_rate(mut self, over: Duration, rate: Ratio) -> Self {
        self.slow = Some((over, rate));
        self
    }

    /// No rate counts below so many calls. 0 is taken as 1; over calls, no more than the window holds.
    #[must_use]
    pub const fn min_calls(mut self, calls: u32) -> Self {
        self.min_calls = if calls == 0 { 1 } else { calls };
        self
    }

    /// Opens also after so many failures in a row, whatever the rates. 0 is taken as 1.
    #[must_use]
    pub const fn or_consecutive(mut self, failures: u32) -> Self {
        self.run = run(failures);
        self.run_below_min = false;
        self
    }

    /// Opens also after so many failures in a row while there are too few calls for a rate. 0 is taken as 1.
    #[must_use]
    pub const fn or_consecutive_below_min(mut self, failures: u32) -> Self {
        self.run = run(failures);
        self.run_below_min = true;
        self
    }

    /// Opens also where a rule of your own says so; `make` makes one for each circuit.
    #[must_use]
    pub fn or_rule<R: Rule>(mut self, make: impl Fn() -> R + Send + Sync + 'static) -> Self {
        self.own = Some(Own(Arc::new(move || Box::new(make()))));
        self
    }

    /// The window that holds: a rate that was named without one is taken over ten seconds.
    pub(super) const fn effective_window(&self) -> Window {
        match self.window {
            Window::None if self.failure_rate.is_some() || self.slow.is_some() => {
                Window::Time(Duration::from_secs(10))
            }
            Window::Calls(0) => Window::Calls(1),
            Window::Calls(calls) if calls > ring::MAX => Window::Calls(ring::MAX),
            window => window,
        }
    }

    /// The failure rate that holds: where a window was asked for and no rate was named, half.
    pub(super) const fn effective_failure_rate(&self) -> Option<Ratio> {
        match (self.window, self.failure_rate, self.slow) {
            (_, Some(rate), _) => Some(rate),
            (Window::Calls(_) | Window::Time(_), None, None) => Some(Ratio::percent(50)),
            (Window::None, None, _) | (_, None, Some(_)) => None,
        }
    }

    /// How many calls a rate needs.
    pub(super) const fn effective_min_calls(&self) -> u32 {
        match self.effective_window() {
            Window::Calls(size) => {
                if self.min_calls < size {
                    self.min_calls
                } else {
                    size
                }
            }
            _ if self.min_calls == 0 => 20,
            _ => self.min_calls,
        }
    }
}

/// A limit that a run can reach.
const fn run(failures: u32) -> u32 {
    if failures == 0 {
        1
    } else if failures > word::RUN_MAX {
        word::RUN_MAX
    } else {
        failures
    }
}

impl Default for Trip {
    fn default() -> Self {
        Self::over_time(Duration::from_secs(10)).or_consecutive_below_min(5)
    }
}

impl fmt::Debug for Trip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trip")
            .field("window", &self.effective_window())
            .field("min_calls", &self.effective_min_calls())
            .field("failure_rate", &self.effective_failure_rate())
            .field("slow", &self.slow)
            .field("run", &self.run)
            .field("run_below_min", &self.run_below_min)
            .field("own", &self.own.is_some())
            .finish()
    }
}

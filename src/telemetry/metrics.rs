//! Events as numbers, through the `metrics` facade.

use super::{CircuitState, Event, Observer, Why};
use crate::rejected::Reason;
use metrics::{Counter, Gauge, Histogram, Label, SharedString, counter, gauge, histogram};
use std::{
    collections::HashMap,
    mem,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// So many names are told apart; those that come later are counted together under the name `other`.
const MAX_NAMES: usize = 1024;
const OTHER: &str = "other";

const TIMEOUTS: &str = "buttress_timeouts_total";
const REJECTED: &str = "buttress_rejected_total";
const CALLS: &str = "buttress_breaker_calls_total";
const BREAKER_REJECTED: &str = "buttress_breaker_rejected_total";
const TRANSITIONS: &str = "buttress_breaker_transitions_total";
const STATE: &str = "buttress_breaker_state";
const OVERFLOWS: &str = "buttress_overflows_total";
const FALLBACKS: &str = "buttress_fallbacks_total";
const FALLBACKS_MISSED: &str = "buttress_fallbacks_missed_total";
const IN_FLIGHT: &str = "buttress_in_flight";
const RELOADS: &str = "buttress_reloads_total";
const IDEMPOTENCY: &str = "buttress_idempotency_total";
const QUEUE: &str = "buttress_queue_seconds";
const TOKENS: &str = "buttress_budget_tokens";
const UNPAID: &str = "buttress_budget_refused_total";
const RETRIES: &str = "buttress_retry_attempts_total";
const RETRY_CALLS: &str = "buttress_retry_calls_total";
const HEDGES: &str = "buttress_hedges_total";

/// Counts each event through the recorder of the `metrics` facade.
///
/// | metric | labels | says |
/// |---|---|---|
/// | `buttress_timeouts_total` | `name`, `kind` | calls and bodies cut by a limit |
/// | `buttress_rejected_total` | `name`, `reason` | calls refused before they reached the service |
/// | `buttress_breaker_state` | `name`, `state` | 1 for the state that the circuit is in, 0 for the others |
/// | `buttress_breaker_calls_total` | `name`, `outcome` | calls through a circuit, by how they ended |
/// | `buttress_breaker_rejected_total` | `name` | calls that a circuit refused |
/// | `buttress_breaker_transitions_total` | `name`, `to`, `why` | turns of a circuit |
/// | `buttress_overflows_total` | `name` | times that there were too many keys, and newcomers began to share |
/// | `buttress_fallbacks_total` | `name`, `kind` | calls that a fallback has answered |
/// | `buttress_fallbacks_missed_total` | `name`, `kind` | calls for which a fallback was asked, and had no answer |
/// | `buttress_in_flight` | `name` | calls inside a bulkhead |
/// | `buttress_reloads_total` | `name`, `result` | configurations that were to hold from then on: `done` or `refused` |
/// | `buttress_idempotency_total` | `name`, `outcome` | what came of requests with an idempotency key |
/// | `buttress_queue_seconds` | `name` | waits in a queue, however they ended; a histogram |
/// | `buttress_budget_tokens` | `name` | what is left in a budget |
/// | `buttress_budget_refused_total` | `name`, `kind` | retries and hedges that a budget did not pay |
/// | `buttress_retry_attempts_total` | `name`, `reason` | retries, by how the attempt before had ended |
/// | `buttress_retry_calls_total` | `name`, `result` | calls under a retry, by how they came to their answer |
/// | `buttress_hedges_total` | `name`, `result` | attempts beside another, by what became of them |
///
/// Handles are kept: after the first event of a kind, counting allocates nothing. They are made anew when another recorder
/// is installed, which is told with the next event how things stand; so it does not matter which is set up first, this or
/// the exporter. The label sets are closed, and at most 1024 names are told apart; later ones share the name `other`.
/// Clones are the same adapter.
///
/// ```
/// # use std::time::Duration;
/// use buttress::{telemetry::Metrics, timeout::TimeoutLayer};
///
/// let layer = TimeoutLayer::new(Duration::from_secs(1)).name("payments").observe(Metrics::new());
/// # drop(layer);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    known: Arc<RwLock<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// The address of the recorder that the handles belong to.
    recorder: usize,
    names: HashMap<Box<str>, Vec<(Series, Handle)>>,
}

/// One line of a metric, beside the name: the labels and their values, all of closed sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Series {
    metric: &'static str,
    labels: [(&'static str, &'static str); 2],
}

/// No label.
const NO: (&str, &str) = ("", "");

#[derive(Debug)]
enum Handle {
    Counter(Counter),
    /// With the bits of its value: another recorder shall not have to wait for the next.
    Gauge(Gauge, AtomicU64),
    Histogram(Histogram),
}

/// What is to be done with a line.
#[derive(Clone, Copy)]
enum Act {
    Count,
    Set(f64),
    Note(f64),
}

impl Metrics {
    /// The adapter.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn count(&self, name: &str, metric: &'static str, labels: [(&'static str, &'static str); 2]) {
        self.act(name, Series { metric, labels }, Act::Count);
    }

    fn act(&self, name: &str, series: Series, act: Act) {
        let recorder = metrics::with_recorder(|recorder| std::ptr::from_ref(recorder).cast::<()>().addr());
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            if known.recorder == recorder
                && let Some(handle) = known.find(name, series)
            {
                return handle.act(act);
            }
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.recorder != recorder {
            known.begin(recorder);
        }
        known.make(name, series, act).act(act);
    }
}

impl Known {
    /// There is another recorder: it is told how things stand. A circuit that is well may not turn for months.
    #[cold]
    fn begin(&mut self, recorder: usize) {
        let former = mem::replace(self, Self { recorder, names: HashMap::new() });
        describe();
        for (name, lines) in former.names {
            for (series, handle) in lines {
                if let Handle::Gauge(_, value) = handle {
                    let act = Act::Set(f64::from_bits(value.into_inner()));
                    self.make(&name, series, act).act(act);
                }
            }
        }
    }

    /// The name under which it is counted.
    fn counted_as<'a>(&self, name: &'a str) -> &'a str {
        if self.names.len() < MAX_NAMES || self.names.contains_key(name) { name } else { OTHER }
    }

    fn find(&self, name: &str, series: Series) -> Option<&Handle> {
        let lines = self.names.get(self.counted_as(name))?;
        lines.iter().find(|(known, _)| *known == series).map(|(_, handle)| handle)
    }

    fn make(&mut self, name: &str, series: Series, act: Act) -> &Handle {
        let name = self.counted_as(name);
        let lines = self.names.entry(name.into()).or_default();
        // Somebody else may have made it between the two locks.
        let at = lines.iter().position(|(known, _)| *known == series).unwrap_or_else(|| {
            lines.push((series, Handle::new(name, series, act)));
            lines.len() - 1
        });
        &lines[at].1
    }
}

impl Handle {
    fn new(name: &str, series: Series, act: Act) -> Self {
        let mut labels = vec![Label::new("name", SharedString::from(name.to_owned()))];
        let named = series.labels.into_iter().filter(|label| *label != NO);
        labels.extend(named.map(|(label, value)| Label::from_static_parts(label, value)));
        match act {
            Act::Count => Self::Counter(counter!(series.metric, labels)),
            Act::Set(value) => Self::Gauge(gauge!(series.metric, labels), value.to_bits().into()),
            Act::Note(_) => Self::Histogram(histogram!(series.metric, labels)),
        }
    }

    fn act(&self, act: Act) {
        match (self, act) {
            (Self::Counter(counter), _) => counter.increment(1),
            (Self::Gauge(gauge, last), Act::Set(value)) => {
                last.store(value.to_bits(), Relaxed);
                gauge.set(value);
            }
            (Self::Histogram(histogram), Act::Note(value)) => histogram.record(value),
            (Self::Gauge(..) | Self::Histogram(_), _) => {}
        }
    }
}

fn describe() {
    metrics::describe_counter!(TIMEOUTS, "calls and bodies cut by a limit");
    metrics::describe_counter!(RELOADS, "configurations that were to hold from then on");
    metrics::describe_counter!(REJECTED, "calls refused before they reached the service");
    metrics::describe_counter!(CALLS, "calls through a circuit, by how they ended");
    metrics::describe_counter!(BREAKER_REJECTED, "calls that a circuit refused");
    metrics::describe_counter!(TRANSITIONS, "turns of a circuit");
    metrics::describe_counter!(FALLBACKS, "calls that a fallback has answered");
    metrics::describe_counter!(FALLBACKS_MISSED, "calls for which a fallback was asked, and had no answer");
    metrics::describe_counter!(
        OVERFLOWS,
        "times that there were too many keys, and newcomers began to share"
    );
    metrics::describe_counter!(IDEMPOTENCY, "what came of requests with an idempotency key");
    metrics::describe_gauge!(STATE, "1 for the state that the circuit is in, 0 for the others");
    metrics::describe_gauge!(IN_FLIGHT, "calls inside a bulkhead");
    metrics::describe_histogram!(QUEUE, metrics::Unit::Seconds, "waits in a queue, however they ended");
    metrics::describe_gauge!(TOKENS, "what is left in a budget");
    metrics::describe_counter!(UNPAID, "retries and hedges that a budget did not pay");
    metrics::describe_counter!(RETRIES, "retries, by how the attempt before had ended");
    metrics::describe_counter!(RETRY_CALLS, "calls under a retry, by how they came to their answer");
    metrics::describe_counter!(HEDGES, "attempts beside another, by what became of them");
}

impl Observer for Metrics {
    fn event(&self, event: &Event<'_>) {
        match *event {
            Event::TimedOut { name, limit } => self.count(name, TIMEOUTS, [("kind", limit.as_str()), NO]),
            Event::Rejected { name, reason } => {
                self.count(name, REJECTED, [("reason", reason.as_str()), NO]);
                if reason == Reason::Open {
                    self.count(name, BREAKER_REJECTED, [NO, NO]);
                }
            }
            Event::Call { name, class } => self.count(name, CALLS, [("outcome", class.as_str()), NO]),
            Event::Overflow { name, .. } => self.count(name, OVERFLOWS, [NO, NO]),
            Event::Turned { name, to, why } => {
                // The former state first: a scrape that comes between finds none, and never two.
                let others = CircuitState::ALL.into_iter().filter(|state| *state != to);
                for (state, value) in others.map(|state| (state, 0.0)).chain([(to, 1.0)]) {
                    let series = Series { metric: STATE, labels: [("state", state.as_str()), NO] };
                    self.act(name, series, Act::Set(value));
                }
                if why != Why::Made {
                    self.count(name, TRANSITIONS, [("to", to.as_str()), ("why", why.as_str())]);
                }
            }
            Event::Fallback { name, kind, answered, .. } => {
                let metric = if answered { FALLBACKS } else { FALLBACKS_MISSED };
                self.count(name, metric, [("kind", kind.as_str()), NO]);
            }
            Event::InFlight { name, calls } => {
                self.act(name, Series { metric: IN_FLIGHT, labels: [NO, NO] }, Act::Set(calls.into()));
            }
            Event::Reload { name, refused, .. } => {
                let result = if refused.is_some() { "refused" } else { "done" };
                self.count(name, RELOADS, [("result", result), NO]);
            }
            Event::Idempotency { name, outcome } => {
                self.count(name, IDEMPOTENCY, [("outcome", outcome.as_str()), NO]);
            }
            Event::Waited { name, time } => {
                self.act(name, Series { metric: QUEUE, labels: [NO, NO] }, Act::Note(time.as_secs_f64()));
            }
            Event::Budget { name, thousandths } => {
                let tokens = thousandths as f64 / 1000.0;
                self.act(name, Series { metric: TOKENS, labels: [NO, NO] }, Act::Set(tokens));
            }
            Event::Unpaid { name, extra } => self.count(name, UNPAID, [("kind", extra.as_str()), NO]),
            Event::Retry { name, class, .. } => self.count(name, RETRIES, [("reason", class.as_str()), NO]),
            Event::RetryEnded { name, result, .. } => {
                self.count(name, RETRY_CALLS, [("result", result.as_str()), NO]);
            }
            Event::Hedge { name, result } => self.count(name, HEDGES, [("result", result.as_str()), NO]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        outcome::Class,
        telemetry::{FallbackKind, Limit},
    };
    use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

    fn counts(snapshotter: &Snapshotter) -> HashMap<String, u64> {
        let read = |value| match value {
            DebugValue::Counter(count) => count,
            other => panic!("not a counter: {other:?}"),
        };
        let entries = snapshotter.snapshot().into_vec().into_iter();
        entries.map(|(key, _, _, value)| (key.key().to_string(), read(value))).collect()
    }

    #[test]
    fn each_event_is_counted_under_its_name_and_its_closed_label() {
        let recorder = DebuggingRecorder::new();
        let seen = recorder.snapshotter();
        let adapter = Metrics::new();
        // Before there is a recorder: lost, and not for ever.
        adapter.event(&Event::timed_out("payments", Limit::Call));
        metrics::with_local_recorder(&recorder, || {
            adapter.event(&Event::timed_out("payments", Limit::Call));
            adapter.event(&Event::timed_out("payments", Limit::Call));
            adapter.event(&Event::timed_out("payments", Limit::Idle));
            adapter.event(&Event::rejected("orders", Reason::DeadlinePassed));
            adapter.event(&Event::fallback("stock", FallbackKind::Value, Class::Rejected, true));
            adapter.event(&Event::fallback("stock", FallbackKind::LastGood, Class::TimedOut, false));
            adapter.event(&Event::overflow("other hosts", 100));
        });
        let counts = counts(&seen);
        let of = |metric: &str, value: &str| {
            counts
                .iter()
                .find(|(key, _)| key.contains(metric) && key.contains(value))
                .map(|(_, count)| *count)
        };
        assert_eq!(of(TIMEOUTS, "call"), Some(2), "{counts:?}");
        assert_eq!(of(TIMEOUTS, "idle"), Some(1));
        assert_eq!(of(REJECTED, "deadline_passed"), Some(1));
        assert_eq!(of(FALLBACKS, "value"), Some(1));
        assert_eq!(of(FALLBACKS_MISSED, "last_good"), Some(1));
        assert_eq!(of(OVERFLOWS, "other hosts"), Some(1));
        assert_eq!(counts.len(), 6);
    }

    #[test]
    fn a_recorder_that_comes_later_learns_the_state_of_circuits_that_do_not_turn() {
        let (first, second) = (DebuggingRecorder::new(), DebuggingRecorder::new());
        let adapter = Metrics::new();
        let gauges = |snapshotter: &Snapshotter| {
            let entries = snapshotter.snapshot().into_vec().into_iter();
            let lines = entries.filter_map(|(key, _, _, value)| match value {
                DebugValue::Gauge(value) => Some((key.key().to_string(), value.into_inner())),
                _ => None,
            });
            lines.collect::<HashMap<_, _>>()
        };
        adapter.event(&Event::turned("payments", CircuitState::Closed, Why::Made));
        adapter.event(&Event::turned("orders", CircuitState::Closed, Why::Made));
        adapter.event(&Event::turned("orders", CircuitState::Open, Why::Consecutive));
        adapter.event(&Event::in_flight("payments", 3));
        adapter.event(&Event::call("payments", Class::Ok));
        for recorder in [&first, &second] {
            let seen = recorder.snapshotter();
            metrics::with_local_recorder(recorder, || {
                adapter.clone().event(&Event::call("payments", Class::Ok));
            });
            let gauges = gauges(&seen);
            let at_one: Vec<_> =
                gauges.iter().filter(|(_, value)| **value == 1.0).map(|(key, _)| key).collect();
            assert_eq!((gauges.len(), at_one.len()), (13, 2), "{gauges:?}");
            assert!(
                at_one.iter().any(|key| key.contains("payments") && key.contains("closed")),
                "{at_one:?}"
            );
            assert!(at_one.iter().any(|key| key.contains("orders") && key.contains("= open")), "{at_one:?}");
            assert!(gauges.iter().any(|(key, value)| key.contains(IN_FLIGHT) && *value == 3.0), "{gauges:?}");
        }
    }

    #[test]
    fn names_over_the_bound_share_one() {
        let recorder = DebuggingRecorder::new();
        let seen = recorder.snapshotter();
        let adapter = Metrics::new();
        metrics::with_local_recorder(&recorder, || {
            for n in 0..MAX_NAMES + 10 {
                let name = format!("host-{n}");
                adapter.event(&Event::timed_out(&name, Limit::Call));
            }
        });
        let counts = counts(&seen);
        assert_eq!(counts.len(), MAX_NAMES + 1);
        assert_eq!(counts.iter().find(|(key, _)| key.contains("other")).map(|(_, count)| *count), Some(10));
    }
}

//! Events as numbers, through the `metrics` facade.

use super::{Event, Observer};
use metrics::{Counter, Label, SharedString, counter};
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

/// So many names are told apart; those that come later are counted together under the name `other`.
const MAX_NAMES: usize = 1024;

const TIMEOUTS: &str = "buttress_timeouts_total";
const REJECTED: &str = "buttress_rejected_total";

/// Counts each event through the recorder of the `metrics` facade.
///
/// | metric | labels | counts |
/// |---|---|---|
/// | `buttress_timeouts_total` | `name`, `kind` | calls and bodies cut by a limit |
/// | `buttress_rejected_total` | `name`, `reason` | calls refused before they reached the service |
///
/// Handles are kept: after the first event of a kind, counting allocates nothing. They are made anew when another recorder
/// is installed, so it does not matter which is set up first, this or the exporter. The label sets are closed, and at most
/// 1024 names are told apart; later ones share the name `other`.
///
/// ```
/// # use std::time::Duration;
/// use buttress::{telemetry::Metrics, timeout::TimeoutLayer};
///
/// let layer = TimeoutLayer::new(Duration::from_secs(1)).name("payments").observe(Metrics::new());
/// # drop(layer);
/// ```
#[derive(Debug, Default)]
pub struct Metrics {
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The address of the recorder that the handles belong to.
    recorder: usize,
    names: HashMap<Box<str>, Vec<Handle>>,
}

#[derive(Debug)]
struct Handle {
    metric: &'static str,
    value: &'static str,
    counter: Counter,
}

/// One count: which metric, and the one label beside the name.
#[derive(Clone, Copy)]
struct Count<'a> {
    metric: &'static str,
    name: &'a str,
    label: &'static str,
    value: &'static str,
}

impl Metrics {
    /// The adapter.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn count(&self, count: Count<'_>) {
        let recorder = metrics::with_recorder(|recorder| std::ptr::from_ref(recorder).cast::<()>().addr());
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            if known.recorder == recorder
                && let Some(handle) = known.find(count)
            {
                handle.counter.increment(1);
                return;
            }
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.recorder != recorder {
            *known = Known { recorder, names: HashMap::new() };
            describe();
        }
        known.make(count).counter.increment(1);
    }
}

impl Known {
    /// The handle, also of a name that is counted under `other`.
    fn find(&self, count: Count<'_>) -> Option<&Handle> {
        let name = if self.names.contains_key(count.name) || self.names.len() < MAX_NAMES {
            count.name
        } else {
            OTHER
        };
        let handles = self.names.get(name)?;
        handles.iter().find(|handle| handle.metric == count.metric && handle.value == count.value)
    }

    fn make(&mut self, count: Count<'_>) -> &Handle {
        let full = self.names.len() >= MAX_NAMES && !self.names.contains_key(count.name);
        let name = if full { OTHER } else { count.name };
        let handles = self.names.entry(name.into()).or_default();
        let at = handles
            .iter()
            .position(|handle| handle.metric == count.metric && handle.value == count.value)
            .unwrap_or(handles.len());
        if at == handles.len() {
            let labels = vec![
                Label::new("name", SharedString::from(name.to_owned())),
                Label::from_static_parts(count.label, count.value),
            ];
            let counter = counter!(count.metric, labels);
            handles.push(Handle { metric: count.metric, value: count.value, counter });
        }
        &handles[at]
    }
}

const OTHER: &str = "other";

fn describe() {
    metrics::describe_counter!(TIMEOUTS, "calls and bodies cut by a limit");
    metrics::describe_counter!(REJECTED, "calls refused before they reached the service");
}

impl Observer for Metrics {
    fn event(&self, event: &Event<'_>) {
        self.count(match *event {
            Event::TimedOut { name, limit } => {
                Count { metric: TIMEOUTS, name, label: "kind", value: limit.as_str() }
            }
            Event::Rejected { name, reason } => {
                Count { metric: REJECTED, name, label: "reason", value: reason.as_str() }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rejected::Reason, telemetry::Limit};
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
        assert_eq!(counts.len(), 3);
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

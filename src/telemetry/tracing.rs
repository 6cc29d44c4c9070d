//! Events as `tracing` events.

use super::{Event, Observer};

/// Writes each event as a `tracing` event of target `buttress`, at debug level: they come one a call.
///
/// ```
/// # use std::time::Duration;
/// use buttress::{telemetry::Tracing, timeout::TimeoutLayer};
///
/// let layer = TimeoutLayer::new(Duration::from_secs(1)).observe(Tracing::new());
/// # drop(layer);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Tracing {
    _more: (),
}

impl Tracing {
    /// The adapter.
    #[must_use]
    pub const fn new() -> Self {
        Self { _more: () }
    }
}

impl Observer for Tracing {
    fn event(&self, event: &Event<'_>) {
        match *event {
            Event::Rejected { name, reason } => {
                tracing::debug!(target: "buttress", name, reason = reason.as_str(), "call rejected");
            }
            Event::TimedOut { name, limit } => {
                tracing::debug!(target: "buttress", name, limit = limit.as_str(), "call cut by a limit");
            }
        }
    }
}

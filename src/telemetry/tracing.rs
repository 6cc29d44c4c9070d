//! Events as `tracing` events.

use super::{Event, Observer};

/// Writes each event as a `tracing` event of target `buttress`.
///
/// Too many keys, so that newcomers share, is a `warn`: the bound is too low, or the keys are the wrong ones; so is a
/// configuration that was refused. One that holds is an `info`, and so is a circuit that turns: that is what one looks for at three in the morning. A call that was cut, refused or answered by
/// a fallback, or is sent again, is a `debug`, and every end of a call through a circuit a `trace`: they come one a call. How often
/// a call was sent again is recorded in its [span](super::span).
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
            Event::Call { name, class } => {
                tracing::trace!(target: "buttress", name, outcome = class.as_str(), "call ended");
            }
            Event::Turned { name, to, why } => {
                let (to, why) = (to.as_str(), why.as_str());
                tracing::info!(target: "buttress", name, to, why, "circuit turned");
            }
            Event::Overflow { name, bound } => {
                tracing::warn!(target: "buttress", name, bound, "too many keys, newcomers share one");
            }
            Event::Fallback { name, kind, class, answered } => {
                let (kind, outcome) = (kind.as_str(), class.as_str());
                tracing::debug!(target: "buttress", name, kind, outcome, answered, "fallback asked");
            }
            Event::Idempotency { name, outcome } => {
                tracing::debug!(target: "buttress", name, outcome = outcome.as_str(), "request with an idempotency key");
            }
            Event::Waited { name, time } => {
                tracing::trace!(target: "buttress", name, seconds = time.as_secs_f64(), "wait in a queue over");
            }
            Event::Unpaid { name, extra } => {
                tracing::debug!(target: "buttress", name, kind = extra.as_str(), "not in the budget");
            }
            Event::Retry { name, class, attempt, wait } => {
                let (reason, seconds) = (class.as_str(), wait.as_secs_f64());
                tracing::debug!(target: "buttress", name, reason, attempt, seconds, "will be sent again");
                // A span that has no such field, as one of the user's may not, takes no notice.
                tracing::Span::current().record("http.request.resend_count", attempt);
            }
            Event::RetryEnded { name, result, attempts } => {
                tracing::trace!(target: "buttress", name, result = result.as_str(), attempts, "call ended");
            }
            Event::Hedge { name, result } => {
                tracing::debug!(target: "buttress", name, result = result.as_str(), "hedge over");
            }
            Event::Reload { name, refused: None, .. } => {
                tracing::info!(target: "buttress", name, "configuration reloaded");
            }
            Event::Reload { name, refused: Some(field), problem } => {
                tracing::warn!(target: "buttress", name, field, problem, "configuration refused, the former one stays");
            }
            // Numbers for a graph; as lines they would be two a call that say nothing.
            Event::InFlight { .. } | Event::Budget { .. } => {}
        }
    }
}

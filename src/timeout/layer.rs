//! The layer: what a user sets.

use super::{PerRequest, Timeout};
use crate::telemetry::{Observed, Observer};
use std::time::Duration;
use tower_layer::Layer;

/// Cuts calls that take too long. See the [module](super).
#[derive(Clone, Debug)]
pub struct TimeoutLayer<L = Duration> {
    settings: Settings<L>,
}

/// What layer, service and future share.
#[derive(Clone, Debug)]
pub(super) struct Settings<L> {
    pub(super) limit: L,
    pub(super) name: &'static str,
    pub(super) observed: Observed,
}

const NAME: &str = "timeout";

impl TimeoutLayer {
    /// Every call may take so long.
    #[must_use]
    pub const fn new(limit: Duration) -> Self {
        Self::by(limit)
    }
}

impl<F> TimeoutLayer<PerRequest<F>> {
    /// Each call may take as long as `limit` reads from its request.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use buttress::timeout::TimeoutLayer;
    ///
    /// struct Report { pages: u32 }
    /// let layer = TimeoutLayer::per_request(|report: &Report| Duration::from_millis(50) * report.pages);
    /// # drop(layer);
    /// ```
    pub const fn per_request<Req>(limit: F) -> Self
    where
        F: Fn(&Req) -> Duration,
    {
        Self::by(PerRequest(limit))
    }
}

impl<L> TimeoutLayer<L> {
    /// Each call may take as long as `limit` says when it begins: a [`LiveLimit`](super::LiveLimit), or a
    /// [`Limit`](super::Limit) of your own.
    #[must_use]
    pub const fn by(limit: L) -> Self {
        Self { settings: Settings { limit, name: NAME, observed: Observed::new() } }
    }

    /// The same settings with another limit.
    pub(super) fn map<M>(self, limit: impl FnOnce(L) -> M) -> TimeoutLayer<M> {
        let Settings { limit: old, name, observed } = self.settings;
        TimeoutLayer { settings: Settings { limit: limit(old), name, observed } }
    }

    pub(super) const fn settings(&self) -> &Settings<L> {
        &self.settings
    }

    /// The limit.
    #[cfg(feature = "http")]
    pub(crate) const fn limited_by(&self) -> &L {
        &self.settings.limit
    }

    /// The name in rejections and events; `"timeout"` where none is set, or an empty one.
    #[must_use]
    pub const fn name(mut self, name: &'static str) -> Self {
        self.settings.name = if name.is_empty() { NAME } else { name };
        self
    }

    /// Lets `observer` hear what this layer decides.
    #[must_use]
    pub fn observe(mut self, observer: impl Observer) -> Self {
        self.settings.observed = Observed::by(observer);
        self
    }
}

impl<S, L: Clone> Layer<S> for TimeoutLayer<L> {
    type Service = Timeout<S, L>;

    fn layer(&self, inner: S) -> Timeout<S, L> {
        Timeout::new(inner, self.settings.clone())
    }
}

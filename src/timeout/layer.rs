//! The layer: what a user sets.

use super::{PerRequest, Timeout, settings::Settings};
use crate::telemetry::Observer;
use std::time::Duration;
use tower_layer::Layer;

/// Cuts calls that take too long. See the [module](super).
#[derive(Clone, Debug)]
pub struct TimeoutLayer<L = Duration> {
    settings: Settings<L>,
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
        Self { settings: Settings::new(limit, NAME) }
    }

    /// The same settings with another limit.
    pub(super) fn map<M>(self, limit: impl FnOnce(L) -> M) -> TimeoutLayer<M> {
        TimeoutLayer { settings: self.settings.map(limit) }
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
        self.settings.rename(name, NAME);
        self
    }

    /// Lets `observer` hear what this layer decides.
    #[must_use]
    pub fn observe(mut self, observer: impl Observer) -> Self {
        self.settings.observe(observer);
        self
    }
}

impl<S, L: Clone> Layer<S> for TimeoutLayer<L> {
    type Service = Timeout<S, L>;

    fn layer(&self, inner: S) -> Timeout<S, L> {
        Timeout::new(inner, self.settings.clone())
    }
}

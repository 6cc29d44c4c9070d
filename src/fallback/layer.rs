//! The layer: which endings it stands in for, and by what.

use super::{Fallback, Why, classes::Classes};
use crate::{
    outcome::{By, Class, Classify, ErrorsFail, Outcome},
    telemetry::{Observed, Observer},
};
use std::{fmt, sync::Arc};
use tower_layer::Layer;

/// Answers in place of a service that could not. See the [module](super).
#[derive(Clone, Debug)]
pub struct FallbackLayer<K, C = ErrorsFail> {
    settings: Settings<K, C>,
}

/// What layer, service and future share.
#[derive(Clone)]
pub(super) struct Settings<K, C> {
    pub(super) source: K,
    pub(super) classify: C,
    on: Classes,
    when: Option<When>,
    pub(super) name: &'static str,
    pub(super) observed: Observed,
}

type When = Arc<dyn Fn(&Why) -> bool + Send + Sync>;

const NAME: &str = "fallback";

impl<K> FallbackLayer<K> {
    /// Answers from a source of your own: see [`Source`](super::Source) for an example.
    #[must_use]
    pub const fn source(source: K) -> Self {
        let settings = Settings {
            source,
            classify: ErrorsFail,
            on: Classes::NARROW,
            when: None,
            name: NAME,
            observed: Observed::new(),
        };
        Self { settings }
    }
}

impl<K, C> FallbackLayer<K, C> {
    /// Stands in for these endings, and for no other. Naming `Rejected` means every rejection, also those that the
    /// default leaves alone since they speak of the caller: `Limited` and `TooLarge`.
    ///
    /// `Ok`, `Panicked` and `Cancelled` are passed over: there is no fallback for a good answer, a bug, or a caller who
    /// left.
    ///
    /// ```
    /// # use buttress::{fallback::FallbackLayer, outcome::Class, testing::{Answer, Probe}};
    /// # use tower::{Layer, ServiceExt};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let probe = Probe::new();
    /// probe.handle().always(Answer::fail());
    /// let narrow = FallbackLayer::value(7);
    /// assert!(narrow.layer(probe.clone()).oneshot(1).await.is_err(), "a failure is not hidden");
    /// let wide = FallbackLayer::value(7).on([Class::Failed, Class::TimedOut]);
    /// assert_eq!(wide.layer(probe).oneshot(1).await, Ok(7));
    /// # }
    /// ```
    #[must_use]
    pub fn on(mut self, classes: impl IntoIterator<Item = Class>) -> Self {
        self.settings.on = Classes::of(classes);
        self.settings.when = None;
        self
    }

    /// Stands in for these endings too, besides those that it already does.
    #[must_use]
    pub fn also_on(mut self, classes: impl IntoIterator<Item = Class>) -> Self {
        self.settings.on = self.settings.on.and(Classes::of(classes));
        self
    }

    /// Stands in where `covers` says so, in place of [`on`](Self::on). It is asked for rejections, failures, timeouts and
    /// throttled calls.
    ///
    /// ```
    /// # use buttress::{fallback::FallbackLayer, rejected::Reason};
    /// // an open circuit, and nothing else
    /// let layer = FallbackLayer::value(0_u64).when(|why| why.reason() == Some(Reason::Open));
    /// # drop(layer);
    /// ```
    #[must_use]
    pub fn when(mut self, covers: impl Fn(&Why) -> bool + Send + Sync + 'static) -> Self {
        self.settings.when = Some(Arc::new(covers));
        self
    }

    /// Reads results by `classify`: `http::ByStatus` and `grpc::ByStatus` are two. A verdict that comes only with the end
    /// of a body counts as good: what has begun to stream cannot be taken back.
    #[must_use]
    pub fn classify<D>(self, classify: D) -> FallbackLayer<K, D> {
        self.with(|source| source, classify)
    }

    /// Reads results by a function.
    #[must_use]
    pub fn classify_by<Res, E, F>(self, classify: F) -> FallbackLayer<K, By<F>>
    where
        F: Fn(Result<&Res, &E>) -> Outcome,
        By<F>: Classify<Res, E>,
    {
        self.classify(By(classify))
    }

    /// The name in events; `"fallback"` where none is set, or an empty one.
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

    /// The same settings, over another source.
    pub(super) fn map<L>(self, source: impl FnOnce(K) -> L) -> FallbackLayer<L, C> {
        let Settings { source: old, classify, on, when, name, observed } = self.settings;
        FallbackLayer { settings: Settings { source: source(old), classify, on, when, name, observed } }
    }

    /// The same settings, over another source and another classifier.
    pub(crate) fn with<L, D>(self, source: impl FnOnce(K) -> L, classify: D) -> FallbackLayer<L, D> {
        let Settings { source: old, on, when, name, observed, .. } = self.settings;
        FallbackLayer { settings: Settings { source: source(old), classify, on, when, name, observed } }
    }
}

impl<K, C> Settings<K, C> {
    /// Whether a call that ended so is stood in for.
    pub(super) fn cover(&self, why: &Why) -> bool {
        match &self.when {
            Some(when) => when(why),
            None => self.on.cover(why.class(), why.reason()),
        }
    }
}

impl<S, K: Clone, C: Clone> Layer<S> for FallbackLayer<K, C> {
    type Service = Fallback<S, K, C>;

    fn layer(&self, inner: S) -> Fallback<S, K, C> {
        Fallback::new(inner, self.settings.clone())
    }
}

impl<K: fmt::Debug, C> fmt::Debug for Settings<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("source", &self.source)
            .field("on", &self.on)
            .field("when", &self.when.is_some())
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

//! The layer: what a user sets.

use super::{Hedge, delay::Delay, shared::Shared};
use crate::{
    budget::{Budget, KeyedBudgets},
    outcome::{By, Classify, ErrorsFail, Outcome},
    replay::{Always, ByKey, Clones},
    telemetry::{Observed, Observer},
    window::{Quantile, Ratio},
};
use std::{fmt, sync::Arc, time::Duration};
use tower_layer::Layer;

/// Sends a call a second time where the first does not answer soon. See the [module](super).
#[derive(Clone)]
pub struct HedgeLayer<R = Unsaid, C = ErrorsFail> {
    shared: Shared<R, C>,
}

/// Nothing was said yet of which requests may be sent twice.
#[derive(Clone, Copy, Debug)]
pub struct Unsaid {
    _more: (),
}

const NAME: &str = "hedge";

/// More attempts than this at once are a load, not a hedge.
const MOST: u8 = 16;

impl HedgeLayer {
    /// Another attempt after so long, and after each further while of that length, up to [`max`](Self::max).
    ///
    /// Zero sends them all as soon as the first is pending; [`Duration::MAX`] is never, also where an attempt fails.
    #[must_use]
    pub fn after(delay: Duration) -> Self {
        Self::new(Delay::Fixed(delay))
    }

    /// Another attempt once the first has taken longer than this share of them do: at 95 %, one call in twenty has a second
    /// attempt. It is learnt from the last thousand calls, and until there have been 100, there is no hedge.
    ///
    /// ```
    /// use buttress::{hedge::HedgeLayer, window::Ratio};
    ///
    /// let layer = HedgeLayer::quantile(Ratio::percent(95)).all_safe();
    /// # drop(layer);
    /// ```
    #[must_use]
    pub fn quantile(share: Ratio) -> Self {
        Self::learning(Quantile::new(share))
    }

    /// The same by a quantile over more or fewer calls, or one that answers earlier.
    ///
    /// ```
    /// use buttress::{hedge::HedgeLayer, window::{Quantile, Ratio}};
    ///
    /// let layer = HedgeLayer::learning(Quantile::new(Ratio::percent(98)).over(4096).least(500)).all_safe();
    /// # drop(layer);
    /// ```
    #[must_use]
    pub fn learning(quantile: Quantile) -> Self {
        Self::new(Delay::learnt(quantile))
    }

    fn new(delay: Delay) -> Self {
        let shared = Shared {
            delay,
            max: 1,
            replay: Unsaid { _more: () },
            classify: ErrorsFail,
            budget: Budget::new(),
            named: false,
            name: NAME,
            observed: Observed::new(),
        };
        Self { shared }
    }
}

impl<R, C> HedgeLayer<R, C> {
    /// Only these requests may be sent twice; the others pass as though there were no hedge. Requests are cloned.
    ///
    /// ```
    /// use std::time::Duration;
    /// use buttress::hedge::HedgeLayer;
    ///
    /// #[derive(Clone)]
    /// enum Command { Read(u64), Write(u64, String) }
    ///
    /// let layer = HedgeLayer::after(Duration::from_millis(50)).safe(|command| matches!(command, Command::Read(_)));
    /// # drop::<HedgeLayer<_>>(layer);
    /// ```
    #[must_use]
    pub fn safe<Req, F>(self, safe: F) -> HedgeLayer<Clones<F>, C>
    where
        F: Fn(&Req) -> bool,
    {
        self.replay(Clones::new(safe))
    }

    /// Every request may be sent twice. Requests are cloned.
    #[must_use]
    pub fn all_safe(self) -> HedgeLayer<Clones<Always>, C> {
        self.replay(Clones::ALWAYS)
    }

    /// Which requests may be sent twice, and how: a [`Replay`](crate::replay::Replay).
    ///
    /// ```
    /// use buttress::{budget::Extra, hedge::HedgeLayer, replay::Replay};
    /// use std::{sync::Arc, time::Duration};
    ///
    /// struct Query { sql: Arc<str>, number: u32 }
    ///
    /// /// Reads are sent again, each attempt under its own number.
    /// #[derive(Clone)]
    /// struct Reads;
    ///
    /// impl Replay<&'static str> for Reads {
    ///     type Sent = Query;
    ///     type Kept = Arc<str>;
    ///
    ///     fn first(&self, sql: &'static str, _: Extra) -> (Query, Option<Arc<str>>) {
    ///         let text: Arc<str> = sql.into();
    ///         (Query { sql: Arc::clone(&text), number: 1 }, text.starts_with("select").then_some(text))
    ///     }
    ///     fn again(&self, kept: &mut Arc<str>, attempt: u32) -> Option<Query> {
    ///         Some(Query { sql: Arc::clone(kept), number: attempt })
    ///     }
    /// }
    ///
    /// let layer = HedgeLayer::after(Duration::from_millis(50)).replay(Reads);
    /// # drop(layer);
    /// ```
    #[must_use]
    pub fn replay<Q>(self, replay: Q) -> HedgeLayer<Q, C> {
        self.with_replay(|_| replay)
    }

    fn with_replay<Q>(self, make: impl FnOnce(R) -> Q) -> HedgeLayer<Q, C> {
        let Shared { delay, max, replay, classify, budget, named, name, observed } = self.shared;
        let replay = make(replay);
        HedgeLayer { shared: Shared { delay, max, replay, classify, budget, named, name, observed } }
    }

    /// Reads results by `classify`: `http::ByStatus` and `grpc::ByStatus` are two. Only what is `Ok` wins, so a response
    /// with status 500 does not. A verdict that comes only with the end of a body counts as good: what has begun to arrive
    /// has won.
    #[must_use]
    pub fn classify<D>(self, classify: D) -> HedgeLayer<R, D> {
        let Shared { delay, max, replay, budget, named, name, observed, .. } = self.shared;
        HedgeLayer { shared: Shared { delay, max, replay, classify, budget, named, name, observed } }
    }

    /// Reads results by a function.
    #[must_use]
    pub fn classify_by<Res, E, F>(self, classify: F) -> HedgeLayer<R, By<F>>
    where
        F: Fn(Result<&Res, &E>) -> Outcome,
        By<F>: Classify<Res, E>,
    {
        self.classify(By(classify))
    }

    /// So many attempts beside the first one, at most; 1 where nothing is said. With 0 there is no hedge; more than 16 are 16.
    #[must_use]
    pub fn max(mut self, hedges: u32) -> Self {
        self.shared.max = u8::try_from(hedges).unwrap_or(MOST).min(MOST);
        self
    }

    /// A delay that is learnt is no shorter and no longer than this. A millisecond at least, the grain of the timer; where
    /// the two cross, the longest counts. A delay that is fixed stays as it is.
    #[must_use]
    pub fn between(mut self, least: Duration, most: Duration) -> Self {
        self.shared.delay = self.shared.delay.between(least, most);
        self
    }

    /// Who pays, where nobody else does; and whether that one was named.
    #[cfg(feature = "http")]
    pub(crate) const fn payer(&self) -> (&Budget, bool) {
        (&self.shared.budget, self.shared.named)
    }

    #[cfg(feature = "http")]
    pub(crate) const fn replayed_by(&self) -> &R {
        &self.shared.replay
    }

    /// Hedges are paid from this budget, which retries and other hedges may share. Where none is given there is one of its
    /// own: 10 tokens, a tenth of one for each call that may be hedged, and hedges only while it is more than half full.
    ///
    /// ```
    /// use std::time::Duration;
    /// use buttress::{budget::Budget, hedge::HedgeLayer};
    ///
    /// let payments = Budget::new().named("payments");
    /// let layer = HedgeLayer::after(Duration::from_millis(50)).all_safe().budget(&payments);
    /// # drop(layer);
    /// ```
    #[must_use]
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.shared.budget = budget.clone();
        self.shared.named = true;
        self
    }

    /// A budget for each key: each host, each route. What has no key is paid from the [`budget`](Self::budget) of the layer.
    ///
    /// ```
    /// use buttress::{budget::{Bucket, KeyedBudgets}, hedge::HedgeLayer, keyed::By};
    /// use std::{borrow::Cow, time::Duration};
    ///
    /// let host = By::new(|url: &String| url.split('/').nth(2).map(Cow::Borrowed));
    /// let budgets = KeyedBudgets::<String>::new(100, Bucket::new());
    /// let layer = HedgeLayer::after(Duration::from_millis(50)).all_safe().budgets(&budgets, host);
    /// # drop(layer);
    /// ```
    #[must_use]
    pub fn budgets<K, O>(self, budgets: &KeyedBudgets<K>, key_of: O) -> HedgeLayer<ByKey<R, O, K>, C> {
        let budgets = budgets.clone();
        self.with_replay(|replay| ByKey::new(replay, key_of, budgets))
    }

    /// The name in events; `"hedge"` where none is set, or an empty one.
    #[must_use]
    pub fn name(mut self, name: &'static str) -> Self {
        self.shared.name = if name.is_empty() { NAME } else { name };
        self
    }

    /// Lets `observer` hear what this layer decides.
    #[must_use]
    pub fn observe(mut self, observer: impl Observer) -> Self {
        self.shared.observed = Observed::by(observer);
        self
    }

    /// How long a call that begins to wait now waits for a hedge; `None` where there would be none.
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        if self.shared.is_off() { None } else { self.shared.delay.get() }
    }
}

impl<S, R: Clone, C: Clone> Layer<S> for HedgeLayer<R, C> {
    type Service = Hedge<S, R, C>;

    fn layer(&self, inner: S) -> Hedge<S, R, C> {
        let mut shared = self.shared.clone();
        if !shared.named {
            shared.budget = shared.budget.named(shared.name).observed(&shared.observed);
        }
        Hedge::new(inner, Arc::new(shared))
    }
}

impl<R, C> fmt::Debug for HedgeLayer<R, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HedgeLayer").field("shared", &self.shared).finish()
    }
}

//! The layer: what a user sets.

use super::{AllSafe, Hedge, Safe, Unsaid, delay::Delay, shared::Shared};
use crate::{
    budget::Budget,
    outcome::{By, Classify, ErrorsFail, Outcome},
    telemetry::{Observed, Observer},
    window::{Quantile, Ratio},
};
use std::{fmt, sync::Arc, time::Duration};
use tower_layer::Layer;

/// Sends a call a second time where the first does not answer soon. See the [module](super).
#[derive(Clone)]
pub struct HedgeLayer<A = Unsaid, C = ErrorsFail> {
    shared: Shared<A, C>,
    /// The budget was given, and has a name of its own.
    given: bool,
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
            again: Unsaid { _more: () },
            classify: ErrorsFail,
            budget: Budget::new(),
            name: NAME,
            observed: Observed::new(),
        };
        Self { shared, given: false }
    }
}

impl<A, C> HedgeLayer<A, C> {
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
    pub fn safe<Req, F>(self, safe: F) -> HedgeLayer<Safe<F>, C>
    where
        F: Fn(&Req) -> bool,
    {
        self.by(Safe(safe))
    }

    /// Every request may be sent twice. Requests are cloned.
    #[must_use]
    pub fn all_safe(self) -> HedgeLayer<AllSafe, C> {
        self.by(AllSafe { _more: () })
    }

    /// Which requests may be sent twice, and how: see [`Again`](super::Again).
    #[must_use]
    pub fn by<B>(self, again: B) -> HedgeLayer<B, C> {
        let Shared { delay, max, classify, budget, name, observed, .. } = self.shared;
        let shared = Shared { delay, max, again, classify, budget, name, observed };
        HedgeLayer { shared, given: self.given }
    }

    /// Reads results by `classify`: `http::ByStatus` and `grpc::ByStatus` are two. Only what is `Ok` wins, so a response
    /// with status 500 does not. A verdict that comes only with the end of a body counts as good: what has begun to arrive
    /// has won.
    #[must_use]
    pub fn classify<D>(self, classify: D) -> HedgeLayer<A, D> {
        let Shared { delay, max, again, budget, name, observed, .. } = self.shared;
        let shared = Shared { delay, max, again, classify, budget, name, observed };
        HedgeLayer { shared, given: self.given }
    }

    /// Reads results by a function.
    #[must_use]
    pub fn classify_by<Res, E, F>(self, classify: F) -> HedgeLayer<A, By<F>>
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

    /// Who pays.
    #[cfg(feature = "http")]
    pub(crate) const fn payer(&self) -> &Budget {
        &self.shared.budget
    }

    /// Hedges are paid from this budget, which retries and other hedges may share. Where none is given there is one of its
    /// own: 10 tokens, a tenth of one for each call, and hedges only while it is more than half full.
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
        self.given = true;
        self
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

impl<S, A: Clone, C: Clone> Layer<S> for HedgeLayer<A, C> {
    type Service = Hedge<S, A, C>;

    fn layer(&self, inner: S) -> Hedge<S, A, C> {
        let mut shared = self.shared.clone();
        if !self.given {
            shared.budget = shared.budget.named(shared.name).observed(&shared.observed);
        }
        Hedge::new(inner, Arc::new(shared))
    }
}

impl<A, C> fmt::Debug for HedgeLayer<A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HedgeLayer").field("shared", &self.shared).finish()
    }
}

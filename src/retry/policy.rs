//! What is retried, how often and when: plain data, from which layers are made.

use super::{Hints, Retrying, decide::Rules, hook::Hook};
use crate::{
    backoff::Backoff,
    budget::{Budget, KeyedBudgets},
    outcome::ErrorsFail,
    rejected::Name,
    replay::{Always, ByKey, Clones},
    telemetry::{Observed, Observer},
};
use std::fmt;

/// How calls are retried. See the [module](super) for what is taken where nothing is said.
///
/// `C` says what a result means, `R` how a request is kept for another attempt.
///
/// ```
/// use std::time::Duration;
/// use buttress::{backoff::Backoff, budget::Budget, retry::{Policy, RetryLayer}};
///
/// let budget = Budget::new().named("stock");
/// let policy = Policy::new()
///     .attempts(4)
///     .backoff(Backoff::exponential(Duration::from_millis(20)))
///     .safe(|request: &String| request.starts_with("GET"))
///     .budget(&budget)
///     .name("stock");
/// let layer = RetryLayer::new(policy);
/// # drop(layer);
/// ```
#[derive(Clone)]
pub struct Policy<C = ErrorsFail, R = Clones> {
    pub(super) rules: Rules,
    pub(super) classify: C,
    pub(super) replay: R,
    pub(super) budget: Option<Budget>,
    pub(super) name: Name,
    pub(super) observed: Observed,
    pub(super) hook: Hook,
}

impl Policy {
    /// Three attempts, full jitter from 50 ms, hints up to 30 s, a budget of the layer's own; every error is a failure, and
    /// no request is known to be safe.
    #[must_use]
    pub fn new() -> Self {
        Self {
            rules: Rules {
                attempts: 3,
                backoff: Backoff::default(),
                throttled: None,
                hints: Hints::default(),
            },
            classify: ErrorsFail,
            replay: Clones::NEVER,
            budget: None,
            name: Name::fixed("retry"),
            observed: Observed::new(),
            hook: Hook::default(),
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::new()
    }
}

impl<C, R> Policy<C, R> {
    /// At most so many attempts for a call, the first included. 0 is 1; with one, nothing is ever sent again.
    #[must_use]
    pub const fn attempts(mut self, most: u32) -> Self {
        self.rules.attempts = if most == 0 { 1 } else { most };
        self
    }

    /// How long to wait before the second attempt, the third, and so on, where the server does not say.
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.rules.backoff = backoff;
        self
    }

    /// The same after [`Throttled`](crate::outcome::Class::Throttled), where nothing is said as after any failure.
    #[must_use]
    pub const fn backoff_throttled(mut self, backoff: Backoff) -> Self {
        self.rules.throttled = Some(backoff);
        self
    }

    /// How far the server's own word is followed.
    #[must_use]
    pub const fn hints(mut self, hints: Hints) -> Self {
        self.rules.hints = hints;
        self
    }

    /// What extra attempts are paid from: the same budget for all who reach the same service. Where nothing is said, each
    /// layer has one of its own: [`Budget::new`].
    #[must_use]
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.budget = Some(budget.clone());
        self
    }

    /// Whether a budget was named: presets that know a better one than the layer's own ask.
    #[cfg(feature = "http")]
    pub(crate) const fn names_a_budget(&self) -> bool {
        self.budget.is_some()
    }

    /// A budget for each key: each host, each route. What has no key is paid by the [`budget`](Self::budget) of the policy.
    ///
    /// ```
    /// use buttress::{budget::{Bucket, KeyedBudgets}, keyed::By, retry::{Policy, RetryLayer}};
    /// use std::borrow::Cow;
    ///
    /// let host = By::new(|url: &String| url.split('/').nth(2).map(Cow::Borrowed));
    /// let policy = Policy::new().all_safe().budgets(&KeyedBudgets::<String>::new(100, Bucket::new()), host);
    /// let layer = RetryLayer::new(policy);
    /// # drop(layer);
    /// ```
    #[must_use]
    pub fn budgets<K, O>(self, budgets: &KeyedBudgets<K>, key_of: O) -> Policy<C, ByKey<R, O, K>> {
        let budgets = budgets.clone();
        self.with_replay(|replay| ByKey::new(replay, key_of, budgets))
    }

    /// What a result means. Only the head of a response is looked at: a response whose verdict comes at its end is passed on
    /// as a success.
    #[must_use]
    pub fn classify<D>(self, classify: D) -> Policy<D, R> {
        let Self { rules, replay, budget, name, observed, hook, .. } = self;
        Policy { rules, classify, replay, budget, name, observed, hook }
    }

    /// How requests are kept for another attempt, where they are not plain clones: see [`Replay`](crate::replay::Replay).
    #[must_use]
    pub fn replay<Q>(self, replay: Q) -> Policy<C, Q> {
        self.with_replay(|_| replay)
    }

    fn with_replay<Q>(self, make: impl FnOnce(R) -> Q) -> Policy<C, Q> {
        let Self { rules, classify, replay, budget, name, observed, hook } = self;
        Policy { rules, classify, replay: make(replay), budget, name, observed, hook }
    }

    /// The name in events, `"retry"` where nothing is said, or nothing but `""`.
    #[must_use]
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        let name = name.into();
        if !name.as_str().is_empty() {
            self.name = name;
        }
        self
    }

    /// Lets `observer` hear the layers that are made of this, and the budgets that they make for themselves. Said more than
    /// once, the last counts; a tuple makes several into one.
    #[must_use]
    pub fn observe(mut self, observer: impl Observer) -> Self {
        self.observed = Observed::by(observer);
        self
    }

    /// Runs `hook` before each wait for another attempt. Be quick, and do not block: it runs on the task of the call, and a
    /// panic in it is the call's.
    ///
    /// ```
    /// use buttress::retry::{Policy, Retrying};
    ///
    /// let policy = Policy::new().on_retry(|retrying: &Retrying| {
    ///     eprintln!("attempt {}: {:?}, again in {:?}", retrying.attempt, retrying.outcome, retrying.wait);
    /// });
    /// # drop(policy);
    /// ```
    #[must_use]
    pub fn on_retry(mut self, hook: impl Fn(&Retrying) + Send + Sync + 'static) -> Self {
        self.hook = Hook::of(hook);
        self
    }
}

impl<C, F> Policy<C, Clones<F>> {
    /// Requests of which `safe` says so may be sent again though they may have arrived: they only read, or to do them twice
    /// is to do them once. Without it only what never reached the service is sent again.
    #[must_use]
    pub fn safe<G>(self, safe: G) -> Policy<C, Clones<G>> {
        self.replay(Clones::new(safe))
    }

    /// Every request is safe.
    #[must_use]
    pub fn all_safe(self) -> Policy<C, Clones<Always>> {
        self.replay(Clones::ALWAYS)
    }
}

impl<C, R: fmt::Debug> fmt::Debug for Policy<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("rules", &self.rules)
            .field("replay", &self.replay)
            .field("budget", &self.budget)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

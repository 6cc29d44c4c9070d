//! The standard stack of a client.

use super::{ClientConfig, ConfigError, Describe, Description, Window, ears::Ears};
use crate::{
    backoff::{Backoff, Jitter},
    breaker::{self, Circuits, KeyedBreaker, KeyedBreakerLayer, Trip},
    budget::{Bucket, KeyedBudgets},
    bulkhead::{KeyedBulkhead, KeyedBulkheadLayer, KeyedSlots},
    http::{Boxed, ByStatus, ForRetry, PerAuthority, Plain, Resend, per_authority},
    retry::{self, Hints, Retry, RetryLayer},
    telemetry::Observer,
    timeout::{LiveLimit, Timeout, TimeoutLayer, Total, TotalLayer},
    window::Ratio,
};
use std::{
    error::Error,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tower_layer::Layer;

/// The standard stack of an HTTP client, for any service of `http::Request`s. See the [module](super).
///
/// | from the outside in | where nothing is said |
/// |---|---|
/// | the whole call | 10 s |
/// | retry | 3 attempts, by [`http::retry`](crate::http::retry): what is safe to send twice; each host has a budget of 10 and a tenth of its first attempts |
/// | breaker, one a host | half of 10 s failed, or 5 in a row; open for 30 s |
/// | bulkhead, one a host | 100 calls at once |
/// | one attempt | 3 s |
///
/// The service inside is sent bodies of type [`ReplayBody`](crate::http::ReplayBody).
///
/// ```
/// use std::time::Duration;
/// use buttress::{over, reqwest, stack};
/// use tower::ServiceExt;
///
/// # use axum::{Router, http::StatusCode, routing::put};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let shop = format!("http://{}", listener.local_addr()?);
/// # let app = Router::new().route("/basket", put(|_: String| async { StatusCode::CREATED }));
/// # tokio::spawn(async move { axum::serve(listener, app).await });
/// let stack = stack::client().over_hyper().attempt(Duration::from_secs(1));
/// let client = over(stack, reqwest::service(reqwest::builder().no_proxy().build()?));
///
/// let request = http::Request::put(format!("{shop}/basket")).body(String::from("two apples"))?;
/// assert_eq!(client.oneshot(request).await?.status(), 201);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn client() -> ClientLayer {
    ClientLayer::new(&ClientConfig::default())
}

/// What [`client`] gives. Clones are the same stack: they share its circuits, slots and budgets, and [`retune`](Self::retune)
/// speaks to all. So do those that only read answers or errors otherwise: [`classify`](Self::classify), [`boxed`](Self::boxed),
/// [`never_sent`](Self::never_sent) and [`over_hyper`](Self::over_hyper). Every other setter makes another stack, so set first,
/// and clone then.
///
/// `C` says what an answer means for the breaker, `V` how the retry looks into errors.
pub struct ClientLayer<C = ByStatus, V = Plain> {
    shared: Arc<Shared>,
    read: Arc<Read<C, V>>,
}

/// The service: whole call, retry, breaker and bulkhead by authority, one attempt.
pub type Client<S, C = ByStatus, V = Plain> = Total<Retry<OneHost<S, C>, ForRetry<V>, Resend>, LiveLimit>;

/// What an attempt passes: the breaker and the bulkhead of its host, and its limit.
pub type OneHost<S, C = ByStatus> =
    KeyedBreaker<KeyedBulkhead<Timeout<S, LiveLimit>, String, PerAuthority>, String, PerAuthority, C>;

/// The numbers, and what has been learnt by them: one for all that read answers their own way.
struct Shared {
    config: Mutex<ClientConfig>,
    ears: Option<Ears>,
    budgets: KeyedBudgets,
    total: TotalLayer<LiveLimit>,
    retry: RetryLayer<ForRetry, Resend>,
    circuits: Circuits,
    bulkhead: KeyedBulkheadLayer<String, PerAuthority>,
    attempt: TimeoutLayer<LiveLimit>,
}

/// How answers and errors are read, and the layers that read them.
struct Read<C, V> {
    classify: C,
    for_retry: ForRetry<V>,
    retry: RetryLayer<ForRetry<V>, Resend>,
    breaker: KeyedBreakerLayer<String, PerAuthority, C>,
}

impl ClientLayer {
    /// As that configuration says. What it says too little or too much of is taken as the layers take it: 0 as the smallest
    /// that works. [`ClientConfig::check`] is strict.
    #[must_use]
    pub fn new(config: &ClientConfig) -> Self {
        Self::reading(Shared::made(config.clone(), None), ByStatus, ForRetry::new())
    }
}

impl<C: Clone> ClientLayer<C> {
    /// For stacks whose error is a [`BoxError`](crate::rejected::BoxError), which are not lifted: over tower's `Buffer`, say.
    #[must_use]
    pub fn boxed(self) -> ClientLayer<C, Boxed> {
        ClientLayer::reading(self.shared, self.read.classify.clone(), ForRetry::boxed())
    }
}

impl Shared {
    fn made(config: ClientConfig, ears: Option<Ears>) -> Arc<Self> {
        let hosts = config.hosts;
        let total = TotalLayer::by(LiveLimit::new(config.total));
        let attempt = TimeoutLayer::by(LiveLimit::new(config.attempt)).name("attempt");
        let slots = KeyedSlots::new(hosts, config.bulkhead.limit);
        let budgets = KeyedBudgets::new(hosts, bucket(&config));
        let retrying = policy(&config);
        // As it is read by the layers; a clone of nothing but a reference.
        let (total, attempt, slots, budgets, retrying) = match ears.clone() {
            None => (total, attempt, slots, budgets, retrying),
            Some(ears) => (
                total.observe(ears.clone()),
                attempt.observe(ears.clone()),
                slots.observe(ears.clone()),
                budgets.observe(ears.clone()),
                retrying.observe(ears),
            ),
        };
        let circuits = Circuits::new(hosts, &breaking(&config, ears.as_ref()));
        let resend = Resend::new().budgets(&budgets);
        let retry = RetryLayer::new(retrying.classify(ForRetry::new()).replay(resend));
        let bulkhead = KeyedBulkheadLayer::over_authorities(&slots);
        let config = Mutex::new(config);
        Arc::new(Self { config, ears, budgets, total, retry, circuits, bulkhead, attempt })
    }
}

impl<C: Clone, V> ClientLayer<C, V> {
    fn reading(shared: Arc<Shared>, classify: C, for_retry: ForRetry<V>) -> Self {
        let retry = shared.retry.read_by(for_retry);
        let breaker = KeyedBreakerLayer::by(&shared.circuits, per_authority()).classify(classify.clone());
        Self { shared, read: Arc::new(Read { classify, for_retry, retry, breaker }) }
    }

    /// Another stack, that reads as this one does.
    fn anew(&self, config: ClientConfig, ears: Option<Ears>) -> Self {
        Self::reading(Shared::made(config, ears), self.read.classify.clone(), self.read.for_retry)
    }

    /// With other values; see [`ClientConfig`].
    ///
    /// ```
    /// use buttress::stack;
    ///
    /// let layer = stack::client().with(|config| config.breaker.consecutive = 3);
    /// assert_eq!(layer.config().breaker.consecutive, 3);
    /// ```
    #[must_use]
    pub fn with(self, change: impl FnOnce(&mut ClientConfig)) -> Self {
        let mut config = self.config();
        change(&mut config);
        self.anew(config, self.shared.ears.clone())
    }

    /// The whole call, all attempts and waits together, may take so long.
    #[must_use]
    pub fn total(self, limit: Duration) -> Self {
        self.with(|config| config.total = limit)
    }

    /// One attempt may take so long, to the head of its response.
    #[must_use]
    pub fn attempt(self, limit: Duration) -> Self {
        self.with(|config| config.attempt = limit)
    }

    /// At most so many attempts, the first included. 0 is 1, with which nothing is sent again.
    #[must_use]
    pub fn attempts(self, most: u32) -> Self {
        self.with(|config| config.retry.attempts = most)
    }

    /// A circuit stays open for so long, give or take a tenth.
    #[must_use]
    pub fn open_for(self, time: Duration) -> Self {
        self.with(|config| config.breaker.open = time)
    }

    /// One host gets so many calls at once. 0 is 1, and [`u32::MAX`] no limit.
    #[must_use]
    pub fn calls_at_once(self, limit: u32) -> Self {
        self.with(|config| config.bulkhead.limit = limit)
    }

    /// So many hosts have circuits, slots and budgets of their own; those that come later share.
    #[must_use]
    pub fn hosts(self, bound: usize) -> Self {
        self.with(|config| config.hosts = bound)
    }

    /// What an answer means for the breaker, where it is not [`ByStatus`]: `reqwest::ByStatus` tells a request that is none
    /// from a service that fails.
    #[must_use]
    pub fn classify<D: Clone>(self, classify: D) -> ClientLayer<D, V> {
        ClientLayer::reading(self.shared, classify, self.read.for_retry)
    }

    /// Which errors say that nothing was sent, so that any request may be sent again: see [`ForRetry::never_sent`].
    #[must_use]
    pub fn never_sent(self, says: fn(&(dyn Error + 'static)) -> bool) -> Self {
        Self::reading(self.shared, self.read.classify.clone(), self.read.for_retry.never_sent(says))
    }

    /// For a client over hyper (hyper-util's, reqwest's, tonic's): its errors tell when nothing was sent.
    #[cfg(feature = "hyper")]
    #[must_use]
    pub fn over_hyper(self) -> Self {
        self.never_sent(crate::hyper::never_sent)
    }

    /// Lets `observer` hear what its layers decide. Said more than once, the last counts; a tuple makes several into one.
    #[must_use]
    pub fn observe(self, observer: impl Observer) -> Self {
        self.anew(self.config(), Some(Ears::of(observer)))
    }

    /// Other values from now on, for all clones and all services that they have made. Circuits stay what they are, and open as
    /// long as they would have been; calls under way keep their limits; who is inside stays inside.
    ///
    /// # Errors
    /// Where [`ClientConfig::check`] refuses them, or where `hosts` is another number; then nothing has changed.
    pub fn retune(&self, config: &ClientConfig) -> Result<(), ConfigError> {
        config.check()?;
        let Shared { config: present, ears, budgets, total, retry, circuits, bulkhead, attempt } =
            &*self.shared;
        let mut present = present.lock().unwrap_or_else(PoisonError::into_inner);
        if present.hosts != config.hosts {
            let says = format!("is {}, and stays {} while the service runs", config.hosts, present.hosts);
            return Err(ConfigError::new("client.hosts", says));
        }
        total.limited_by().set(config.total);
        attempt.limited_by().set(config.attempt);
        retry.retune(&policy(config));
        if present.budget != config.budget {
            budgets.retune(bucket(config));
        }
        // The rules of a circuit name the attempt: it is what a call that was left without a word is measured by.
        if present.breaker != config.breaker || present.attempt != config.attempt {
            circuits.retune(&breaking(config, ears.as_ref()));
        }
        bulkhead.slots().set_limit(config.bulkhead.limit);
        present.clone_from(config);
        Ok(())
    }

    /// What it goes by.
    #[must_use]
    pub fn config(&self) -> ClientConfig {
        self.shared.config.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The circuits, one a host, for a dashboard or by hand.
    #[must_use]
    pub fn circuits(&self) -> &Circuits {
        &self.shared.circuits
    }

    /// The slots, one set a host.
    #[must_use]
    pub fn slots(&self) -> &KeyedSlots {
        self.shared.bulkhead.slots()
    }

    /// The budgets, one a host: for a hedge inside, which should be paid from the same.
    #[must_use]
    pub fn budgets(&self) -> &KeyedBudgets {
        &self.shared.budgets
    }
}

fn bucket(config: &ClientConfig) -> Bucket {
    Bucket::new().capacity(config.budget.tokens).deposit(config.budget.share)
}

fn policy(config: &ClientConfig) -> retry::Policy {
    let backoff = Backoff::exponential(config.retry.backoff).cap(config.retry.max_backoff);
    retry::Policy::new()
        .attempts(config.retry.attempts)
        .backoff(backoff)
        .hints(Hints::up_to(config.retry.max_hint))
        .name("client")
}

fn breaking(config: &ClientConfig, ears: Option<&Ears>) -> breaker::Policy {
    let rules = &config.breaker;
    let window = match rules.window {
        Window::Time(length) => Trip::over_time(length),
        Window::Calls(calls) => Trip::over_calls(calls),
    };
    let trip = window.min_calls(rules.min_calls).failure_rate(rules.failure_rate);
    let policy = breaker::Policy::new()
        .trip(trip.or_consecutive_below_min(rules.consecutive))
        .backoff(Backoff::constant(rules.open).jitter(Jitter::Proportional(Ratio::percent(10))))
        .probes(rules.probes)
        .abandoned_after(config.attempt);
    match ears {
        Some(ears) => policy.observe(ears.clone()),
        None => policy,
    }
}

impl<C, V> Describe for ClientLayer<C, V> {
    fn describe_into(&self, description: &mut Description) {
        let Shared { total, bulkhead, attempt, .. } = &*self.shared;
        let Read { retry, breaker, .. } = &*self.read;
        total.describe_into(description);
        retry.describe_into(description);
        breaker.describe_into(description);
        bulkhead.describe_into(description);
        attempt.describe_into(description);
    }
}

impl<S, C: Clone, V> Layer<S> for ClientLayer<C, V> {
    type Service = Client<S, C, V>;

    fn layer(&self, inner: S) -> Client<S, C, V> {
        let Shared { total, bulkhead, attempt, .. } = &*self.shared;
        let Read { retry, breaker, .. } = &*self.read;
        total.layer(retry.layer(breaker.layer(bulkhead.layer(attempt.layer(inner)))))
    }
}

impl<C, V> Clone for ClientLayer<C, V> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), read: Arc::clone(&self.read) }
    }
}

/// The stack as it stands, one layer a line: see [`Description`].
impl<C, V> fmt::Display for ClientLayer<C, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe().fmt(f)
    }
}

impl<C, V> fmt::Debug for ClientLayer<C, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientLayer").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

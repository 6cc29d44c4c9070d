//! The standard stack of a server.

use super::{ConfigError, Describe, Description, LiveTrust, ServerConfig, ears::Ears};
use crate::{
    bulkhead::{Bulkhead, BulkheadLayer, LiveQueue, Queue, Slots},
    http::{DeadlineLayer, DeadlineService},
    telemetry::Observer,
    timeout::{LiveLimit, Total, TotalLayer},
};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tower_layer::Layer;

/// The standard stack of a server, for under [`http::guard`](crate::http::guard). See the [module](super).
///
/// | from the outside in | where nothing is said |
/// |---|---|
/// | the caller's deadline | one in the request's extensions; no header is believed |
/// | the whole call, its wait included | 30 s |
/// | calls at once, and in the queue | 512, and 256 that wait up to 500 ms |
///
/// ```
/// use std::time::Duration;
/// use axum::{Router, routing::get};
/// use buttress::{http, stack};
///
/// let stack = stack::server().calls_at_once(200).trust_deadline(Duration::from_secs(10));
/// let app: Router = Router::new().route("/", get(|| async { "hello" })).layer(http::guard(stack));
/// # drop(app);
/// ```
#[must_use]
pub fn server() -> ServerLayer {
    ServerLayer::made(ServerConfig::default(), None)
}

/// What [`server`] gives. Clones are the same stack: they share its slots, and [`retune`](Self::retune) speaks to all. A setter
/// makes another one, so set first, and clone then.
#[derive(Clone)]
pub struct ServerLayer {
    shared: Arc<Shared>,
}

/// The service: deadline in, whole call, bulkhead.
pub type Server<S> = DeadlineService<Total<Bulkhead<S, LiveQueue>, LiveLimit>, LiveTrust>;

struct Shared {
    config: Mutex<ServerConfig>,
    ears: Option<Ears>,
    trust: LiveTrust,
    queue: LiveQueue,
    deadline: DeadlineLayer<LiveTrust>,
    total: TotalLayer<LiveLimit>,
    bulkhead: BulkheadLayer<LiveQueue>,
}

impl ServerLayer {
    /// As that configuration says. What it says too little or too much of is taken as the layers take it: 0 as the smallest
    /// that works. [`ServerConfig::check`] is strict.
    #[must_use]
    pub fn new(config: &ServerConfig) -> Self {
        Self::made(config.clone(), None)
    }

    fn made(config: ServerConfig, ears: Option<Ears>) -> Self {
        let (trust, limit) = (LiveTrust::new(config.trust_deadline), LiveLimit::new(config.total));
        let queue = LiveQueue::new(queue(&config));
        let mut slots = Slots::new("server", config.bulkhead.limit);
        // Whatever its value, the layer believes what the reader gives: that is where it is live.
        let deadline = DeadlineLayer::reading(trust.clone()).trust_deadline(Duration::MAX);
        let mut total = TotalLayer::by(limit).name("server");
        if let Some(ears) = &ears {
            slots = slots.observe(ears.clone());
            total = total.observe(ears.clone());
        }
        let bulkhead = BulkheadLayer::new(&slots).queue_by(queue.clone());
        let config = Mutex::new(config);
        Self { shared: Arc::new(Shared { config, ears, trust, queue, deadline, total, bulkhead }) }
    }

    /// With other values; see [`ServerConfig`].
    #[must_use]
    pub fn with(self, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let mut config = self.config();
        change(&mut config);
        Self::made(config, self.shared.ears.clone())
    }

    /// The whole call, its wait in the queue included, may take so long.
    #[must_use]
    pub fn total(self, limit: Duration) -> Self {
        self.with(|config| config.total = limit)
    }

    /// Believes the caller's header (`x-request-timeout-ms`) up to so long.
    #[must_use]
    pub fn trust_deadline(self, max: Duration) -> Self {
        self.with(|config| config.trust_deadline = Some(max))
    }

    /// So many calls run at once. 0 is 1, and [`u32::MAX`] no limit.
    #[must_use]
    pub fn calls_at_once(self, limit: u32) -> Self {
        self.with(|config| config.bulkhead.limit = limit)
    }

    /// So many more wait, each at most so long. With 0 nobody waits.
    #[must_use]
    pub fn queue(self, len: u32, max_wait: Duration) -> Self {
        self.with(|config| (config.bulkhead.queue, config.bulkhead.max_wait) = (len, max_wait))
    }

    /// Lets `observer` hear what its layers decide. Said more than once, the last counts; a tuple makes several into one.
    #[must_use]
    pub fn observe(self, observer: impl Observer) -> Self {
        Self::made(self.config(), Some(Ears::of(observer)))
    }

    /// Other values from now on, for all clones and all services that they have made. Calls under way keep their limits, and
    /// those that wait their place; who is inside stays inside.
    ///
    /// # Errors
    /// Where [`ServerConfig::check`] refuses them; then nothing has changed.
    pub fn retune(&self, config: &ServerConfig) -> Result<(), ConfigError> {
        config.check()?;
        let Shared { config: present, trust, queue: live, total, bulkhead, .. } = &*self.shared;
        let mut present = present.lock().unwrap_or_else(PoisonError::into_inner);
        present.clone_from(config);
        trust.set(config.trust_deadline);
        live.set(queue(config));
        total.limited_by().set(config.total);
        // Last, and with the lock: it wakes those who wait, who have nothing to ask of this stack.
        bulkhead.slots().set_limit(config.bulkhead.limit);
        Ok(())
    }

    /// What it goes by.
    #[must_use]
    pub fn config(&self) -> ServerConfig {
        self.shared.config.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The slots, for a dashboard.
    #[must_use]
    pub fn slots(&self) -> &Slots {
        self.shared.bulkhead.slots()
    }
}

fn queue(config: &ServerConfig) -> Queue {
    Queue::new(config.bulkhead.queue).max_wait(config.bulkhead.max_wait)
}

impl Describe for ServerLayer {
    fn describe_into(&self, description: &mut Description) {
        let Shared { trust, total, bulkhead, .. } = &*self.shared;
        description.push(super::Part::DeadlineIn { trusted: trust.get() });
        total.describe_into(description);
        bulkhead.describe_into(description);
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = Server<S>;

    fn layer(&self, inner: S) -> Server<S> {
        let Shared { deadline, total, bulkhead, .. } = &*self.shared;
        deadline.layer(total.layer(bulkhead.layer(inner)))
    }
}

/// The stack as it stands, one layer a line: see [`Description`].
impl fmt::Display for ServerLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe().fmt(f)
    }
}

impl fmt::Debug for ServerLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerLayer").field("config", &self.config()).finish_non_exhaustive()
    }
}

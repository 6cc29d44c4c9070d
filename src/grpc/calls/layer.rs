//! The layer: a service config, and what a user sets beside it.

use super::{
    Calls,
    plans::{Common, Ears, How, Made},
};
use crate::{
    budget::{Budget, Throttle},
    grpc::{MethodConfig, ServiceConfig},
    telemetry::Observer,
};
use std::{fmt, sync::Arc};
use tower_layer::Layer;

/// Makes the calls of a gRPC client as a service config says: each method with its own limit, its own retry or its own hedge.
///
/// ```
/// use std::time::Duration;
/// use buttress::{grpc, timeout::TimeoutLayer};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), grpc::ConfigError> {
/// let config: grpc::ServiceConfig = r#"{"methodConfig": [{
///     "name": [{"service": "pay.v1.Pay"}],
///     "timeout": "2s",
///     "retryPolicy": {
///         "maxAttempts": 3, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2,
///         "retryableStatusCodes": ["UNAVAILABLE"]
///     }
/// }]}"#.parse()?;
///
/// let channel = tonic::transport::Endpoint::from_static("http://payments.internal").connect_lazy();
/// let service = tower::ServiceBuilder::new()
///     .layer(grpc::calls(&config))
///     .layer(TimeoutLayer::new(Duration::from_millis(800))) // of each attempt
///     .layer(grpc::send_deadline())
///     .layer(grpc::lift())
///     .service(channel);
/// // let client = PayClient::new(service);
/// # drop(service);
/// # Ok(())
/// # }
/// ```
///
/// # What a method's calls get
///
/// | in the config | here |
/// |---|---|
/// | `timeout` | the deadline of the whole call, all attempts together ([`TotalLayer`](crate::timeout::TotalLayer)); a `grpc-timeout` that the call brings (tonic's `Request::set_timeout`), and the deadline in force, only shorten it |
/// | `retryPolicy` | a [retry](crate::retry): the backoff spread by a fifth either way; after a pushback it begins anew |
/// | `hedgingPolicy` | a [hedge](crate::hedge): each attempt `hedgingDelay` after the one before; after a code that is not fatal the next at once; any other failure ends them all |
/// | `retryThrottling` | the [budget](crate::budget) of all of them; where it is missing, 10 tokens and a tenth of one a call |
/// | a method that is not named | is called once, until the deadline in force |
///
/// | question | answer |
/// |---|---|
/// | the head of a response has come, without a status | the call is committed: nothing is sent again, whatever the trailers say |
/// | `grpc-retry-pushback-ms` | a time is waited for, up to 30 s and the time left; anything else, and two of them: no other attempt. A hedge that is told a time starts no other either |
/// | an attempt is cut by a timeout of ours inside | it is made again where the policy names `DEADLINE_EXCEEDED`; side by side the next one starts |
/// | an attempt is refused by a layer of ours inside | it reached nothing, and is made again |
/// | resends | say `grpc-previous-rpc-attempts` |
/// | messages | are kept up to [`keep`](Self::keep); what is longer, and for a hedge a stream that is not all there, is sent once |
/// | an error in the place of a response | has the code that it stands for: [`Coded`](super::Coded) |
///
/// # What it costs
///
/// A call that may be made again is kept for it: its head is copied, its body shared and boxed, half a dozen allocations; a
/// hedge makes a few more. A method that is called once allocates nothing, and its path is looked up once.
///
/// # Where it stands
///
/// Outermost in a client's stack, outside of breaker, bulkhead and the timeout of one attempt; one layer for each server, since
/// its throttling is the server's. Clones share it. The service inside has to be `Clone`, and its errors [`Coded`](super::Coded)
/// and [`Rejectable`](crate::Rejectable), as they are under `grpc::lift()`.
#[derive(Clone)]
pub struct CallsLayer {
    config: Arc<ServiceConfig>,
    budget: Budget,
    most: usize,
    name: &'static str,
    ears: Option<Ears>,
    plans: Arc<Plans>,
}

/// Which method is called how.
pub(super) struct Plans {
    config: Arc<ServiceConfig>,
    made: Box<[Made]>,
    /// Of what the config does not speak of.
    other: Made,
}

const NAME: &str = "calls";

/// How many bytes of the messages of a call are kept, where nothing is said.
const MOST: usize = 64 * 1024;

/// Calls by this config. See [`CallsLayer`].
#[must_use]
pub fn calls(config: &ServiceConfig) -> CallsLayer {
    let budget = match config.throttling() {
        Some(throttling) => {
            let ratio = f64::from(throttling.ratio_in_thousandths()) / 1000.0;
            Budget::of(Throttle::new(throttling.max_tokens(), ratio))
        }
        None => Budget::new(),
    };
    let config = Arc::new(config.clone());
    let plans = Plans::new(&config, &Common { budget: &budget, most: MOST, name: NAME, ears: None });
    CallsLayer { config, budget, most: MOST, name: NAME, ears: None, plans: Arc::new(plans) }
}

impl CallsLayer {
    /// Pays for extra attempts from this budget, and not from that of the config: one that others share.
    #[must_use]
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.budget = budget.clone();
        self.made_anew()
    }

    /// Keeps so many bytes of the messages of a call, 64 KiB where nothing is said.
    #[must_use]
    pub fn keep(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self.made_anew()
    }

    /// The name in rejections and events, `"calls"` where nothing is said, or nothing but `""`.
    #[must_use]
    pub fn name(mut self, name: &'static str) -> Self {
        self.name = if name.is_empty() { NAME } else { name };
        self.made_anew()
    }

    /// Lets `observer` hear what is decided here.
    #[must_use]
    pub fn observe(mut self, observer: impl Observer) -> Self {
        self.ears = Some(Ears(Arc::new(observer)));
        self.made_anew()
    }

    pub(crate) fn methods(&self) -> &[MethodConfig] {
        self.config.methods()
    }

    /// Who pays for extra attempts.
    pub(crate) const fn payer(&self) -> &Budget {
        &self.budget
    }

    fn made_anew(mut self) -> Self {
        let common =
            Common { budget: &self.budget, most: self.most, name: self.name, ears: self.ears.as_ref() };
        self.plans = Arc::new(Plans::new(&self.config, &common));
        self
    }
}

impl Plans {
    fn new(config: &Arc<ServiceConfig>, common: &Common<'_>) -> Self {
        let made = config.methods().iter().map(|method| common.make(method)).collect();
        Self { config: Arc::clone(config), made, other: common.make(&MethodConfig::default()) }
    }

    /// How a method is called.
    #[inline]
    pub(super) fn of(&self, path: &str) -> &Made {
        self.config.index(path).and_then(|index| self.made.get(index)).unwrap_or(&self.other)
    }
}

impl<S> Layer<S> for CallsLayer {
    type Service = Calls<S>;

    fn layer(&self, inner: S) -> Calls<S> {
        Calls::new(inner, Arc::clone(&self.plans))
    }
}

impl fmt::Debug for CallsLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallsLayer")
            .field("config", &self.config)
            .field("budget", &self.budget)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Plans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.made.iter().map(|made| match made.how {
            How::Once => "Once",
            How::Retry(_) => "Retry",
            How::Hedge(_) => "Hedge",
        });
        f.debug_list().entries(kinds).finish()
    }
}

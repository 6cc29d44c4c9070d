//! A whole service config: which method finds what.

use super::{ConfigError, MethodConfig, Throttling, at::At, method::Scope};
use serde_json::Value;
use std::{collections::HashMap, str::FromStr};

/// A service config: what each method's calls may take, and how often they are made.
///
/// A method finds the config that names it; else the one that names its service alone; else the one that names nothing
/// (`"name": [{}]`), which is for all.
///
/// It is refused as a whole, by the path of the first field that is wrong: [`ConfigError`]. Fields that no service config
/// has are wrong too: who writes `maxAttempt` meant something. Fields that it has, and that are for others (balancing,
/// sizes of messages), are left to them, and named by [`ignored`](Self::ignored).
///
/// ```
/// use buttress::grpc::{Plan, ServiceConfig};
///
/// let config: ServiceConfig = r#"{
///     "methodConfig": [
///         {"name": [{"service": "pay.v1.Pay", "method": "Charge"}], "timeout": "3s"},
///         {"name": [{"service": "pay.v1.Pay"}], "timeout": "0.25s", "retryPolicy": {
///             "maxAttempts": 4, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2,
///             "retryableStatusCodes": ["UNAVAILABLE"]
///         }}
///     ],
///     "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1}
/// }"#.parse()?;
///
/// assert_eq!(config.method("/pay.v1.Pay/Charge").unwrap().plan(), &Plan::Once);
/// assert!(matches!(config.method("/pay.v1.Pay/Look").unwrap().plan(), Plan::Retry(policy) if policy.max_attempts() == 4));
/// assert!(config.method("/ledger.v1.Ledger/Look").is_none());
/// # Ok::<_, buttress::grpc::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ServiceConfig {
    methods: Vec<MethodConfig>,
    /// By service; the entries point into `methods`.
    services: HashMap<Box<str>, Service>,
    /// Of every service that is not named.
    all: Option<usize>,
    throttling: Option<Throttling>,
    ignored: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct Service {
    methods: HashMap<Box<str>, usize>,
    all: Option<usize>,
}

impl ServiceConfig {
    /// Reads it.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(json: &str) -> Result<Self, ConfigError> {
        let value: Value = serde_json::from_str(json)
            .map_err(|error| ConfigError::new(String::new(), format_args!("is not JSON: {error}")))?;
        let at = At::root(&value);
        let mut config = Self::default();
        let not_ours = ["loadBalancingPolicy", "loadBalancingConfig", "healthCheckConfig"];
        at.object(&["methodConfig", "retryThrottling"], &not_ours, &mut config.ignored)?;
        if let Some(methods) = at.field("methodConfig") {
            for method in methods.items()? {
                config.add(&method)?;
            }
        }
        config.throttling = at.field("retryThrottling").map(|at| Throttling::read(&at)).transpose()?;
        Ok(config)
    }

    fn add(&mut self, at: &At<'_, '_>) -> Result<(), ConfigError> {
        let method = MethodConfig::read(at, &mut self.ignored)?;
        let index = self.methods.len();
        self.methods.push(method);
        let names = at.need("name")?;
        let mut any = false;
        for name in names.items()? {
            any = true;
            let free = match Scope::read(&name)? {
                Scope { service: None, .. } => self.all.replace(index).is_none(),
                Scope { service: Some(service), method } => {
                    let service = self.services.entry(service.into()).or_default();
                    match method {
                        None => service.all.replace(index).is_none(),
                        Some(method) => service.methods.insert(method.into(), index).is_none(),
                    }
                }
            };
            if !free {
                return Err(name.wrong("stands there twice: which of the two is meant?"));
            }
        }
        if any { Ok(()) } else { Err(names.wrong("names nothing; for every method it is [{}]")) }
    }

    /// What is said about the method with this path, `/package.Service/Method`; `None` where nothing is.
    #[must_use]
    pub fn method(&self, path: &str) -> Option<&MethodConfig> {
        self.methods.get(self.index(path)?)
    }

    /// Where in the list of configs it is.
    pub(crate) fn index(&self, path: &str) -> Option<usize> {
        let named =
            path.strip_prefix('/').and_then(|path| path.rsplit_once('/')).and_then(|(service, method)| {
                let service = self.services.get(service)?;
                service.methods.get(method).copied().or(service.all)
            });
        named.or(self.all)
    }

    /// Every method config, in the order in which they stand there.
    #[must_use]
    pub fn methods(&self) -> &[MethodConfig] {
        &self.methods
    }

    /// When nothing is sent again, if that is said.
    #[must_use]
    pub const fn throttling(&self) -> Option<Throttling> {
        self.throttling
    }

    /// The paths of fields that are known and were not read: they are for others.
    #[must_use]
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }
}

impl FromStr for ServiceConfig {
    type Err = ConfigError;

    fn from_str(json: &str) -> Result<Self, ConfigError> {
        Self::parse(json)
    }
}

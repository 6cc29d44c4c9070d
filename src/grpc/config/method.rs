//! What a service config says about one method, and for which methods it says it.

use super::{ConfigError, HedgingPolicy, RetryPolicy, at::At};
use std::time::Duration;

/// What is to be done with the calls of a method.
///
/// ```
/// use std::time::Duration;
/// use buttress::grpc::{MethodConfig, Plan, ServiceConfig};
///
/// let config = ServiceConfig::parse(r#"{"methodConfig": [{"name": [{}], "timeout": "0.5s"}]}"#)?;
/// let method = config.method("/pay.v1.Pay/Charge").expect("every method");
/// assert_eq!((method.timeout(), method.plan()), (Some(Duration::from_millis(500)), &Plan::Once));
/// # Ok::<_, buttress::grpc::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MethodConfig {
    timeout: Option<Duration>,
    plan: Plan,
}

/// How often a call is made.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Plan {
    /// Once.
    #[default]
    Once,
    /// Again after a failure.
    Retry(RetryPolicy),
    /// Again while there is no answer.
    Hedge(HedgingPolicy),
}

impl MethodConfig {
    pub(super) fn read(at: &At<'_, '_>, ignored: &mut Vec<String>) -> Result<Self, ConfigError> {
        let not_ours = ["waitForReady", "maxRequestMessageBytes", "maxResponseMessageBytes"];
        at.object(&["name", "timeout", "retryPolicy", "hedgingPolicy"], &not_ours, ignored)?;
        let timeout = at.field("timeout").map(|at| at.some_time()).transpose()?;
        let plan = match (at.field("retryPolicy"), at.field("hedgingPolicy")) {
            (Some(_), Some(hedging)) => {
                return Err(hedging.wrong("stands beside a retryPolicy: one of the two"));
            }
            (Some(retry), None) => Plan::Retry(RetryPolicy::read(&retry)?),
            (None, Some(hedging)) => Plan::Hedge(HedgingPolicy::read(&hedging)?),
            (None, None) => Plan::Once,
        };
        Ok(Self { timeout, plan })
    }

    /// How long the whole call may take, all attempts together.
    #[must_use]
    pub const fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// How often it is made.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }
}

/// Which methods a config is for. `None` for the service: every method of every service; for the method: every method of
/// the service.
pub(super) struct Scope<'a> {
    pub(super) service: Option<&'a str>,
    pub(super) method: Option<&'a str>,
}

impl<'a> Scope<'a> {
    pub(super) fn read(at: &At<'_, 'a>) -> Result<Self, ConfigError> {
        at.object(&["service", "method"], &[], &mut Vec::new())?;
        let scope = Self { service: name(at, "service")?, method: name(at, "method")? };
        match scope {
            Self { service: None, method: Some(_) } => Err(at.wrong("names a method without its service")),
            _ => Ok(scope),
        }
    }
}

/// An empty name is none.
fn name<'a>(at: &At<'_, 'a>, field: &str) -> Result<Option<&'a str>, ConfigError> {
    let name = at.field(field).map(|at| at.text()).transpose()?;
    Ok(name.filter(|name| !name.is_empty()))
}

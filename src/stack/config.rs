//! What the standard stacks are told: plain values, each with one that suits most services.

use crate::window::Ratio;
use std::time::Duration;

/// Both stacks of a service: what one file holds. See the [module](super) for how it is written.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "config", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct Config {
    /// Calls that go out.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::table"))]
    pub client: ClientConfig,
    /// Calls that come in.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::table"))]
    pub server: ServerConfig,
}

/// What a [`client`](super::client) is told.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "config", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct ClientConfig {
    /// The whole call: all attempts and waits together. 10 s.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::time"))]
    pub total: Duration,
    /// One attempt, to the head of its response. 3 s.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::time"))]
    pub attempt: Duration,
    /// So many hosts have circuits, slots and budgets of their own. 1000. The one number that stays while the service runs.
    pub hosts: usize,
    /// What is sent again.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::table"))]
    pub retry: RetryConfig,
    /// Who pays for that.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::table"))]
    pub budget: BudgetConfig,
    /// When a host is left alone.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::table"))]
    pub breaker: BreakerConfig,
    /// How many calls one host gets at once.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::table"))]
    pub bulkhead: HostConfig,
}

/// What is sent again, and when.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "config", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct RetryConfig {
    /// At most so many, the first included. 3; with 1 nothing is sent again.
    pub attempts: u32,
    /// The longest wait before the second attempt; it doubles from there, and each wait is drawn between nothing and that.
    /// 50 ms.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::time"))]
    pub backoff: Duration,
    /// The longest wait of all. 2 s.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::time"))]
    pub max_backoff: Duration,
    /// A server that asks for a longer wait than that ends the call with its answer. 30 s.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::time"))]
    pub max_hint: Duration,
}

/// How many attempts beyond the first ones all calls to one host may send.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "config", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct BudgetConfig {
    /// So many at once. 10.
    pub tokens: u32,
    /// And that share of the first attempts. 0.1.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::share"))]
    pub share: Ratio,
}

/// When a host is left alone, and for how long.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "config", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct BreakerConfig {
    /// The calls that the rate is taken over: of the last 10 s.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::window"))]
    pub window: Window,
    /// No rate counts below so many calls in the window. 20.
    pub min_calls: u32,
    /// Opens where that share of them failed, or more. 0.5.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::share"))]
    pub failure_rate: Ratio,
    /// While there are too few calls for a rate: opens at so many failures in a row. 5.
    pub consecutive: u32,
    /// Stays open for so long, give or take a tenth. 30 s.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::time"))]
    pub open: Duration,
    /// Then so many calls are let through to try it, and all must succeed. 1.
    pub probes: u32,
}

/// The calls that a rate is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Window {
    /// Those of the last while: `"10s"`.
    Time(Duration),
    /// The last so many: `100`.
    Calls(u32),
}

/// How many calls one host gets at once.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "config", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct HostConfig {
    /// So many; what is beyond that is refused at once. 100.
    pub limit: u32,
}

/// What a [`server`](super::server) is told.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "config", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct ServerConfig {
    /// The whole call, its wait for a slot included. 30 s.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::time"))]
    pub total: Duration,
    /// A caller's own deadline (the header `x-request-timeout-ms`) is believed up to so long. Nothing: it is not read.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::some_time"))]
    pub trust_deadline: Option<Duration>,
    /// How many calls run at once, and how many wait.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::table"))]
    pub bulkhead: QueueConfig,
}

/// How many calls run at once, and how many wait.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "config", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct QueueConfig {
    /// So many run at once. 512.
    pub limit: u32,
    /// So many wait; what is beyond that is refused at once. 256; with 0 nobody waits.
    pub queue: u32,
    /// Each waits at most so long. 500 ms.
    #[cfg_attr(feature = "config", serde(deserialize_with = "super::humane::time"))]
    pub max_wait: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            total: Duration::from_secs(10),
            attempt: Duration::from_secs(3),
            hosts: 1000,
            retry: RetryConfig::default(),
            budget: BudgetConfig::default(),
            breaker: BreakerConfig::default(),
            bulkhead: HostConfig::default(),
        }
    }
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            attempts: 3,
            backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(2),
            max_hint: Duration::from_secs(30),
        }
    }
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self { tokens: 10, share: Ratio::percent(10) }
    }
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            window: Window::Time(Duration::from_secs(10)),
            min_calls: 20,
            failure_rate: Ratio::percent(50),
            consecutive: 5,
            open: Duration::from_secs(30),
            probes: 1,
        }
    }
}

impl Default for HostConfig {
    fn default() -> Self {
        Self { limit: 100 }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self { total: Duration::from_secs(30), trust_deadline: None, bulkhead: QueueConfig::default() }
    }
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self { limit: 512, queue: 256, max_wait: Duration::from_millis(500) }
    }
}

//! Which configurations are refused.

use super::{ClientConfig, Config, ConfigError, ServerConfig, Window};
use crate::{keyed::Registry, window::Ratio};
use std::{fmt, time::Duration};

/// As long as a window of calls can be.
const MOST_CALLS: u32 = 4095;
/// As many as can be tried at once.
const MOST_PROBES: u32 = 1024;

/// The least that a budget counts.
const LEAST_SHARE: Ratio = Ratio::of(1, 1000);
/// A window of time has ten buckets, each of a millisecond at least.
const LEAST_WINDOW: Duration = Duration::from_millis(10);
/// As many as can wait.
const MOST_WAITING: u32 = 1 << 20;

type Checked = Result<(), ConfigError>;

impl Config {
    /// Whether it makes sense: what would be clamped, or would never take effect, is refused.
    ///
    /// # Errors
    /// The first field that does not, by its path.
    pub fn check(&self) -> Checked {
        self.client.check()?;
        self.server.check()
    }
}

impl ClientConfig {
    /// The same for one stack.
    ///
    /// # Errors
    /// The first field that makes no sense, by its path from the top of a file: `client.retry.attempts`.
    pub fn check(&self) -> Checked {
        let Self { total, attempt, hosts, retry, budget, breaker, bulkhead } = self;
        time("client.total", *total)?;
        time("client.attempt", *attempt)?;
        if attempt > total {
            let says = format!("is {attempt:?}, more than the whole call may take (total is {total:?})");
            return Err(ConfigError::new("client.attempt", says));
        }
        if attempt == total && retry.attempts > 1 {
            let says =
                format!("is {attempt:?}, as long as the whole call: no time is left for another attempt");
            return Err(ConfigError::new("client.attempt", says));
        }
        within("client.hosts", *hosts, 1, Registry::<(), ()>::MAX_BOUND)?;
        within("client.retry.attempts", retry.attempts, 1, u32::MAX)?;
        time("client.retry.backoff", retry.backoff)?;
        if retry.max_backoff < retry.backoff {
            let says = format!("is {:?}, less than the first wait ({:?})", retry.max_backoff, retry.backoff);
            return Err(ConfigError::new("client.retry.max_backoff", says));
        }
        within("client.budget.tokens", budget.tokens, 1, u32::MAX)?;
        share("client.budget.share", budget.share)?;
        if budget.share < LEAST_SHARE {
            return Err(ConfigError::new(
                "client.budget.share",
                "is next to nothing, and must be at least 0.001",
            ));
        }
        match breaker.window {
            Window::Time(length) => {
                time("client.breaker.window", length)?;
                if length < LEAST_WINDOW {
                    let says = format!("is {length:?}, and must be at least {LEAST_WINDOW:?}");
                    return Err(ConfigError::new("client.breaker.window", says));
                }
            }
            Window::Calls(calls) => within("client.breaker.window", calls, 1, MOST_CALLS)?,
        }
        within("client.breaker.min_calls", breaker.min_calls, 1, u32::MAX)?;
        if let Window::Calls(calls) = breaker.window
            && breaker.min_calls > calls
        {
            let says = format!("is {}, more calls than the window holds ({calls})", breaker.min_calls);
            return Err(ConfigError::new("client.breaker.min_calls", says));
        }
        share("client.breaker.failure_rate", breaker.failure_rate)?;
        within("client.breaker.consecutive", breaker.consecutive, 1, u32::MAX)?;
        time("client.breaker.open", breaker.open)?;
        within("client.breaker.probes", breaker.probes, 1, MOST_PROBES)?;
        within("client.bulkhead.limit", bulkhead.limit, 1, u32::MAX)
    }
}

impl ServerConfig {
    /// The same for one stack.
    ///
    /// # Errors
    /// The first field that makes no sense, by its path from the top of a file: `server.bulkhead.limit`.
    pub fn check(&self) -> Checked {
        let Self { total, trust_deadline, bulkhead } = self;
        time("server.total", *total)?;
        trust_deadline.map_or(Ok(()), |max| time("server.trust_deadline", max))?;
        within("server.bulkhead.limit", bulkhead.limit, 1, u32::MAX)?;
        if bulkhead.queue == 0 {
            return Ok(());
        }
        within("server.bulkhead.queue", bulkhead.queue, 0, MOST_WAITING)?;
        time("server.bulkhead.max_wait", bulkhead.max_wait)?;
        if bulkhead.max_wait >= *total {
            let says = format!("is {:?}, and the whole call may take {total:?}", bulkhead.max_wait);
            return Err(ConfigError::new("server.bulkhead.max_wait", says));
        }
        Ok(())
    }
}

fn time(path: &str, time: Duration) -> Checked {
    if time.is_zero() { Err(ConfigError::new(path, "is no time at all")) } else { Ok(()) }
}

fn share(path: &str, share: Ratio) -> Checked {
    if share == Ratio::ZERO { Err(ConfigError::new(path, "is 0, and must be more")) } else { Ok(()) }
}

fn within<T: PartialOrd + Copy + fmt::Display>(path: &str, is: T, least: T, most: T) -> Checked {
    if is < least {
        Err(ConfigError::new(path, format!("is {is}, and must be at least {least}")))
    } else if is > most {
        Err(ConfigError::new(path, format!("is {is}, and must be at most {most}")))
    } else {
        Ok(())
    }
}

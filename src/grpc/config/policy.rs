//! What a method config says about calling again: one after the other, or at once.

use super::{Codes, ConfigError, at::At};
use std::time::Duration;

/// The most attempts that a client makes, whatever its config asks for.
const MOST_ATTEMPTS: u32 = 5;

/// `retryPolicy`: a call that failed is made again, after a backoff.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    max_attempts: u32,
    initial_backoff: Duration,
    max_backoff: Duration,
    multiplier: f64,
    codes: Codes,
}

impl RetryPolicy {
    pub(super) fn read(at: &At<'_, '_>) -> Result<Self, ConfigError> {
        let fields =
            ["maxAttempts", "initialBackoff", "maxBackoff", "backoffMultiplier", "retryableStatusCodes"];
        at.object(&fields, &[], &mut Vec::new())?;
        let multiplier = at.need("backoffMultiplier")?;
        let codes = at.need("retryableStatusCodes")?;
        let policy = Self {
            max_attempts: attempts(at)?,
            initial_backoff: at.need("initialBackoff")?.some_time()?,
            max_backoff: at.need("maxBackoff")?.some_time()?,
            multiplier: multiplier.number()?,
            codes: Codes::read(&codes)?,
        };
        if policy.multiplier <= 0.0 {
            return Err(multiplier.wrong("must be more than zero"));
        }
        if policy.codes.is_empty() {
            return Err(codes.wrong("names no code: nothing would ever be retried"));
        }
        Ok(policy)
    }

    /// Attempts in all, the first included: from 2 to 5.
    #[must_use]
    pub const fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// The wait before the first resend, give or take a fifth.
    #[must_use]
    pub const fn initial_backoff(&self) -> Duration {
        self.initial_backoff
    }

    /// The longest wait.
    #[must_use]
    pub const fn max_backoff(&self) -> Duration {
        self.max_backoff
    }

    /// By how much each wait is longer than the one before.
    #[must_use]
    pub const fn multiplier(&self) -> f64 {
        self.multiplier
    }

    /// After which codes.
    #[must_use]
    pub const fn codes(&self) -> Codes {
        self.codes
    }
}

/// `hedgingPolicy`: a call is made again before its answer is there, and the first good answer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HedgingPolicy {
    max_attempts: u32,
    delay: Duration,
    codes: Codes,
}

impl HedgingPolicy {
    pub(super) fn read(at: &At<'_, '_>) -> Result<Self, ConfigError> {
        at.object(&["maxAttempts", "hedgingDelay", "nonFatalStatusCodes"], &[], &mut Vec::new())?;
        let max_attempts = attempts(at)?;
        let delay = at.field("hedgingDelay").map_or(Ok(Duration::ZERO), |at| at.time())?;
        let codes = at.field("nonFatalStatusCodes").map_or(Ok(Codes::default()), |at| Codes::read(&at))?;
        Ok(Self { max_attempts, delay, codes })
    }

    /// Attempts in all, the first included: from 2 to 5.
    #[must_use]
    pub const fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// How long each waits for those before it; zero, and so where the config names none: all are made at once.
    #[must_use]
    pub const fn delay(&self) -> Duration {
        self.delay
    }

    /// After which codes the next is made at once; every other failure is the answer, and ends them all.
    #[must_use]
    pub const fn codes(&self) -> Codes {
        self.codes
    }
}

fn attempts(at: &At<'_, '_>) -> Result<u32, ConfigError> {
    let at = at.need("maxAttempts")?;
    match at.whole()? {
        0 | 1 => Err(at.wrong("must be 2 or more: the first attempt is one of them")),
        more => Ok(u32::try_from(more).unwrap_or(MOST_ATTEMPTS).min(MOST_ATTEMPTS)),
    }
}

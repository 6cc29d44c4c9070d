//! Whether another attempt is sent, and when: plain code over what is known when one has ended.

use super::Hints;
use crate::{
    backoff::{Backoff, Delays, Random},
    outcome::{Class, Outcome},
    telemetry::RetryResult,
};
use std::time::Duration;

/// What a policy says for every call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rules {
    /// At least 1.
    pub(super) attempts: u32,
    pub(super) backoff: Backoff,
    /// After throttling without a hint.
    pub(super) throttled: Option<Backoff>,
    pub(super) hints: Hints,
}

/// Where a call stands in its delays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    delays: Delays,
    /// Delays since the beginning, or since the server's last hint.
    step: u32,
}

impl Pace {
    pub(super) const fn new(rules: &Rules) -> Self {
        Self { delays: rules.backoff.start(), step: 0 }
    }

    fn next(&mut self, rules: &Rules, class: Class, random: &mut (impl Random + ?Sized)) -> Duration {
        let own = self.delays.next(random);
        let step = self.step;
        self.step = step.saturating_add(1);
        match (class, rules.throttled) {
            (Class::Throttled, Some(backoff)) => backoff.delay(step, random),
            _ => own,
        }
    }

    fn restart(&mut self) {
        self.delays.restart();
        self.step = 0;
    }
}

/// An attempt that did not succeed.
pub(super) struct Ended<'a> {
    /// Which one it was; the first is 1.
    pub(super) attempt: u32,
    pub(super) outcome: &'a Outcome,
    /// What is left until the deadline, where there is one.
    pub(super) left: Option<Duration>,
}

/// How long to wait until the next attempt, or why there is none. `is_safe` is asked only where it matters.
///
/// The cheapest and the surest reason comes first; what has to be paid for, or made, is asked of others when this has
/// answered.
pub(super) fn decide(
    rules: &Rules,
    pace: &mut Pace,
    ended: &Ended<'_>,
    is_safe: impl FnOnce() -> bool,
    random: &mut (impl Random + ?Sized),
) -> Result<Duration, RetryResult> {
    let outcome = ended.outcome;
    match outcome.class() {
        Class::Ok | Class::Panicked | Class::Cancelled => return Err(RetryResult::Final),
        // A layer of ours has refused it after it may have arrived, and for good.
        Class::Rejected if outcome.reached() => return Err(RetryResult::Final),
        Class::Rejected | Class::Failed | Class::Throttled | Class::TimedOut => {}
    }
    if outcome.asks_not_to_retry() {
        return Err(RetryResult::ToldNotTo);
    }
    // Where the caller's own deadline has ended one attempt, it ends the next.
    if outcome.own_deadline() || ended.left == Some(Duration::ZERO) {
        return Err(RetryResult::NoTime);
    }
    if outcome.reached() && !is_safe() {
        return Err(RetryResult::Unsafe);
    }
    if ended.attempt >= rules.attempts {
        return Err(RetryResult::Exhausted);
    }
    let wait = match outcome.retry_after() {
        Some(hint) => {
            let wait = rules.hints.wait(hint, || pace.next(rules, outcome.class(), random));
            pace.restart();
            wait.ok_or(RetryResult::HintTooLong)?
        }
        None => pace.next(rules, outcome.class(), random),
    };
    // An attempt that starts at the deadline has no time.
    if ended.left.is_some_and(|left| wait >= left) {
        return Err(RetryResult::NoTime);
    }
    Ok(wait)
}

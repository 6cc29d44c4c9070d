//! What all clones of a layer and of its services share.

use super::{Policy, Retrying, decide::Rules, hook::Hook};
use crate::{
    budget::Budget,
    outcome::Outcome,
    rejected::Name,
    telemetry::{Event, Observed, RetryResult},
};
use std::time::Duration;

pub(super) struct Shared<C, R> {
    pub(super) rules: Rules,
    pub(super) classify: C,
    pub(super) replay: R,
    pub(super) budget: Budget,
    pub(super) name: Name,
    observed: Observed,
    hook: Hook,
}

impl<C, R> Shared<C, R> {
    pub(super) fn new(policy: Policy<C, R>) -> Self {
        let Policy { rules, classify, replay, budget, name, observed, hook } = policy;
        let budget = budget.unwrap_or_else(|| Budget::new().named(name.clone()).observed(&observed));
        Self { rules, classify, replay, budget, name, observed, hook }
    }

    /// A call has its answer.
    #[inline]
    pub(super) fn ended(&self, result: RetryResult, attempts: u32) {
        self.observed.emit(|| Event::retry_ended(self.name.as_str(), result, attempts));
    }

    /// That attempt will be followed by another.
    pub(super) fn retrying(&self, attempt: u32, outcome: Outcome, wait: Duration) {
        self.observed.emit(|| Event::retry(self.name.as_str(), outcome.class(), attempt, wait));
        self.hook.run(&Retrying { attempt, outcome, wait });
    }
}

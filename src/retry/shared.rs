//! What all clones of a layer and of its services share.

use super::{Policy, Retrying, decide::Rules, hook::Hook};
use crate::{
    budget::Budget,
    outcome::Outcome,
    rejected::Name,
    telemetry::{Event, Observed, RetryResult},
};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

pub(super) struct Shared<C, R> {
    /// Read when an attempt has failed, and only then: a call that goes well takes no lock. One for all layers that differ only
    /// in what results mean.
    rules: Arc<RwLock<Rules>>,
    pub(super) classify: C,
    pub(super) replay: R,
    pub(super) budget: Budget,
    /// The budget was named, and is not one of the layer's own.
    pub(super) named: bool,
    pub(super) name: Name,
    observed: Observed,
    hook: Hook,
}

impl<C, R> Shared<C, R> {
    pub(super) fn new(policy: Policy<C, R>) -> Self {
        let Policy { rules, classify, replay, budget, name, observed, hook } = policy;
        let named = budget.is_some();
        let budget = budget.unwrap_or_else(|| Budget::new().named(name.clone()).observed(&observed));
        let rules = Arc::new(RwLock::new(rules));
        Self { rules, classify, replay, budget, named, name, observed, hook }
    }

    /// The same rules, budget and listeners, by another reading of results.
    #[cfg(feature = "http")]
    pub(super) fn read_by<D>(&self, classify: D) -> Shared<D, R>
    where
        R: Clone,
    {
        Shared {
            rules: Arc::clone(&self.rules),
            classify,
            replay: self.replay.clone(),
            budget: self.budget.clone(),
            named: self.named,
            name: self.name.clone(),
            observed: self.observed.clone(),
            hook: self.hook.clone(),
        }
    }

    /// What holds for an attempt that has ended now.
    pub(super) fn rules(&self) -> Rules {
        *self.rules.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn go_by(&self, rules: Rules) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
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

impl<C, R> AsRef<Budget> for Shared<C, R> {
    #[inline]
    fn as_ref(&self) -> &Budget {
        &self.budget
    }
}

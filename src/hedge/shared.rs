//! What layer, service and every call share: the settings, what was learnt, and the budget.

use super::delay::Delay;
use crate::{
    budget::Budget,
    outcome::{Classify, Outcome, Verdict, judge},
    rejected::Rejectable,
    telemetry::{Event, HedgeResult, Observed},
};
use std::{fmt, sync::Arc};

#[derive(Clone)]
pub(super) struct Shared<A, C> {
    pub(super) delay: Delay,
    pub(super) max: u8,
    pub(super) again: A,
    pub(super) classify: C,
    pub(super) budget: Budget,
    pub(super) name: &'static str,
    pub(super) observed: Observed,
}

impl<A, C> Shared<A, C> {
    /// Whether there is never a hedge.
    #[inline]
    pub(super) fn is_off(&self) -> bool {
        self.max == 0 || self.delay.is_never()
    }

    /// What a result means at its head. A verdict that comes later is taken as good: what has begun to arrive has won.
    #[inline]
    pub(super) fn read<Res, E>(&self, result: Result<&Res, &E>) -> Outcome
    where
        C: Classify<Res, E>,
        E: Rejectable,
    {
        match judge(&self.classify, result) {
            Verdict::Now(outcome) => outcome,
            Verdict::AtEnd(_) if result.is_ok() => Outcome::OK,
            // An error has no rest to wait for.
            Verdict::AtEnd(_) => Outcome::FAILED,
        }
    }

    /// A hedge has ended like this.
    #[cold]
    pub(super) fn tell(&self, result: HedgeResult) {
        self.observed.emit(|| Event::hedge(self.name, result));
    }
}

/// The one reference that a call counts: it leads to the budget too.
pub(super) struct Held<A, C>(pub(super) Arc<Shared<A, C>>);

impl<A, C> Clone for Held<A, C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A, C> AsRef<Budget> for Held<A, C> {
    #[inline]
    fn as_ref(&self) -> &Budget {
        &self.0.budget
    }
}

impl<A, C> fmt::Debug for Shared<A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("delay", &self.delay)
            .field("max", &self.max)
            .field("budget", &self.budget)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

//! What layer, service and every call share: the settings, what was learnt, and the budget.

use super::delay::Delay;
use crate::{
    budget::Budget,
    outcome::{Classify, Outcome, Verdict, judge},
    rejected::Rejectable,
    telemetry::{Event, HedgeResult, Observed},
};
use std::fmt;

#[derive(Clone)]
pub(super) struct Shared<R, C> {
    pub(super) delay: Delay,
    pub(super) max: u8,
    pub(super) replay: R,
    pub(super) classify: C,
    pub(super) budget: Budget,
    /// The budget was named by the user, and has a name of its own.
    pub(super) named: bool,
    pub(super) name: &'static str,
    pub(super) observed: Observed,
}

impl<R, C> Shared<R, C> {
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

impl<R, C> AsRef<Budget> for Shared<R, C> {
    #[inline]
    fn as_ref(&self) -> &Budget {
        &self.budget
    }
}

impl<R, C> fmt::Debug for Shared<R, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("delay", &self.delay)
            .field("max", &self.max)
            .field("budget", &self.budget)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

//! Which budget pays for a call, and how its future holds it.

use super::shared::Shared;
use crate::budget::Budget;
use std::{fmt, sync::Arc};

/// The budget that pays for a request: what [`Replay::budget`](super::Replay::budget) answers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum BudgetOf {
    /// The one of the policy.
    Policy,
    /// This one.
    Own(Budget),
}

/// What a call needs of its layer: one reference, through which it finds the policy and the budget. It is the holder of its
/// [`Purse`](crate::budget::Purse).
pub(super) struct Held<C, R> {
    pub(super) shared: Arc<Shared<C, R>>,
    pub(super) budget: BudgetOf,
}

impl<C, R> AsRef<Budget> for Held<C, R> {
    #[inline]
    fn as_ref(&self) -> &Budget {
        match &self.budget {
            BudgetOf::Policy => &self.shared.budget,
            BudgetOf::Own(budget) => budget,
        }
    }
}

impl<C, R> fmt::Debug for Held<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

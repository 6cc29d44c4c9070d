//! Which budget pays for a call, and how its future holds it.

use crate::budget::Budget;
use std::{fmt, sync::Arc};

/// The budget that pays for a request: what [`Replay::budget`](super::Replay::budget) answers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum BudgetOf {
    /// The one of the layer.
    Layer,
    /// This one.
    Own(Budget),
}

/// What a call needs of its layer: one reference, through which it finds all that the layer was told, its budget too. It is
/// the holder of its [`Purse`](crate::budget::Purse).
pub(crate) struct Payer<T> {
    pub(crate) layer: Arc<T>,
    budget: BudgetOf,
}

impl<T> Payer<T> {
    #[inline]
    pub(crate) fn new(layer: &Arc<T>, budget: BudgetOf) -> Self {
        Self { layer: Arc::clone(layer), budget }
    }
}

impl<T: AsRef<Budget>> AsRef<Budget> for Payer<T> {
    #[inline]
    fn as_ref(&self) -> &Budget {
        match &self.budget {
            BudgetOf::Layer => (*self.layer).as_ref(),
            BudgetOf::Own(budget) => budget,
        }
    }
}

impl<T: AsRef<Budget>> fmt::Debug for Payer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        AsRef::<Budget>::as_ref(self).fmt(f)
    }
}

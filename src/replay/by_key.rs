//! A budget for each key, over any form of replay.

use super::{BudgetOf, Replay};
use crate::{
    budget::{Budget, KeyedBudgets},
    keyed::KeyOf,
    outcome::Outcome,
    telemetry::Extra,
};
use std::{fmt, hash::Hash};

/// Lets the budget of its key pay for each request: what [`Policy::budgets`](crate::retry::Policy::budgets) and
/// [`HedgeLayer::budgets`](crate::hedge::HedgeLayer::budgets) make.
///
/// A request without a key is paid by the budget of the layer.
pub struct ByKey<R, O, K> {
    replay: R,
    key_of: O,
    budgets: KeyedBudgets<K>,
}

impl<R, O, K> ByKey<R, O, K> {
    pub(crate) const fn new(replay: R, key_of: O, budgets: KeyedBudgets<K>) -> Self {
        Self { replay, key_of, budgets }
    }

    pub(crate) const fn replay(&self) -> &R {
        &self.replay
    }

    #[cfg(feature = "http")]
    pub(crate) const fn budgets(&self) -> &KeyedBudgets<K> {
        &self.budgets
    }
}

impl<Req, R, O, K> Replay<Req> for ByKey<R, O, K>
where
    R: Replay<Req>,
    O: KeyOf<Req, Key: ToOwned<Owned = K>>,
    K: Hash + Eq + std::borrow::Borrow<O::Key>,
{
    type Sent = R::Sent;
    type Kept = R::Kept;

    #[inline]
    fn budget(&self, request: &Req, named: bool) -> BudgetOf {
        let budget: Option<Budget> =
            self.key_of.with_key(request, |key| key.map(|key| self.budgets.get(key)));
        budget.map_or_else(|| self.replay.budget(request, named), BudgetOf::Own)
    }

    #[inline]
    fn first(&self, request: Req, extra: Extra) -> (R::Sent, Option<R::Kept>) {
        self.replay.first(request, extra)
    }

    fn is_safe(&self, kept: &R::Kept, outcome: &Outcome) -> bool {
        self.replay.is_safe(kept, outcome)
    }

    fn again(&self, kept: &mut R::Kept, attempt: u32) -> Option<R::Sent> {
        self.replay.again(kept, attempt)
    }
}

impl<R: Clone, O: Clone, K> Clone for ByKey<R, O, K> {
    fn clone(&self) -> Self {
        Self { replay: self.replay.clone(), key_of: self.key_of.clone(), budgets: self.budgets.clone() }
    }
}

impl<R: fmt::Debug, O, K> fmt::Debug for ByKey<R, O, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByKey")
            .field("replay", &self.replay)
            .field("budgets", &self.budgets)
            .finish_non_exhaustive()
    }
}

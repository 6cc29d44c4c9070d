//! A budget for each host, for all that sends HTTP requests again.

use super::per_authority::{HOSTS, per_authority};
use crate::{
    budget::{KeyedBudgets, Rule},
    keyed::KeyOf,
    replay::BudgetOf,
};
use ::http::Request;

/// Where nothing is said.
pub(super) fn budgets() -> KeyedBudgets {
    KeyedBudgets::new(HOSTS, Rule::default())
}

/// The one of the host that a request goes to.
#[inline]
pub(super) fn budget_of<B>(budgets: &KeyedBudgets, request: &Request<B>) -> BudgetOf {
    per_authority().with_key(request, |host| match host {
        Some(host) => BudgetOf::Own(budgets.get(host)),
        None => BudgetOf::Layer,
    })
}

//! Which HTTP requests may be sent twice at once, and how to make the second.

use super::{Attempt, carries_key::carries_key, hosts, replay::beside};
use crate::{
    budget::{Extra, KeyedBudgets},
    replay::{BudgetOf, Replay},
};
use ::http::Request;

/// Which HTTP requests a hedge may send twice, and which budget pays: what [`HedgeLayer::http`](crate::hedge::HedgeLayer::http) goes
/// by.
///
/// | request | is hedged |
/// |---|---|
/// | `GET`, `HEAD`, `OPTIONS`, `TRACE` | yes |
/// | any other with an `Idempotency-Key` that is not empty, or a key that an `IdempotencyKeyLayer` has put into another header | yes |
/// | any other, also `PUT` and `DELETE` | no |
///
/// `PUT` and `DELETE` may be repeated, but one after the other: the copy that has lost may still be under way, and arrive
/// after the next change of the same thing, which it would undo. A server that knows requests by their key is not misled.
///
/// The request has to be `Clone`, body included: one without a body is, and so is one of bytes. What is sent is kept as it
/// came, so the head is copied for each call that may be hedged. Copies carry their number, [`Attempt`], in their extensions.
///
/// Under [`http::retry`](crate::http::retry) the body is a [`ReplayBody`](crate::http::ReplayBody), whose rest has one sender:
///
/// | such a body, when a hedge is due | is hedged |
/// |---|---|
/// | has been sent to its end, and all of it is kept | yes |
/// | nothing of it was asked for: the first attempt has no connection yet | yes; should the first come to send it while the hedge is in the middle of it, one of the two breaks off |
/// | is being sent | no: the hedge would have to take the rest of it from the first attempt. Nothing is paid |
///
/// The same for bodies that hold one. A body that is not `Clone` is hedged by
/// `.replay(http::`[`Resend`](crate::http::Resend)`::new()).classify(http::`[`ByStatus`](crate::http::ByStatus)`)`, by these rules;
/// the service inside is then sent `ReplayBody`s.
#[derive(Clone, Debug)]
pub struct Repeatable {
    budgets: KeyedBudgets,
    /// The user has named them.
    named: bool,
}

impl Repeatable {
    /// A budget for each host, unless the layer has been given one.
    #[must_use]
    pub fn new() -> Self {
        Self { budgets: hosts::budgets(), named: false }
    }

    /// These budgets, one for each host that a request goes to ([`per_authority`](crate::http::per_authority)): those of the
    /// retry outside, say. What names no host is paid by the budget of the layer.
    #[must_use]
    pub fn budgets(self, budgets: &KeyedBudgets) -> Self {
        Self { budgets: budgets.clone(), named: true }
    }

    /// Those that pay, where a layer that was given a budget or none asks.
    pub(crate) fn by_host(&self, layer_is_named: bool) -> Option<&KeyedBudgets> {
        (self.named || !layer_is_named).then_some(&self.budgets)
    }
}

impl Default for Repeatable {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: Clone> Replay<Request<B>> for Repeatable {
    type Sent = Request<B>;
    type Kept = Request<B>;

    #[inline]
    fn budget(&self, request: &Request<B>, named: bool) -> BudgetOf {
        match self.by_host(named) {
            Some(budgets) if is_repeatable(request) => hosts::budget_of(budgets, request),
            _ => BudgetOf::Layer,
        }
    }

    /// A retry goes by the same rules: what may not be sent twice at once, it sends once.
    #[inline]
    fn first(&self, request: Request<B>, _: Extra) -> (Request<B>, Option<Request<B>>) {
        let kept = is_repeatable(&request).then(|| request.clone());
        (request, kept)
    }

    fn again(&self, kept: &mut Request<B>, attempt: u32) -> Option<Request<B>> {
        let mut copy = beside(kept)?;
        Attempt::count_on(copy.extensions_mut(), attempt);
        Some(copy)
    }
}

/// Whether it may be served twice at once: it changes nothing, or carries a key.
pub(super) fn is_repeatable<B>(request: &Request<B>) -> bool {
    request.method().is_safe() || carries_key(request.headers(), request.extensions())
}

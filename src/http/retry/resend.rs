//! How an HTTP request is kept, and when it may be sent again.

use super::{KeptRequest, safe};
use crate::{
    budget::{Extra, KeyedBudgets},
    http::{ReplayBody, hosts, repeatable::is_repeatable, replay::CAP},
    outcome::Outcome,
    replay::{BudgetOf, Replay},
    retry::Dispose,
};
use ::http::{HeaderName, Request, Response, request::Parts};
use http_body::Body;
use std::{
    fmt,
    future::{Ready, ready},
    sync::Arc,
};

/// Keeps HTTP requests for another attempt: the form of [`Policy::replay`](crate::retry::Policy::replay) for HTTP, which
/// [`http::retry`](crate::http::retry) sets up. The service inside is sent `Request<`[`ReplayBody<B>`](ReplayBody)`>`.
///
/// | a request | is sent again |
/// |---|---|
/// | `GET`, `HEAD`, `OPTIONS`, `TRACE`, `PUT`, `DELETE` | after any failed attempt |
/// | any method, with an `Idempotency-Key` that is not empty, or a key that an `IdempotencyKeyLayer` has put into another header | the same |
/// | of which [`also_safe`](Self::also_safe) says so | the same |
/// | every other | only if no attempt before it may have reached the service |
/// | whose body was more than the cap, or has failed | never: the answer that there is comes out |
///
/// It fits a hedge too, where bodies are not `Clone`; what that may send twice [`Repeatable`](crate::http::Repeatable) says.
///
/// A response that nobody will see is dropped before the wait; hyper reads what has come of its body already, and keeps the
/// connection if that was all.
///
/// Each request is kept with a copy of its head; of its body at most 64 KiB are kept, as they are sent. See [`ReplayBody`].
#[derive(Clone)]
pub struct Resend {
    cap: usize,
    header: Option<HeaderName>,
    also_safe: Option<Arc<Safe>>,
    budgets: Option<KeyedBudgets>,
}

type Safe = dyn Fn(&Parts) -> bool + Send + Sync;

impl Resend {
    /// Keeps up to 64 KiB of a body; what is sent again is paid by the budget of the policy.
    #[must_use]
    pub fn new() -> Self {
        Self { cap: CAP, header: None, also_safe: None, budgets: None }
    }

    /// How much of a body is kept at most. With 0 a request that has a body is sent again only if nothing of it was sent; with
    /// [`usize::MAX`] all of it is kept, whatever it takes.
    #[must_use]
    pub const fn cap(mut self, bytes: usize) -> Self {
        self.cap = bytes;
        self
    }

    /// Writes the number of the attempt into this header, from the second on: `2` in the first that is sent again.
    #[must_use]
    pub fn attempt_header(mut self, name: HeaderName) -> Self {
        self.header = Some(name);
        self
    }

    /// Requests of which `safe` says so may be sent again though they may have arrived: a search by `POST`, say.
    ///
    /// ```
    /// use buttress::http::Resend;
    ///
    /// let resend = Resend::new().also_safe(|head| head.uri.path() == "/search");
    /// # drop(resend);
    /// ```
    #[must_use]
    pub fn also_safe(mut self, safe: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.also_safe = Some(Arc::new(safe));
        self
    }

    /// A budget for each host that a request goes to ([`http::per_authority`](crate::http::per_authority)); what names no host is
    /// paid by the budget of the policy.
    #[must_use]
    pub fn budgets(mut self, budgets: &KeyedBudgets) -> Self {
        self.budgets = Some(budgets.clone());
        self
    }

    pub(crate) const fn by_host(&self) -> Option<&KeyedBudgets> {
        self.budgets.as_ref()
    }

    pub(super) const fn has_budgets(&self) -> bool {
        self.budgets.is_some()
    }
}

impl Default for Resend {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: Body> Replay<Request<B>> for Resend {
    type Sent = Request<ReplayBody<B>>;
    type Kept = KeptRequest<B>;

    #[inline]
    fn budget(&self, request: &Request<B>, _: bool) -> BudgetOf {
        self.budgets.as_ref().map_or(BudgetOf::Layer, |budgets| hosts::budget_of(budgets, request))
    }

    #[inline]
    fn first(&self, request: Request<B>, extra: Extra) -> (Self::Sent, Option<Self::Kept>) {
        if extra == Extra::Hedge && !is_repeatable(&request) {
            return (request.map(sent_once), None);
        }
        let (request, kept) = KeptRequest::of(request, self.cap, extra);
        (request, Some(kept))
    }

    fn is_safe(&self, kept: &Self::Kept, _: &Outcome) -> bool {
        let head = kept.head();
        safe::may_be_served_twice(&head.method, &head.headers, &head.extensions)
            || self.also_safe.as_ref().is_some_and(|safe| safe(head))
    }

    fn again(&self, kept: &mut Self::Kept, attempt: u32) -> Option<Self::Sent> {
        kept.again(attempt, self.header.as_ref())
    }
}

/// A body of the type that is sent, of which nothing is kept.
#[cold]
fn sent_once<B: Body>(body: B) -> ReplayBody<B> {
    let body = ReplayBody::new(body);
    body.let_go();
    body
}

impl<B> Dispose<Response<B>> for Resend {
    type Disposal = Ready<()>;

    fn dispose(&self, _: Response<B>) -> Ready<()> {
        ready(())
    }
}

impl fmt::Debug for Resend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resend")
            .field("cap", &self.cap)
            .field("header", &self.header)
            .field("budgets", &self.budgets)
            .finish_non_exhaustive()
    }
}

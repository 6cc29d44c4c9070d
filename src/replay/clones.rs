//! The form for any request that is `Clone`.

use super::Replay;
use crate::{outcome::Outcome, telemetry::Extra};
use std::fmt;

/// Keeps a clone of each request.
///
/// `F` says which requests are safe to be sent twice: [`Never`] by default, [`Always`], or a function of the request. A retry
/// sends the others again where nothing has reached the service; a hedge sends them once, and does not even clone them. See
/// [`Policy::safe`](crate::retry::Policy::safe) and [`HedgeLayer::safe`](crate::hedge::HedgeLayer::safe).
#[derive(Clone, Copy)]
pub struct Clones<F = Never> {
    safe: F,
}

/// No request is known to be safe: only what never reached the service is sent again.
#[derive(Clone, Copy, Debug)]
pub struct Never {
    _more: (),
}

/// Every request is safe.
#[derive(Clone, Copy, Debug)]
pub struct Always {
    _more: (),
}

/// Says which requests may be sent twice: a function, [`Never`] or [`Always`].
pub trait Safe<Req> {
    /// Whether this one may.
    fn is_safe(&self, request: &Req) -> bool;
}

impl<Req> Safe<Req> for Never {
    fn is_safe(&self, _: &Req) -> bool {
        false
    }
}

impl<Req> Safe<Req> for Always {
    fn is_safe(&self, _: &Req) -> bool {
        true
    }
}

impl<Req, F: Fn(&Req) -> bool> Safe<Req> for F {
    fn is_safe(&self, request: &Req) -> bool {
        self(request)
    }
}

impl Clones {
    pub(crate) const NEVER: Self = Self { safe: Never { _more: () } };
}

impl Clones<Always> {
    pub(crate) const ALWAYS: Self = Self { safe: Always { _more: () } };
}

impl<F> Clones<F> {
    /// Requests of which `safe` says so may be sent twice.
    pub const fn new(safe: F) -> Self {
        Self { safe }
    }
}

impl<Req, F> Replay<Req> for Clones<F>
where
    Req: Clone,
    F: Safe<Req>,
{
    type Sent = Req;
    type Kept = Req;

    #[inline]
    fn first(&self, request: Req, extra: Extra) -> (Req, Option<Req>) {
        if extra == Extra::Hedge && !self.safe.is_safe(&request) {
            return (request, None);
        }
        (request.clone(), Some(request))
    }

    fn is_safe(&self, kept: &Req, _: &Outcome) -> bool {
        self.safe.is_safe(kept)
    }

    fn again(&self, kept: &mut Req, _: u32) -> Option<Req> {
        Some(kept.clone())
    }
}

impl<F> fmt::Debug for Clones<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clones").finish_non_exhaustive()
    }
}

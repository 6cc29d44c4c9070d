//! How long a call may take: always the same, read from the request, or learnt from the calls before.

use super::Unwatched;
use std::time::Duration;

/// Says how long a call may take.
pub trait Limit<Req> {
    /// What goes along with a call, where the limit learns from calls: [`Unwatched`] where it does not.
    type Watch;

    /// The limit for this request.
    fn limit(&self, request: &Req) -> Duration;

    /// What goes along with this call.
    fn watch(&self) -> Self::Watch;
}

impl<Req> Limit<Req> for Duration {
    type Watch = Unwatched;

    #[inline]
    fn limit(&self, _: &Req) -> Duration {
        *self
    }

    #[inline]
    fn watch(&self) -> Unwatched {
        Unwatched
    }
}

/// A limit read from the request by a function.
#[derive(Clone, Copy, Debug)]
pub struct PerRequest<F>(pub(super) F);

impl<Req, F: Fn(&Req) -> Duration> Limit<Req> for PerRequest<F> {
    type Watch = Unwatched;

    #[inline]
    fn limit(&self, request: &Req) -> Duration {
        (self.0)(request)
    }

    #[inline]
    fn watch(&self) -> Unwatched {
        Unwatched
    }
}

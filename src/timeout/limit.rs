//! How long a call may take: always the same, or read from the request.

use std::time::Duration;

/// Says how long a call may take.
pub trait Limit<Req> {
    /// The limit for this request.
    fn limit(&self, request: &Req) -> Duration;
}

impl<Req> Limit<Req> for Duration {
    #[inline]
    fn limit(&self, _: &Req) -> Duration {
        *self
    }
}

/// A limit read from the request by a function.
#[derive(Clone, Copy, Debug)]
pub struct PerRequest<F>(pub(super) F);

impl<Req, F: Fn(&Req) -> Duration> Limit<Req> for PerRequest<F> {
    #[inline]
    fn limit(&self, request: &Req) -> Duration {
        (self.0)(request)
    }
}

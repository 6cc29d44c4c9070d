//! The service: begins the span with the call.

use super::ResponseFuture;
use crate::rejected::{Name, Rejectable};
use ::tracing::{Instrument, field::Empty, info_span};
use std::task::{Context, Poll};
use tower_service::Service;

/// A service with a span around each call. See the [module](super).
#[derive(Clone, Debug)]
pub struct Spanned<S> {
    inner: S,
    name: Name,
}

impl<S> Spanned<S> {
    pub(super) const fn new(inner: S, name: Name) -> Self {
        Self { inner, name }
    }
}

impl<S, Req> Service<Req> for Spanned<S>
where
    S: Service<Req>,
    S::Error: Rejectable,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let span = info_span!(
            target: "buttress",
            "call",
            otel.name = self.name.as_str(),
            otel.kind = "internal",
            otel.status_code = Empty,
            http.request.resend_count = Empty,
            rejected = Empty,
        );
        let call = span.in_scope(|| self.inner.call(request));
        ResponseFuture::new(call.instrument(span))
    }
}

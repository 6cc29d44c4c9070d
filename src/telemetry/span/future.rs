//! The future: runs the call within its span, and writes down how it ended.

use crate::rejected::Rejectable;
use ::tracing::{Span, instrument::Instrumented};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

pin_project! {
    /// The answer of a [`Spanned`](super::Spanned).
    pub struct ResponseFuture<F> {
        // Dropped within its span, too.
        #[pin]
        call: Instrumented<F>,
    }
}

impl<F> ResponseFuture<F> {
    #[inline]
    pub(super) const fn new(call: Instrumented<F>) -> Self {
        Self { call }
    }
}

impl<F, T, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Rejectable,
{
    type Output = Result<T, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut call = self.project().call;
        let answer = ready!(call.as_mut().poll(cx));
        if let Err(error) = &answer {
            failed(call.span(), error);
        }
        Poll::Ready(answer)
    }
}

#[cold]
fn failed(span: &Span, error: &impl Rejectable) {
    span.record("otel.status_code", "ERROR");
    if let Some(rejected) = error.as_rejected() {
        span.record("rejected", rejected.reason().as_str());
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("span", self.call.span()).finish_non_exhaustive()
    }
}

//! A body of any make as one of reqwest's.

use crate::rejected::BoxError;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::{
    any::Any,
    mem,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
};

/// It streams as it is polled; one that has ended already, and one of reqwest's own, cost nothing.
pub(super) fn outbound<B>(mut body: B) -> ::reqwest::Body
where
    B: Body<Data: Into<Bytes>, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    if let Some(own) = (&mut body as &mut dyn Any).downcast_mut::<::reqwest::Body>() {
        return mem::take(own);
    }
    if body.is_end_stream() {
        return ::reqwest::Body::default();
    }
    ::reqwest::Body::wrap(Shareable(Mutex::new(body)))
}

/// reqwest asks for `Sync`, which a body is good for without it: it has one owner. The lock gives that and is never waited
/// for.
struct Shareable<B>(Mutex<B>);

impl<B: Body + Unpin> Body for Shareable<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let body = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        Pin::new(body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).size_hint()
    }
}

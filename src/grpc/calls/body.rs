//! The body of a request that may be sent again, as the client takes it.

use crate::{http::ReplayBody, rejected::BoxError};
use bytes::Bytes;
use http_body::Body;
use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

/// A request body that can be made of one that is kept, since the client takes no other: with the feature `tonic`,
/// `tonic::body::Body`.
///
/// ```
/// use buttress::{grpc::Resend, http::ReplayBody};
/// use http_body::{Body, Frame};
/// use std::{pin::Pin, task::{Context, Poll}};
///
/// /// A boxed body, as many clients have.
/// struct Boxed(Pin<Box<dyn Body<Data = bytes::Bytes, Error = Error> + Send>>);
/// type Error = Box<dyn std::error::Error + Send + Sync>;
///
/// impl Body for Boxed {
///     type Data = bytes::Bytes;
///     type Error = Error;
///     fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<bytes::Bytes>, Error>>> {
///         self.0.as_mut().poll_frame(cx)
///     }
/// }
///
/// impl Resend for Boxed {
///     fn of_kept(body: ReplayBody<Self>) -> Self { Self(Box::pin(body)) }
/// }
/// ```
pub trait Resend: Body<Error: Into<BoxError>> + Sized + Send + 'static {
    /// The body that sends what is kept.
    fn of_kept(body: ReplayBody<Self>) -> Self;
}

#[cfg(feature = "tonic")]
impl Resend for tonic::body::Body {
    fn of_kept(body: ReplayBody<Self>) -> Self {
        Self::new(body)
    }
}

/// Takes the body in as far as it is there, up to so many bytes: whether all of it was.
///
/// The one message of a unary call is there at once. A stream of messages is not, and is left as it is: what was taken in is
/// kept for who sends it first.
pub(super) fn take_in<B>(body: &ReplayBody<B>, most: usize) -> bool
where
    B: Body<Error: Into<BoxError>>,
{
    let mut reader = body.clone();
    // Who sends it asks again, and leaves a waker that wakes.
    let mut cx = Context::from_waker(Waker::noop());
    let mut len = 0;
    while len <= most {
        if reader.is_end_stream() {
            return true;
        }
        match Pin::new(&mut reader).poll_frame(&mut cx) {
            Poll::Ready(None) => return true,
            Poll::Ready(Some(Ok(frame))) => len += frame.data_ref().map_or(0, Bytes::len),
            Poll::Ready(Some(Err(_))) | Poll::Pending => return false,
        }
    }
    false
}

//! A gRPC server's whole stack in one word.

use super::{Code, pushback::PUSHBACK};
use crate::{
    http::{Guard, Problem, Render},
    rejected::Rejected,
};
use ::http::{HeaderMap, HeaderValue, Response, header};
use bytes::Bytes;

/// Puts a stack around a gRPC server, and answers what it refuses or cuts with a trailers-only response: HTTP 200, with
/// `grpc-status` and `grpc-message` among the headers, and `grpc-retry-pushback-ms` where the wait is known.
///
/// Fits `tonic::transport::Server::builder().layer(..)`. The response body has to be `Default`, as tonic's is.
///
/// ```
/// # use std::time::Duration;
/// use buttress::{grpc, timeout::TimeoutLayer};
///
/// let server = tonic::transport::Server::builder()
///     .layer(grpc::guard(TimeoutLayer::new(Duration::from_secs(3))));
/// # drop(server);
/// ```
pub const fn guard<L>(stack: L) -> Guard<L, TrailersOnly> {
    Guard::with(stack, TrailersOnly { _more: () })
}

/// The same for a router that serves gRPC and plain HTTP: who asks with `content-type: application/grpc..` is answered
/// by trailers, everybody else by a problem document.
///
/// Looking at the header costs every call; where a server speaks one protocol, [`guard`] or
/// [`http::guard`](crate::http::guard) do not look. The body has to be `Default` and `From<Bytes>`, as axum's is.
pub const fn mixed_guard<L>(stack: L) -> Guard<L, Mixed> {
    Guard::with(stack, Mixed { grpc: false })
}

/// Answers rejections as a gRPC server does. See [`guard`].
///
/// ```
/// use buttress::{Rejected, grpc::TrailersOnly, http::Render, rejected::Reason};
///
/// let full = Rejected::new(Reason::Full, "orders", false);
/// let answer: http::Response<tonic::body::Body> = TrailersOnly::default().render(&full);
/// assert_eq!(answer.status(), 200);
/// assert_eq!(answer.headers()["grpc-status"], "8");
/// assert_eq!(answer.headers()["grpc-message"], "no free slot");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TrailersOnly {
    _more: (),
}

impl<B: Default> Render<B> for TrailersOnly {
    fn render(self, rejected: &Rejected) -> Response<B> {
        let mut response = Response::new(B::default());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", u16::from(Code::of_reason(rejected.reason()).number()).into());
        // The texts of reasons are plain ASCII without a percent sign: nothing to encode.
        if let Ok(message) = HeaderValue::from_str(&rejected.to_string()) {
            headers.insert("grpc-message", message);
        }
        if let Some(wait) = rejected.retry_after() {
            // The header holds an i32; up, so that nobody comes before the time.
            let millis = wait.as_nanos().div_ceil(1_000_000).min(i32::MAX.unsigned_abs().into());
            if let Ok(millis) = u32::try_from(millis) {
                headers.insert(PUSHBACK, millis.into());
            }
        }
        response
    }
}

/// Answers gRPC calls by trailers and the rest by problem documents. See [`mixed_guard`].
#[derive(Clone, Copy, Debug)]
pub struct Mixed {
    grpc: bool,
}

impl<B: Default + From<Bytes>> Render<B> for Mixed {
    fn for_request(&self, headers: &HeaderMap) -> Self {
        let kind = headers.get(header::CONTENT_TYPE);
        Self { grpc: kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc")) }
    }

    fn render(self, rejected: &Rejected) -> Response<B> {
        if self.grpc { TrailersOnly::default().render(rejected) } else { Problem.render(rejected) }
    }
}

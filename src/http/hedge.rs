//! Hedges for HTTP: which requests may be sent twice at once, and which responses are answers.

use super::{ByStatus, carries_key::carries_key};
use crate::hedge::{Again, HedgeLayer};
use ::http::Request;

impl<A, C> HedgeLayer<A, C> {
    /// For HTTP: requests are sent twice as [`Repeatable`](crate::http::Repeatable) says, and responses are read by
    /// [`ByStatus`](crate::http::ByStatus). What was said of both before is forgotten.
    ///
    /// ```
    /// use std::time::Duration;
    /// use buttress::{hedge::HedgeLayer, over, window::Ratio};
    /// use http::{Request, Response};
    /// use http_body_util::Empty;
    /// use tower::ServiceExt;
    /// # use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    /// # type Body = Empty<bytes::Bytes>;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// # let replicas = tower::service_fn(|_: Request<Body>| {
    /// #     static TAKES: AtomicU64 = AtomicU64::new(1000);
    /// #     let takes = TAKES.swap(5, Relaxed);
    /// #     async move {
    /// #         tokio::time::sleep(Duration::from_millis(takes)).await;
    /// #         Ok::<_, std::io::Error>(Response::new(Body::new()))
    /// #     }
    /// # });
    /// // the first attempt takes a second, the next five milliseconds
    /// let client = over(HedgeLayer::after(Duration::from_millis(50)).http(), replicas);
    /// let start = tokio::time::Instant::now();
    /// let answer = client.oneshot(Request::get("/stock").body(Body::new()).unwrap()).await.unwrap();
    /// assert_eq!((answer.status().as_u16(), start.elapsed()), (200, Duration::from_millis(55)));
    /// # }
    /// ```
    #[must_use]
    pub fn http(self) -> HedgeLayer<Repeatable, ByStatus> {
        self.by(Repeatable { _more: () }).classify(ByStatus)
    }
}

/// Which HTTP requests a hedge may send twice: made by [`HedgeLayer::http`](crate::hedge::HedgeLayer::http).
///
/// | request | is hedged |
/// |---|---|
/// | `GET`, `HEAD`, `OPTIONS`, `TRACE` | yes |
/// | any other with an `Idempotency-Key` that is not empty | yes |
/// | any other, also `PUT` and `DELETE` | no |
///
/// `PUT` and `DELETE` may be repeated, but one after the other: the copy that has lost may still be under way, and arrive
/// after the next change of the same thing, which it would undo. A server that knows requests by their key is not misled.
///
/// The request has to be `Clone`, body included: one without a body is, and so is one of bytes. What is sent is kept as it
/// came, so the head is copied for each call that may be hedged. The rest of a [`ReplayBody`](crate::http::ReplayBody) has one
/// sender: a copy that starts while the first attempt is still sending takes it over, and the first attempt breaks off.
#[derive(Clone, Copy, Debug)]
pub struct Repeatable {
    _more: (),
}

impl<B: Clone> Again<Request<B>> for Repeatable {
    type Sent = Request<B>;
    type Kept = Request<B>;

    #[inline]
    fn first(&self, request: Request<B>) -> (Request<B>, Option<Request<B>>) {
        let kept = is_repeatable(&request).then(|| request.clone());
        (request, kept)
    }

    fn again(&self, kept: &mut Request<B>, _: u32) -> Option<Request<B>> {
        Some(kept.clone())
    }
}

fn is_repeatable<B>(request: &Request<B>) -> bool {
    request.method().is_safe() || carries_key(request.headers())
}

//! Holds what a call holds to the end of its body.

use super::ReadRest;
use crate::outcome::{Classify, Outcome, Verdict};
use ::http::{HeaderMap, Response};
use http_body::Body;

/// The verdict is known at the end of the body, whatever it is: for a [bulkhead](crate::bulkhead) whose slots are to be
/// held until a response has been read to its end, has broken off, or was dropped. A body that has no data ends with its
/// head.
///
/// ```
/// use buttress::{bulkhead::{BulkheadLayer, Slots}, http};
/// use http_body_util::{BodyExt, Full};
/// use tower::{Service, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let slots = Slots::new("reports", 1);
/// let page = tower::service_fn(|_: ::http::Request<()>| async {
///     Ok::<_, std::io::Error>(::http::Response::new(Full::new(bytes::Bytes::from_static(b"a page"))))
/// });
/// let mut client = buttress::over(BulkheadLayer::new(&slots).hold(http::ToEnd), page);
///
/// let response = client.ready().await.unwrap().call(::http::Request::new(())).await.unwrap();
/// assert_eq!(slots.in_flight(), 1, "the head is there, the body not yet");
/// assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "a page");
/// assert_eq!(slots.in_flight(), 0);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ToEnd;

/// The body of a response whose end is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Unread {
    _more: (),
}

impl<B: Body, E> Classify<Response<B>, E> for ToEnd {
    type AtEnd = Unread;

    #[inline]
    fn classify(&self, result: Result<&Response<B>, &E>) -> Verdict<Unread> {
        match result {
            // Nobody has to come for the end of a body that has ended.
            Ok(response) if response.body().is_end_stream() => Verdict::Now(Outcome::OK),
            Ok(_) => Verdict::AtEnd(Unread { _more: () }),
            Err(_) => Verdict::Now(Outcome::FAILED),
        }
    }
}

impl ReadRest for Unread {
    fn at_head(&self) -> Outcome {
        Outcome::OK
    }

    fn trailers(&mut self, _: &HeaderMap) -> Outcome {
        Outcome::OK
    }

    fn end(&mut self) -> Outcome {
        Outcome::OK
    }
}

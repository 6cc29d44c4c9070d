//! What an HTTP response means.

use super::ReadRest;
use crate::outcome::{Classify, Outcome, Verdict};
use ::http::{HeaderMap, Response};
use http_body::Body;

/// Reads an HTTP response by its status, and a good one to the end of its body.
///
/// | | outcome |
/// |---|---|
/// | 500, 502, 503, 504 | `Failed` |
/// | 429 | `Throttled` |
/// | every other status, body read to its end or dropped | `Ok` |
/// | every other status, body ends in an error (a reset) | `Failed` |
/// | an error instead of a response | `Failed` |
///
/// ```
/// use buttress::{http::ByStatus, outcome::{Class, Classify, Verdict}};
///
/// let busy = http::Response::builder().status(429).body(axum::body::Body::empty()).unwrap();
/// let Verdict::Now(outcome) = ByStatus::default().classify(Ok::<_, &std::io::Error>(&busy)) else { panic!() };
/// assert_eq!(outcome.class(), Class::Throttled);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ByStatus;

impl<B: Body, E> Classify<Response<B>, E> for ByStatus {
    type AtEnd = Rest;

    fn classify(&self, result: Result<&Response<B>, &E>) -> Verdict<Rest> {
        let Ok(response) = result else { return Verdict::Now(Outcome::FAILED) };
        match response.status().as_u16() {
            500 | 502 | 503 | 504 => Verdict::Now(Outcome::FAILED),
            429 => Verdict::Now(Outcome::THROTTLED),
            _ if response.body().is_end_stream() => Verdict::Now(Outcome::OK),
            _ => Verdict::AtEnd(Rest { _more: () }),
        }
    }
}

/// The rest of a response with a good head: a failure only if its body breaks.
#[derive(Clone, Copy, Debug)]
pub struct Rest {
    _more: (),
}

impl ReadRest for Rest {
    /// Callers look at the status and drop the body.
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

//! What a gRPC response means: read at its trailers.

use super::{Code, Pushback};
use crate::{
    http::ReadRest,
    outcome::{Class, Classify, Outcome, Verdict},
};
use ::http::{HeaderMap, Response, StatusCode};

/// Reads a gRPC response by its status, in the headers (trailers-only) or in the trailers.
///
/// The codes mean what [`Code::outcome`] says. A body that ends without trailers, or breaks off, is a failure. A caller
/// who drops it before the first message has left; after the first message a drop is `Ok`: streams are left when one has
/// seen enough. An error in the place of a response is a failure: under `grpc::lift()` that is the transport's.
///
/// What stands in `grpc-retry-pushback-ms` beside the status of a call that did not go well is part of the outcome: a time is
/// its hint, and anything else asks not to be retried. See [`Pushback`].
///
/// ```
/// use buttress::{grpc::ByStatus, outcome::{Class, Classify, Verdict}};
///
/// let failed = http::Response::builder().header("grpc-status", "14").body(axum::body::Body::empty()).unwrap();
/// let Verdict::Now(outcome) = ByStatus.classify(Ok::<_, &std::io::Error>(&failed)) else { panic!() };
/// assert_eq!(outcome.class(), Class::Failed);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ByStatus;

impl<B: http_body::Body, E> Classify<Response<B>, E> for ByStatus {
    type AtEnd = Rest;

    fn classify(&self, result: Result<&Response<B>, &E>) -> Verdict<Rest> {
        let Ok(response) = result else { return Verdict::Now(Outcome::FAILED) };
        if let Some(code) = Code::find(response.headers()) {
            return Verdict::Now(said(code, response.headers()));
        }
        match response.status() {
            // Neither a status nor anything that could bring one; a reader that looks at `is_end_stream` never comes.
            StatusCode::OK if response.body().is_end_stream() => Verdict::Now(Outcome::FAILED),
            StatusCode::OK => Verdict::AtEnd(Rest { _more: () }),
            other => Verdict::Now(Code::of_http(other).outcome()),
        }
    }
}

/// The rest of a gRPC response: messages, then trailers.
#[derive(Clone, Copy, Debug)]
pub struct Rest {
    _more: (),
}

impl ReadRest for Rest {
    fn at_head(&self) -> Outcome {
        Outcome::CANCELLED
    }

    fn data(&mut self) -> Option<Outcome> {
        Some(Outcome::OK)
    }

    fn trailers(&mut self, trailers: &HeaderMap) -> Outcome {
        said(Code::find(trailers).unwrap_or(Code::UNKNOWN), trailers)
    }

    /// Without trailers nobody has said that it went well.
    fn end(&mut self) -> Outcome {
        Outcome::FAILED
    }
}

/// The code, and what the server says of another attempt; that is looked for only where there might be one.
#[inline]
fn said(code: Code, headers: &HeaderMap) -> Outcome {
    let outcome = code.outcome();
    if matches!(outcome.class(), Class::Ok) { outcome } else { Pushback::told(headers, outcome) }
}

//! What an HTTP response means.

use super::{ReadRest, retry_after};
use crate::outcome::{Class, Classify, Outcome, Verdict};
use ::http::{HeaderMap, Response, StatusCode};
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
/// A 429 or 503 that says when to come again ([`retry_after`](super::retry_after())) gives that as the hint.
///
/// Under a layer that needs the verdict, a breaker, the body is a [`SettleBody`](super::SettleBody): the same data, the same
/// error, another type. Where two types would meet (`option_layer`, a fallback by another service), bring them to one above
/// that layer, by tower's `map_response`: `.map_response(|answer: Response<_>| answer.map(Body::new))`. A circuit that shall
/// not be asked for a while is [disabled](crate::breaker::Circuit::disable), which needs no `option_layer`.
///
/// ```
/// use buttress::{http::ByStatus, outcome::{Class, Classify, Verdict}};
///
/// let busy = http::Response::builder().status(429).body(axum::body::Body::empty()).unwrap();
/// let Verdict::Now(outcome) = ByStatus.classify(Ok::<_, &std::io::Error>(&busy)) else { panic!() };
/// assert_eq!(outcome.class(), Class::Throttled);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ByStatus;

impl ByStatus {
    /// What the status alone says, for responses that are not `http::Response`. Where there are headers, too, see
    /// [`of_head`](Self::of_head).
    ///
    /// ```
    /// use buttress::{breaker::{BreakerLayer, Circuit, Policy}, http::ByStatus, outcome::{Class, Outcome}};
    ///
    /// // reqwest's client has a response type of its own
    /// let circuit = Circuit::new("payments", &Policy::new());
    /// let layer = BreakerLayer::new(&circuit).classify_by(
    ///     |result: Result<&reqwest::Response, &buttress::Lifted<reqwest::Error>>| match result {
    ///         Ok(response) => ByStatus::outcome(response.status()),
    ///         Err(_) => Outcome::FAILED,
    ///     },
    /// );
    /// # drop(layer);
    /// assert_eq!(ByStatus::outcome(http::StatusCode::BAD_GATEWAY).class(), Class::Failed);
    /// assert_eq!(ByStatus::outcome(http::StatusCode::NOT_FOUND).class(), Class::Ok);
    /// ```
    #[must_use]
    pub const fn outcome(status: StatusCode) -> Outcome {
        match status.as_u16() {
            500 | 502 | 503 | 504 => Outcome::FAILED,
            429 => Outcome::THROTTLED,
            _ => Outcome::OK,
        }
    }
}

impl ByStatus {
    /// What status and headers say: the same, with the hint of a 429 or 503.
    ///
    /// ```
    /// use std::time::Duration;
    /// use buttress::http::ByStatus;
    ///
    /// let busy = http::Response::builder().status(503).header("retry-after", "2").body(()).unwrap();
    /// let outcome = ByStatus::of_head(busy.status(), busy.headers());
    /// assert_eq!(outcome.retry_after(), Some(Duration::from_secs(2)));
    /// ```
    #[must_use]
    pub fn of_head(status: StatusCode, headers: &HeaderMap) -> Outcome {
        let outcome = Self::outcome(status);
        match retry_after::of_answer(status, headers) {
            Some(wait) => outcome.hint(wait),
            None => outcome,
        }
    }
}

impl<B: Body, E> Classify<Response<B>, E> for ByStatus {
    type AtEnd = Rest;

    fn classify(&self, result: Result<&Response<B>, &E>) -> Verdict<Rest> {
        let Ok(response) = result else { return Verdict::Now(Outcome::FAILED) };
        let outcome = Self::of_head(response.status(), response.headers());
        if matches!(outcome.class(), Class::Ok) && !response.body().is_end_stream() {
            return Verdict::AtEnd(Rest { _more: () });
        }
        Verdict::Now(outcome)
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

    /// It has begun to arrive: a probe need not wait for the end of a long download.
    fn data(&mut self) -> Option<Outcome> {
        Some(Outcome::OK)
    }

    fn trailers(&mut self, _: &HeaderMap) -> Outcome {
        Outcome::OK
    }

    fn end(&mut self) -> Outcome {
        Outcome::OK
    }
}

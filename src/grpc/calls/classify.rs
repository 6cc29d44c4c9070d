//! What the answer of an attempt means where a service config names the codes.

use super::Coded;
use crate::{
    grpc::{Code, Codes, Pushback},
    outcome::{Class, Classify, Outcome, Verdict},
};
use ::http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use std::convert::Infallible;

/// Reads the answer of an attempt by the codes that a service config names, and by the server's pushback.
///
/// | answer | means |
/// |---|---|
/// | `OK`, or a head without a status: the response has begun | success; nothing is sent again |
/// | a code that is named | a failure of its kind; another attempt may be sent |
/// | any other | the answer, and no success: the budget is told nothing |
/// | pushback, a time | not before that |
/// | pushback, anything else | a failure, and no other attempt |
#[derive(Clone, Copy, Debug)]
pub struct ByCodes {
    codes: Codes,
    /// Of attempts that run side by side, one that is asked for less is followed by another as one that failed.
    side_by_side: bool,
}

impl ByCodes {
    pub(super) const fn retry(codes: Codes) -> Self {
        Self { codes, side_by_side: false }
    }

    pub(super) const fn hedge(codes: Codes) -> Self {
        Self { codes, side_by_side: true }
    }

    fn read(&self, code: Code, headers: Option<&HeaderMap>) -> Outcome {
        if code == Code::OK {
            return Outcome::OK;
        }
        let pushback = headers.and_then(Pushback::find);
        let outcome = match (self.codes.contains(code), pushback) {
            (true, _) => self.named(code),
            (false, Some(Pushback::Never)) => Outcome::FAILED,
            // Neither a success nor a failure that another attempt could mend.
            (false, _) => return Outcome::CANCELLED,
        };
        match pushback {
            None => outcome,
            Some(Pushback::After(wait)) => outcome.hint(wait),
            Some(Pushback::Never) => outcome.do_not_retry(),
        }
    }

    /// A failure, of the kind that the code stands for.
    fn named(&self, code: Code) -> Outcome {
        match code.outcome().class() {
            Class::Ok => Outcome::FAILED,
            Class::Throttled if self.side_by_side => Outcome::FAILED,
            _ => code.outcome(),
        }
    }
}

impl<B: Body, E: Coded> Classify<Response<B>, E> for ByCodes {
    type AtEnd = Infallible;

    #[inline]
    fn classify(&self, result: Result<&Response<B>, &E>) -> Verdict<Infallible> {
        Verdict::Now(match result {
            Err(error) => self.read(error.code(), None),
            Ok(response) => {
                let headers = response.headers();
                match (Code::find(headers), response.status()) {
                    (Some(code), _) => self.read(code, Some(headers)),
                    (None, StatusCode::OK) if response.body().is_end_stream() => {
                        self.read(Code::UNKNOWN, Some(headers))
                    }
                    (None, StatusCode::OK) => Outcome::OK,
                    (None, other) => self.read(Code::of_http(other), Some(headers)),
                }
            }
        })
    }
}

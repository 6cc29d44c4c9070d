//! What reqwest's errors mean to the layers around it.

use crate::{
    http,
    hyper::never_sent,
    outcome::{Classify, Outcome, Verdict},
};
use ::http::Response;
use ::reqwest::Error;
use http_body::Body;
use std::error::Error as StdError;

/// What an error of reqwest says of the service, and whether that may have seen the request.
///
/// | error | class | reached |
/// |---|---|---|
/// | builder: the request is none | `Cancelled`: the service has no part in it | no |
/// | connect: refused, no such host, no handshake, connect timeout | `Failed` | no |
/// | the request was [never sent](never_sent) otherwise: an HTTP/2 server has refused it, a connection closed before its turn | `Failed` | no |
/// | timeout | `TimedOut` | yes |
/// | everything else: reset, bad answer, body | `Failed` | yes |
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use buttress::{outcome::Class, reqwest};
///
/// let client = reqwest::builder().no_proxy().build().unwrap();
/// let nowhere = client.get("http://127.0.0.1:1/").send().await.unwrap_err();
/// let outcome = reqwest::outcome(&nowhere);
/// assert_eq!((outcome.class(), outcome.reached()), (Class::Failed, false));
/// # }
/// ```
#[must_use]
pub fn outcome(error: &Error) -> Outcome {
    if error.is_builder() {
        Outcome::CANCELLED.unreached()
    } else if error.is_connect() || never_sent(error) {
        Outcome::FAILED.unreached()
    } else if error.is_timeout() {
        Outcome::TIMED_OUT
    } else {
        Outcome::FAILED
    }
}

/// Reads responses as [`http::ByStatus`] does, and reqwest's errors by [`outcome`].
///
/// ```
/// use buttress::{breaker::{KeyedBreakerLayer, Policy}, reqwest};
///
/// let layer = KeyedBreakerLayer::per_authority(100, &Policy::new()).classify(reqwest::ByStatus);
/// # drop(layer);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ByStatus;

impl<B: Body, E: StdError + 'static> Classify<Response<B>, E> for ByStatus {
    type AtEnd = http::Rest;

    fn classify(&self, result: Result<&Response<B>, &E>) -> Verdict<http::Rest> {
        match result {
            Ok(response) => http::ByStatus.classify(Ok::<_, &E>(response)),
            Err(error) => Verdict::Now(find(error).map_or(Outcome::FAILED, outcome)),
        }
    }
}

/// The error of reqwest in another, itself or somewhere behind it.
fn find<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e Error> {
    let mut chain = std::iter::successors(Some(error), |error| (*error).source());
    chain.find_map(http::plain)
}

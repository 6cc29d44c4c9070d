//! The retry for clients over hyper in one word.

use super::never_sent;
use crate::{
    http::{self, ForRetry, Resend},
    retry::{Policy, RetryLayer},
};

/// [`http::retry`], which knows by [`never_sent`] when a client over hyper has sent nothing.
///
/// A client of hyper-util under a retry:
///
/// ```
/// use buttress::{http::ReplayBody, hyper, over, retry::Policy};
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use hyper_util::{client::legacy::Client, rt::TokioExecutor};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let client = Client::builder(TokioExecutor::new()).build_http::<ReplayBody<Full<Bytes>>>();
/// let client = over(hyper::retry(Policy::new()), client);
/// # drop(buttress::checked::<http::Request<Full<Bytes>>, _>(client));
/// # }
/// ```
///
/// reqwest's:
///
/// ```
/// use buttress::{Lifted, http::ReplayBody, hyper, over, retry::Policy};
/// use http_body_util::Full;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// let reqwest = ServiceBuilder::new()
///     .map_response(http::Response::<reqwest::Body>::from)
///     .map_request(|request: http::Request<ReplayBody<Full<bytes::Bytes>>>| {
///         reqwest::Request::try_from(request.map(reqwest::Body::wrap)).expect("a URI that is a URL")
///     })
///     .service(reqwest::Client::new());
/// let client = over(hyper::retry(Policy::new()), reqwest);
/// # drop(buttress::checked::<http::Request<Full<bytes::Bytes>>, _>(client));
/// ```
///
/// reqwest retries refused streams itself, twice and without a wait, unless `reqwest::retry::never()` tells it not to.
#[must_use]
pub fn retry<C, R>(policy: Policy<C, R>) -> RetryLayer<ForRetry, Resend> {
    http::retry_by(policy, ForRetry::new().never_sent(never_sent), Resend::new())
}

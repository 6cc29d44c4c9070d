//! The retry for HTTP clients in one word.

use super::{ForRetry, Resend};
use crate::{
    http::hosts,
    retry::{Policy, RetryLayer},
};

/// Sends HTTP requests again by this policy, where that is safe: answers are read by [`ForRetry`], requests are kept by
/// [`Resend`], and where the policy names no budget, each host has one.
///
/// Safe where nothing else is said: any method is sent again when nothing reached the service; when something may have, only
/// an idempotent method, or one with an `Idempotency-Key`, and only on 408, 425, 429, 500, 502, 503, 504 or an error.
///
/// The service inside has to take `Request<`[`ReplayBody<B>`](crate::http::ReplayBody)`>`. With hyper-util's client that is
/// its type parameter, as below; for reqwest's, a `map_request` makes `reqwest::Request`s of them, and for tonic's one makes
/// `tonic::body::Body`s. For these three take [`hyper::retry`](crate::hyper::retry), by the feature `hyper`: it knows from their
/// errors when nothing was sent.
///
/// ```
/// use buttress::{Lifted, http, over, retry::Policy};
/// use ::http::Request;
/// # use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
/// # use axum::response::Response;
/// use http_body_util::Full;
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// # static ASKED: AtomicU32 = AtomicU32::new(0);
/// # let client = tower::service_fn(|_: Request<http::ReplayBody<Full<bytes::Bytes>>>| async {
/// #     let status = if ASKED.fetch_add(1, Relaxed) % 2 == 0 { 503 } else { 200 };
/// #     Ok::<_, std::io::Error>(::http::Response::builder().status(status).body(()).unwrap())
/// # });
/// // every other answer of this client is a 503
/// let client = over(http::retry(Policy::new()), client);
///
/// let put = Request::put("http://shop.test/basket").body(Full::from("three apples")).unwrap();
/// assert_eq!(client.clone().oneshot(put).await.unwrap().status(), 200);
/// let post = Request::post("http://shop.test/orders").body(Full::from("pay")).unwrap();
/// assert_eq!(client.oneshot(post).await.unwrap().status(), 503); // it may have been done
/// # }
/// ```
#[must_use]
pub fn retry<C, R>(policy: Policy<C, R>) -> RetryLayer<ForRetry, Resend> {
    retry_by(policy, ForRetry::new(), Resend::new())
}

/// The same with other readings of answers, and other ways of keeping requests. If neither `policy` nor `resend` names a
/// budget, each host has one.
///
/// ```
/// use buttress::{http::{self, ForRetry, Resend}, retry::Policy};
///
/// let layer = http::retry_by(Policy::new().attempts(4), ForRetry::boxed(), Resend::new().cap(1 << 20));
/// # drop(layer);
/// ```
#[must_use]
pub fn retry_by<C, R, V>(
    policy: Policy<C, R>,
    classify: ForRetry<V>,
    resend: Resend,
) -> RetryLayer<ForRetry<V>, Resend> {
    let resend = if policy.names_a_budget() || resend.has_budgets() {
        resend
    } else {
        resend.budgets(&hosts::budgets())
    };
    RetryLayer::new(policy.classify(classify).replay(resend))
}

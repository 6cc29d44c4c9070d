//! The breaker for HTTP clients in one word.

use super::{ByStatus, PerAuthority, per_authority::HOSTS};
use crate::breaker::{KeyedBreakerLayer, Policy};
use std::time::Duration;

/// A circuit for each host that an HTTP client talks to, where one attempt may take `attempt`.
///
/// The trouble: a breaker that takes an HTTP response for a success, whatever its status, never opens; one that lumps all hosts
/// together refuses the healthy for the ill; and one that is not told how long an attempt may take sees a timeout that is not
/// ours (`tokio::time::timeout`, tower-http's, an abort) as a caller who left, and never opens for a host that hangs.
///
/// | what | is | because |
/// |---|---|---|
/// | one circuit | a host: [`per_authority`](super::per_authority()) | hosts fail one by one |
/// | so many hosts | 1000 | far more than most clients talk to; those that come later, while none of these is idle, share one |
/// | read by | [`ByStatus`]: 500, 502, 503, 504 and errors are failures, a good head is judged at the end of its body | a download that breaks off has failed |
/// | given up after | `attempt`, counted from the first time the call has to wait | a shorter one would count callers who were in a hurry; a longer one would not see your timeout |
/// | opens | at half of the calls of 10 s failed, once there were 20; below that, at 5 in a row | one rate for busy hosts, and a run for those that are hardly called: [`Trip::default`](crate::breaker::Trip) |
/// | stays open | 30 s, give or take a tenth | a restart is over by then, and the clients of one host do not come back all at once |
/// | probes | one, answered by the first frame of its body, or by its good head once that is half of the open time old | one more call that fails harms nobody, and nobody waits for the end of a download |
///
/// With other rules, [`KeyedBreakerLayer::per_authority`] and a [`Policy`] of your own; for circuits that are in use,
/// [`Circuits::retune`](crate::breaker::Circuits::retune). With retries, timeouts and bulkheads around it: the stack of a client,
/// [`stack::client`](crate::stack).
///
/// ```
/// use std::time::Duration;
/// use buttress::{breaker::State, http, over};
/// # use axum::{body::Body, response::Response};
/// # use ::http::Request;
/// # use tower::ServiceExt;
///
/// # let hangs = tower::service_fn(|_: Request<Body>| std::future::pending::<Result<Response, std::io::Error>>());
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main_of(hangs: impl tower::Service<Request<Body>, Response = Response, Error = std::io::Error> + Clone) {
/// let second = Duration::from_secs(1);
/// let layer = http::breaker(second);
/// let circuits = layer.circuits().clone();
/// let client = over(layer, hangs); // hyper's, or any service of http requests
///
/// for _ in 0..5 {
///     let get = Request::get("https://hangs.test/").body(Body::empty()).unwrap();
///     assert!(tokio::time::timeout(second, client.clone().oneshot(get)).await.is_err());
/// }
/// assert_eq!(circuits.known("hangs.test").unwrap().state(), State::Open);
/// # }
/// # main_of(hangs);
/// ```
#[must_use]
pub fn breaker(attempt: Duration) -> KeyedBreakerLayer<String, PerAuthority, ByStatus> {
    KeyedBreakerLayer::per_authority(HOSTS, &Policy::new().abandoned_after(attempt))
}

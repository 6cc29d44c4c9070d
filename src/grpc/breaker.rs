//! The breaker for gRPC clients in one word.

use super::ByStatus;
use crate::{
    breaker::{BreakerLayer, Circuit, Policy},
    rejected::Name,
};
use std::time::Duration;

/// A circuit around a channel to one service, where one call may take `attempt` to its first message.
///
/// The trouble: every gRPC response is an HTTP 200, and a breaker that looks at the head alone never opens; a stream that is left
/// when one has seen enough must not count as a failure; and one that never brings a first message must.
///
/// | what | is | because |
/// |---|---|---|
/// | one circuit | for all of the channel | a channel is one service, however many endpoints it balances over, and the requests that a client hands it name no host yet |
/// | read by | [`ByStatus`]: the trailers, as [`Code::outcome`](super::Code::outcome) says; after a first message, a caller who leaves has been served | the head says nothing |
/// | given up after | `attempt`, counted from the first time the call has to wait | a shorter one would count callers who were in a hurry; a longer one would not see a timeout that is not ours. Deadlines that we know of are told apart without it |
/// | opens | at half of the calls of 10 s failed, once there were 20; below that, at 5 in a row | one rate for busy services, and a run for those that are hardly called: [`Trip::default`](crate::breaker::Trip) |
/// | stays open | 30 s, give or take a tenth | a restart is over by then, and the clients of one service do not come back all at once |
/// | probes | one, answered by its first message, or by its trailers | one more call that fails harms nobody, and nobody waits for the end of a stream |
///
/// For a client of many services, a [`KeyedBreakerLayer`](crate::breaker::KeyedBreakerLayer) by what tells them apart, read by
/// [`ByStatus`], under a policy that says [`abandoned_after`](Policy::abandoned_after).
///
/// ```
/// use std::time::Duration;
/// use buttress::{breaker::State, grpc, over};
/// # use axum::{body::Body, response::Response};
/// # use ::http::Request;
/// # use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// # let fails = tower::service_fn(|_: Request<Body>| async {
/// #     Ok::<_, std::io::Error>(Response::builder().header("grpc-status", "14").body(Body::empty()).unwrap())
/// # });
/// let layer = grpc::breaker("stock", Duration::from_secs(1));
/// let circuit = layer.circuit().clone();
/// let client = over(layer, fails); // a tonic channel takes `.layer(layer).layer(grpc::lift())` instead
///
/// for _ in 0..5 {
///     let answer = client.clone().oneshot(Request::new(Body::empty())).await.unwrap();
///     assert_eq!((answer.status().as_u16(), &answer.headers()["grpc-status"]), (200, &"14".parse().unwrap()));
/// }
/// assert_eq!(circuit.state(), State::Open);
/// # }
/// ```
#[must_use]
pub fn breaker(name: impl Into<Name>, attempt: Duration) -> BreakerLayer<ByStatus> {
    BreakerLayer::new(&Circuit::new(name, &Policy::new().abandoned_after(attempt))).classify(ByStatus)
}

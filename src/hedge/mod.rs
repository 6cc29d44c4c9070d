//! A second attempt beside the first, for the calls that take too long.
//!
//! # The trouble
//!
//! A service that answers in five milliseconds takes half a second for one call in a hundred: a pause to collect garbage, a
//! cold cache, a full queue on one of its replicas. A page that is made of a hundred such calls is slow two times out of
//! three. Nothing has failed, so nothing is retried; and the next attempt, on another replica, would have answered at once.
//! A hedge sends it while the first still runs, takes the answer that comes first, and drops the other.
//!
//! # The call
//!
//! ```
//! use std::{io, time::Duration};
//! use buttress::{hedge::HedgeLayer, over};
//! use tower::ServiceExt;
//! # use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! # static CALLS: AtomicU32 = AtomicU32::new(0);
//! # let replicas = tower::service_fn(|_: u32| async {
//! #     let takes = if CALLS.fetch_add(1, Relaxed) == 0 { 500 } else { 5 };
//! #     tokio::time::sleep(Duration::from_millis(takes)).await;
//! #     Ok::<_, io::Error>("found")
//! # });
//! // the first of these takes 500 ms, all others 5
//! let layer = HedgeLayer::after(Duration::from_millis(20)).all_safe();
//! let client = over(layer, replicas);
//!
//! let start = tokio::time::Instant::now();
//! assert_eq!(client.oneshot(7).await.unwrap(), "found");
//! assert_eq!(start.elapsed(), Duration::from_millis(25));
//! # }
//! ```
//!
//! For HTTP, `HedgeLayer::quantile(Ratio::percent(95)).http()` says all of it: which requests may be sent twice, which
//! responses are answers, and when.
//!
//! # When another attempt starts
//!
//! | question | answer |
//! |---|---|
//! | [`after`](HedgeLayer::after) | that long after the attempt before it; zero at once, [`Duration::MAX`](std::time::Duration::MAX) never |
//! | [`quantile`](HedgeLayer::quantile) | once the first takes longer than that share of them; while there have been fewer than 100, never |
//! | counted from | the first `Pending` of the first attempt: a call that is ready at once arms no timer and reads no clock |
//! | an attempt fails, or is timed out | the next starts at once, and those after it keep their delay |
//! | an attempt is throttled, or refused by a layer inside; or a failure says when to come again | no other is started; that is the affair of a retry |
//! | how many | [`max`](HedgeLayer::max), one where nothing is said |
//! | a request that is not [safe](HedgeLayer::safe) to send twice | is sent once, as though there were no hedge |
//! | the [budget](HedgeLayer::budget) has nothing left for it | no other is started for this call |
//! | the deadline of the call would have passed by then | no other is started |
//!
//! # Which answer
//!
//! The first that a [classifier](HedgeLayer::classify) calls `Ok`: an error, or a response with status 500, does not win while
//! another attempt may still do better. Where all have ended without one, the last of them comes back as it was; but what the
//! service has said goes before the refusal of a layer inside. A panic in any attempt passes on.
//!
//! # What is learnt
//!
//! How long first attempts take that were good. One that has lost is counted with the time it had run, which is more than
//! the delay: left out, the slow ones would be missing, and the delay would fall with every hedge that wins. Attempts that
//! failed are not counted, and neither are hedges, nor calls that may not be sent twice.
//!
//! # What it costs the service
//!
//! At a delay that 95 of 100 calls keep, one in twenty is sent twice. But if the service turns slow as a whole, all of them
//! are, and a hedge without a bound doubles the load of a service that cannot carry the half of it. So hedges are paid from a
//! [budget](crate::budget): a tenth of the calls in the long run, whatever happens, and none while it is less than half full,
//! since the lower half is kept for retries. A retry and the hedge inside it should share one: a call puts in its tenth once, and
//! not with each attempt that the hedge is asked for. With [`budgets`](HedgeLayer::budgets) each host or route has its own; for
//! HTTP each host has one where nothing is said.
//!
//! # Where it stands
//!
//! Inside the retry, which comes once no attempt of the race was of use. Outside the timeout of one attempt and outside the
//! breaker, so that each attempt is timed and counted by itself: one that has lost is nobody's failure. Over a balancer, or
//! whatever else sends the second attempt elsewhere; to the same busy replica it is only one more in the queue.
//!
//! # Cancel and clone
//!
//! Dropping the call drops all its attempts. Those that have lost are dropped before the answer is given, and told why by
//! [`cause`](crate::cause): a breaker inside counts them as nothing. The work that a lost attempt has begun on the other side
//! may go on there, which is why a request must be safe to run twice at once.
//!
//! The service has to be `Clone`. The instance that was readied makes the first attempt, and is readied again when a hedge
//! starts, never before. Clones of a layer and its services share what was learnt, and the budget. Nothing is allocated for
//! a call until its first hedge starts.

mod delay;
mod future;
mod layer;
mod others;
mod race;
mod service;
mod shared;
mod spare;

pub use future::ResponseFuture;
pub use layer::{HedgeLayer, Unsaid};
pub use service::Hedge;

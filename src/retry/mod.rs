//! Sending a call again, where that is safe, useful and paid for.
//!
//! # The trouble
//!
//! A connection breaks, a server restarts, one of twenty instances is full: the same call a moment later would have
//! succeeded. So a loop is written around it, and then the loop sends an order twice, hammers a server that asked for ten
//! seconds of peace, goes on for a caller who has gone, and turns a slow minute into an outage, since all clients send three
//! times what the server could not take once.
//!
//! # The call
//!
//! ```
//! use std::{io, sync::atomic::{AtomicU32, Ordering}};
//! use buttress::retry::{Policy, RetryLayer};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! static ASKED: AtomicU32 = AtomicU32::new(0);
//! let stock = tower::service_fn(|request: &'static str| async move {
//!     // the first attempt of each call meets a broken connection
//!     match ASKED.fetch_add(1, Ordering::Relaxed) % 2 {
//!         0 => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
//!         _ => Ok(format!("done: {request}")),
//!     }
//! });
//! let policy = Policy::new().safe(|request: &&str| request.starts_with("read"));
//! let client = buttress::over(RetryLayer::new(policy), stock);
//!
//! assert_eq!(client.clone().oneshot("read 7").await.unwrap(), "done: read 7");
//! assert!(client.oneshot("buy one").await.is_err()); // it may have arrived: it is not sent twice
//! # }
//! ```
//!
//! # What is retried
//!
//! | an attempt ended | another is sent |
//! |---|---|
//! | `Failed`, `Throttled`, `TimedOut` | if the request is safe, or never reached the service |
//! | `Rejected`, by a layer of ours inside | if it never reached the service |
//! | `Panicked`, `Cancelled` | never |
//! | by a deadline (`DeadlinePassed`), not by the limit of one attempt (`TimedOut`) | never: the next would have no time either |
//! | the server asks not to be called again | never |
//!
//! What is safe only the user knows: [`Policy::safe`]. Where nothing is said, only what never reached the service is sent
//! again.
//!
//! | question | answer |
//! |---|---|
//! | attempts | 3, the first included ([`attempts`](Policy::attempts)); 0 is 1 |
//! | the wait | [`Backoff::default`](crate::backoff::Backoff): full jitter, from 50 ms, doubling |
//! | the server, or a layer of ours inside, says how long ([`Outcome::retry_after`](crate::outcome::Outcome::retry_after)) | that is waited for instead, and the backoff begins anew after it |
//! | it says more than 30 s ([`hints`](Policy::hints)) | the call ends with that answer |
//! | the wait is as long as the time left until the [`Deadline`](crate::Deadline), or longer | the call ends with the answer it has |
//! | the budget is empty ([`budget`](Policy::budget)) | the same |
//! | retries run out | the last answer comes out as it came |
//! | a response that fails | is dropped, or drained where [`Dispose`] says so, before the wait: no connection is held through it |
//! | a verdict that comes at the end of a response | is not waited for: what has begun to arrive cannot be taken back. A gRPC status without a message is at the head |
//! | the service is not ready for another attempt | it is waited for, until the deadline; its error ends the call |
//!
//! How a request is kept for another attempt, where it is no plain clone: [`Replay`](crate::replay::Replay).
//!
//! Of the attempts that are sent, each [`Budget`](crate::budget::Budget) lets through 10 and a tenth of the first ones. Several
//! layers over the same service should share one, [hedges](crate::hedge) included: a call puts in its tenth once, however many
//! layers it passes.
//!
//! Listeners hear [`Event::Retry`](crate::telemetry::Event::Retry) for each attempt that is followed by another, and
//! [`Event::RetryEnded`](crate::telemetry::Event::RetryEnded) for each call that comes to an answer; one that is dropped, or cut
//! from outside, has none here.
//!
//! # Where it stands
//!
//! Outside the breaker, the bulkhead and the timeout of one attempt, so that each attempt passes them anew and no slot is held
//! through a wait; inside the timeout of the whole call, whose deadline it knows. It cuts no attempt: a timeout does. Never two
//! of them in one stack: three attempts of three are nine.
//!
//! # Cancel and clone
//!
//! Clones share the policy and the budget. A call that is dropped is dropped where it stands: its attempt, its response or its
//! wait, whichever there is. What it has paid for stays paid. The instance that was ready sends the first attempt and, readied
//! again, those that follow; a clone stays behind in its place, so the service has to be `Clone`.

mod decide;
mod dispose;
mod future;
mod hints;
mod hook;
mod layer;
mod policy;
mod service;
mod shared;
#[cfg(test)]
mod tests;

pub use dispose::Dispose;
pub use future::ResponseFuture;
pub use hints::Hints;
pub use hook::Retrying;
pub use layer::RetryLayer;
pub use policy::Policy;
pub use service::Retry;

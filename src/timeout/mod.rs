//! A limit on how long a call may take.
//!
//! # The trouble
//!
//! A service that hangs is worse than one that fails: each caller waits, holds its own slot and connection meanwhile, and
//! soon the callers hang too.
//!
//! # The call
//!
//! ```
//! use std::time::Duration;
//! use buttress::{Lifted, rejected::Reason, timeout::TimeoutLayer};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! let hangs = tower::service_fn(|_: ()| std::future::pending::<Result<(), std::io::Error>>());
//! let client = buttress::over(TimeoutLayer::new(Duration::from_secs(3)), hangs);
//!
//! let Err(Lifted::Rejected(why)) = client.oneshot(()).await else { panic!("it hangs") };
//! assert_eq!(why.reason(), Reason::TimedOut);
//! assert!(why.reached(), "it may have done its work: do not send it again blindly");
//! # }
//! ```
//!
//! # What is timed
//!
//! From the first `Pending` of the inner future to its answer: a call that is ready at its first poll arms no timer and
//! reads no clock. Readiness is not timed, and neither is the body of an HTTP response (for that there is
//! [`http::BodyTimeoutLayer`](crate::http)). A known [`Deadline`](crate::deadline::Deadline) is absolute; the smaller of
//! the two cuts, and names the reason: [`TimedOut`](crate::rejected::Reason::TimedOut) or
//! [`DeadlinePassed`](crate::rejected::Reason::DeadlinePassed). A call whose deadline has passed is refused before it
//! starts, and the service inside is not even asked whether it is ready.
//!
//! A limit need not be a number: [`per_request`](TimeoutLayer::per_request) reads it from the request, and
//! [`adaptive`](TimeoutLayer::adaptive) learns it from the calls before, within bounds.
//!
//! An answer that comes at the very instant of the limit is an answer. A limit of zero is taken as one millisecond, the
//! grain of the timer; one of [`Duration::MAX`](std::time::Duration::MAX) is no limit, and arms nothing.
//!
//! # Where it stands
//!
//! Inside the retry, as the limit of one attempt, and inside the breaker, so that the breaker sees its cuts. The limit of the
//! whole call, all attempts together, is a [`TotalLayer`] outside of the retry: those inside know it, and the two need one
//! timer between them.
//!
//! # Cancel and clone
//!
//! The inner future is dropped before the answer is given, and told why by [`cause`](crate::cause): a breaker inside
//! records a timeout, not a caller who left. Dropping the future drops the inner one and the timer. Clones share nothing
//! but the listener, and what an adaptive limit has learnt. A panic inside is passed on as a panic.

mod adaptive;
mod future;
mod layer;
mod limit;
mod service;
mod settings;
mod total;
mod watch;

pub use adaptive::{Adaptive, Learning};
pub use future::ResponseFuture;
pub use layer::TimeoutLayer;
pub use limit::{Limit, LiveLimit, PerRequest};
pub use service::Timeout;
pub use total::{Total, TotalFuture, TotalLayer};
pub use watch::{Unwatched, Watch};

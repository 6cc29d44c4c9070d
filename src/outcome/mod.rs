//! What a result means, read once and the same way by every pattern.
//!
//! The trouble: is a 503 a failure? A 429? A stream that answers 200 and ends with `grpc-status: 14`? A call that our own
//! bulkhead refused? If the breaker, the retry and the hedge each decide for themselves, they decide differently. Here
//! one [`Outcome`] says what happened, and each pattern only maps its [`Class`] to an effect:
//!
//! | class | breaker | retry | hedge | adaptive limit |
//! |---|---|---|---|---|
//! | `Ok` | success | stop | wins | sample |
//! | `Failed` | failure | if safe | try next | sample |
//! | `Throttled` | not in the run of failures; counts in the rate | if safe, after the hint | no new hedge | drop |
//! | `TimedOut` | failure; by the caller's own deadline, only if the call ran as long as the attempt timeout | if safe | try next | drop |
//! | `Rejected` (by a layer of ours inside) | ignored | if it reached nothing, after the hint | no | drop |
//! | `Panicked` | failure | never | passes on | ignored |
//! | `Cancelled` | ignored | - | - | ignored |
//!
//! A classifier ([`Classify`]) reads the head of a response, or a plain result, and answers a [`Verdict`]: known `Now`, or
//! `AtEnd` of the response. In the second case the response carries a [`Ticket`] to its end: an HTTP body wrapper settles
//! it at the trailers. The type of the open verdict ([`AtEnd`]) says how, so that no pattern names HTTP, and a response
//! whose verdict is always there with the head keeps its type:
//!
//! ```
//! use buttress::outcome::{By, Class, Classify, Outcome, Verdict};
//!
//! // a classifier on the head: a closure over the result
//! let by = By(|result: Result<&u16, &std::io::Error>| match result {
//!     Ok(status) if *status < 500 => Outcome::OK,
//!     _ => Outcome::FAILED,
//! });
//! let Verdict::Now(outcome) = by.classify(Ok(&503));
//! assert_eq!(outcome.class(), Class::Failed);
//! ```

mod class;
mod classify;
mod dropped;
mod judge;
mod result;
mod ticket;

pub use class::Class;
pub use classify::{By, Classify, ErrorsFail, Verdict};
pub use dropped::Dropped;
pub use judge::{finish, judge};
pub use result::Outcome;
pub use ticket::{AtEnd, Ticket};

//! One budget for everything that is sent a second time.
//!
//! # The trouble
//!
//! A service slows down, and every client sends each call three times: the service, which could not carry one, is asked to
//! carry three, and stays down when the cause has long gone. A maximum of attempts a call does not help, since every call has
//! it; a longer backoff does not, since it only moves the load. What helps is a budget over all calls: while few fail, each
//! may be retried, and when many do, only as many as add a tenth to the load. Hedges are paid from the same one, since the
//! server does not care why it is asked twice.
//!
//! # The call
//!
//! A layer is given a [`Budget`], and others by the same handle share it:
//!
//! ```
//! use buttress::budget::{Budget, Extra};
//!
//! let budget = Budget::new().named("payments");
//! // so does a layer ask, for a thousand calls of which all fail and would be retried three times
//! let mut sent = 0;
//! for _ in 0..1000 {
//!     let mut call = budget.open();
//!     sent += 1 + (0..3).filter(|_| call.take(Extra::Retry)).count();
//! }
//! assert_eq!(sent, 1109); // and not 4000: 10 tokens, and a tenth of one a call; the first found it full
//! ```
//!
//! # The rules
//!
//! | rule | an extra attempt is paid for by | reads a clock |
//! |---|---|---|
//! | [`Bucket`], the default | first attempts, a tenth of a token each, up to 10 | no |
//! | [`Quota`] | successes; costs 14 of 500, 5 after throttling, given back where the retry succeeds (AWS SDKs) | no |
//! | [`Throttle`] | failures take a token, successes give a share; only above half (gRPC) | no |
//! | [`Window`] | a share of the calls of the last ten seconds (Finagle) | yes |
//! | [`Share`] | a share of the attempts that run now | no |
//! | [`Rule::unlimited`] | nobody | no |
//!
//! Take the default unless there is another side to agree with. It is exact: whatever is asked at once, extra attempts are
//! never more than 10 and a tenth of the first ones.
//!
//! # Where it stands
//!
//! One budget for each service behind; where one client talks to many, [`KeyedBudgets`] makes one for each host. It stands in
//! the process: ten processes have ten, and together a tenth more load, as one has.
//!
//! # Cancel and clone
//!
//! Where a hedge inside a retry shares its budget, a call is one first attempt and not two: the retry tells those inside, as far as
//! one task goes (through tower's `Buffer`, or a spawn, each of them puts in for itself).
//!
//! Clones are the same budget. A call keeps a [`Purse`]; a call that is dropped has paid for what it sent, and gives back
//! the places that it held where the rule counts what runs. Nothing is allocated for a call, and nothing locked; where the
//! bucket is full, which it is while nothing fails, nothing is written either.

mod books;
mod bucket;
mod crowd;
mod handle;
mod level;
mod nested;
mod purse;
mod quota;
mod registry;
mod rule;
mod share;
mod span;
mod sync;
#[cfg(test)]
mod tests;
mod throttle;
mod window;

pub use crate::telemetry::Extra;
pub use bucket::Bucket;
pub use handle::Budget;
pub use purse::Purse;
pub use quota::Quota;
pub use registry::KeyedBudgets;
pub use rule::Rule;
pub use share::Share;
pub use throttle::Throttle;
pub use window::Window;

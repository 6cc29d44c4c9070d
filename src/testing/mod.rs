//! The judge: services that count what a layer does to them, and every law as a function over any layer.
//!
//! # The trouble
//!
//! A layer that compiles and answers may still lose a permit when a client hangs up, call a clone that nobody readied,
//! sleep through a wake or keep its state once a connection. None of that shows in a test of what it does; all of it
//! shows at night.
//!
//! # The call
//!
//! A layer is judged in five lines, in a plain `#[test]` of your own CI:
//!
//! ```
//! use std::time::Duration;
//! use buttress::{testing::Subject, timeout::TimeoutLayer};
//!
//! const LIMIT: Duration = Duration::from_secs(1);
//! let report = Subject::new(|| TimeoutLayer::new(LIMIT)).cuts_after(LIMIT).judge();
//! report.assert(); // panics with the whole table if a law is broken
//! # println!("{report}");
//! ```
//!
//! What a layer claims to do is told to the [`Subject`]: how it comes to [refuse](Refusal), how it comes to
//! [make calls wait](Subject::waits), [when it cuts](Subject::cuts_after), that it [calls again](Subject::calls_again), how
//! [allocations are counted](Subject::allocations). A [`Law`] without material is reported as not run, with the reason,
//! never as kept. A layer that deviates on purpose says where: [`Report::assert_breaks`].
//!
//! The laws are those that the layers of this crate keep; [`Law`] lists them. Many are tower's own contract and hold for
//! every layer; some are stricter than tower's (state lives in the layer, nothing is taken in `poll_ready`). What cannot be
//! seen from outside is left to the tests of each pattern: extremes of configuration, bounds of memory, and how a late
//! failure meets a state that is being probed.
//!
//! For unit tests of your own: [`Probe`] counts and does what it is told, [`Script`] answers from a list.
//!
//! # What it does not see
//!
//! Locks, reference counts and clock reads on the admitted path; a leak in a layer with room for more than 32 calls; and
//! what goes wrong only when two threads meet.

mod answer;
mod deadline_in;
mod drive;
mod erased;
mod fault;
#[cfg(feature = "idempotency")]
pub mod key_store;
mod law;
pub mod laws;
mod probe;
mod reply;
mod report;
mod script;
mod seen;
mod stage;
mod subject;
mod verdict;

pub use answer::Answer;
pub use deadline_in::{DeadlineIn, DeadlineInLayer, deadline_in};
pub use erased::Judgeable;
pub use fault::Fault;
pub use law::Law;
pub use probe::{Handle, Probe};
pub use reply::{PANIC, Reply};
pub use report::Report;
pub use script::{Script, Step};
pub use seen::{Counts, Seen};
pub use subject::{Refusal, Subject};
pub use verdict::Verdict;

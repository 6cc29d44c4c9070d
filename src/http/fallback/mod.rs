//! Fallbacks for HTTP: answers that say what they are, and last good answers with their bodies.

mod degraded;
mod keep_body;
mod key;
mod last_good;
mod page;

pub use degraded::{Degraded, Degrading, DegradingFuture};
pub use keep_body::KeepBody;
pub use key::{ByKey, ByUri, RequestKey, UriKey};
pub use last_good::{LastGood, last_good, last_good_by};

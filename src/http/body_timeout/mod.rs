//! Limits on how long the body of a response may take.
//!
//! A timeout on the call ends at the head of the response. A download that trickles, or a stream whose server hangs in
//! mid-body, holds its caller all the same.

mod body;
mod layer;
mod service;

pub use body::TimeoutBody;
pub use layer::BodyTimeoutLayer;
pub use service::{BodyTimeout, BodyTimeoutFuture};

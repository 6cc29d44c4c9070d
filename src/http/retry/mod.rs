//! Sending HTTP requests again: which, after which answers, and how they are kept.

mod classify;
mod kept;
mod preset;
mod resend;
mod safe;

pub use classify::{Boxed, ForRetry, LookInto, Plain};
pub use kept::KeptRequest;
pub use preset::{retry, retry_by};
pub use resend::Resend;

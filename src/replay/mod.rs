//! How a request can be sent once more: what is kept of it, whether it may be, and who pays.
//!
//! The trouble: a retry and a hedge both have to send again what was sent already, and a request is gone once it was sent. To
//! clone it may be dear, or impossible where its body is a stream; and a payment must not be made twice, however well its
//! request was kept.
//!
//! What a protocol has to say of its requests it says once, in a [`Replay`], to [retries](crate::retry) and
//! [hedges](crate::hedge) alike. [`Clones`] does it for any request that is `Clone`: `.safe(|request| ..)` and `.all_safe()` make
//! one. HTTP has its own, for requests whose body is a stream: `http::Resend` for retries, `http::Repeatable` for hedges.

mod by_key;
mod clones;
mod form;
mod payer;

pub use by_key::ByKey;
pub use clones::{Always, Clones, Never, Safe};
pub use form::Replay;
pub use payer::BudgetOf;
pub(crate) use payer::Payer;

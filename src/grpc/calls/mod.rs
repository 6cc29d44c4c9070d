//! Calls by a service config: for each method its limit, and its retry or its hedge.

mod body;
mod classify;
mod coded;
mod future;
mod kept;
mod layer;
mod plans;
mod service;

pub use body::Resend;
pub use classify::ByCodes;
pub use coded::Coded;
pub use future::CallFuture;
pub use kept::{Kept, Messages};
pub use layer::{CallsLayer, calls};
pub use service::Calls;

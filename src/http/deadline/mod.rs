//! Deadlines by header: in, from the caller; and out, to the next hop.

mod layer;
mod millis;
mod send;
mod send_future;
mod send_service;
mod service;
mod wire;

pub use layer::DeadlineLayer;
pub use millis::HeaderMillis;
pub use send::SendDeadlineLayer;
pub use send_future::SendDeadlineFuture;
pub use send_service::SendDeadline;
pub use service::DeadlineService;
#[cfg(feature = "grpc")]
pub(crate) use wire::{Digits, only};
pub use wire::{ReadTimeout, WriteTimeout};

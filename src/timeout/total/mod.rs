//! A limit on the whole call, which those inside know.

mod future;
mod layer;
mod service;
#[cfg(test)]
mod tests;

pub use future::TotalFuture;
pub use layer::TotalLayer;
pub use service::Total;

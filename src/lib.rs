#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
//! Resilience layers for tower services.

pub mod cause;
pub mod clock;
pub mod deadline;
#[cfg(feature = "grpc")]
pub mod grpc;
#[cfg(feature = "http")]
pub mod http;
pub mod outcome;
pub mod rejected;
pub mod telemetry;
pub mod timeout;

pub use deadline::Deadline;
pub use rejected::{Lifted, Rejectable, Rejected, checked, lift, over};

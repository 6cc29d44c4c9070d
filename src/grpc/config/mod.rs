//! gRPC service configs: what each method's calls may take, and how often they are made.
//!
//! The format is that of every gRPC client (JSON), with `methodConfig` and `retryThrottling` read and checked here.

mod at;
mod codes;
mod duration;
mod error;
mod method;
mod policy;
mod service;
mod throttling;

pub use codes::Codes;
pub use error::ConfigError;
pub use method::{MethodConfig, Plan};
pub use policy::{HedgingPolicy, RetryPolicy};
pub use service::ServiceConfig;
pub use throttling::Throttling;

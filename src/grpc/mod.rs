//! What is particular to gRPC: rejections as trailers-only responses, outcomes that come with the trailers, deadlines by
//! `grpc-timeout`, in and out, and calls that go by a service config.
//!
//! A gRPC call that fails is an HTTP 200: its status stands in the trailers, after the last message, or among the
//! headers where there was no message (trailers-only). A layer that looks at the head alone sees only successes.
//!
//! Servers put their stack under [`guard`]; clients of tonic put `grpc::lift()` (feature `tonic`) last in theirs, so that
//! a rejection arrives as a `Status` with the right code. [`deadline`] reads how long a caller waits, and [`send_deadline`] tells
//! the next hop. [`breaker()`] leaves a service alone that does not answer. With the feature `service-config`, `grpc::calls` retries
//! and hedges each method as its config says.
//!
//! | reason | code |
//! |---|---|
//! | `TimedOut`, `DeadlinePassed` | `DEADLINE_EXCEEDED` |
//! | `Open`, `Shed`, `NoEndpoint`, `StoreDown` | `UNAVAILABLE` |
//! | `Full`, `Limited`, `TooLarge` | `RESOURCE_EXHAUSTED` |

mod breaker;
#[cfg(feature = "service-config")]
mod calls;
mod classify;
mod code;
#[cfg(feature = "service-config")]
mod config;
mod guard;
#[cfg(feature = "idempotency")]
mod idempotency;
mod pushback;
mod timeout;

#[cfg(feature = "tonic")]
mod lift;
#[cfg(feature = "tonic")]
mod status;

pub use breaker::breaker;
#[cfg(feature = "service-config")]
pub use calls::{ByCodes, CallFuture, Calls, CallsLayer, Coded, Kept, Messages, Resend, calls};
pub use classify::{ByStatus, Rest};
pub use code::Code;
#[cfg(feature = "service-config")]
pub use config::{
    Codes, ConfigError, HedgingPolicy, MethodConfig, Plan, RetryPolicy, ServiceConfig, Throttling,
};
pub use guard::{Mixed, TrailersOnly, guard, mixed_guard};
#[cfg(feature = "idempotency")]
pub use idempotency::idempotency;
#[cfg(feature = "tonic")]
pub use lift::{StatusLift, StatusLiftFuture, StatusLiftLayer, lift};
pub use pushback::Pushback;
pub use timeout::{GrpcTimeout, deadline, parse_timeout, send_deadline};

//! What the layers decided, told to whoever listens: one [`Event`] a decision, emitted at one place.
//!
//! The trouble: at three in the morning the question is which layer refused, and why. Layers that log and count on their
//! own each do it differently, and cost every call a formatted string nobody reads. Here a layer emits an [`Event`]
//! only where it has decided something, builds it only if somebody listens, and adapters turn it into numbers
//! ([`Metrics`], feature `metrics`) and log lines ([`Tracing`], feature `tracing`). A [span] around each call keeps its
//! lines together ([`SpanLayer`], feature `tracing`).
//!
//! Listen to one layer with its `observe` setter, or to all of them by [`install`], once, in `main`:
//!
//! ```
//! use buttress::telemetry::{self, Event};
//!
//! # #[cfg(all(feature = "metrics", feature = "tracing"))]
//! // both adapters and one of your own
//! telemetry::install((
//!     telemetry::Metrics::new(),
//!     telemetry::Tracing::new(),
//!     |event: &Event<'_>| eprintln!("{event:?}"),
//! ))
//! .expect("nothing was installed before");
//! ```
//!
//! An observer that panics is silenced for that event: a broken listener never breaks a call, and of a tuple the others hear it
//! all the same.

mod again;
mod event;
mod keyed_request;
mod label;
#[cfg(feature = "metrics")]
mod metrics;
mod observer;
#[cfg(feature = "tracing")]
pub mod span;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(feature = "metrics")]
pub use self::metrics::Metrics;
#[cfg(feature = "tracing")]
pub use self::{span::SpanLayer, tracing::Tracing};
pub use again::{Extra, HedgeResult, RetryResult};
pub use event::{CircuitState, Event, FallbackKind, Limit, Why};
pub use keyed_request::IdempotencyOutcome;
pub(crate) use observer::is_installed;
pub use observer::{AlreadyInstalled, Observed, Observer, install};

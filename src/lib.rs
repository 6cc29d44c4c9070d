#![cfg_attr(docsrs, feature(doc_cfg))]
// The pages are made with all features; with fewer, some of what they link to is not there.
#![cfg_attr(not(feature = "full"), allow(rustdoc::broken_intra_doc_links))]
#![forbid(unsafe_code)]
//! Resilience layers for tower services that fit together, cost almost nothing, and are right in the hard cases.
//!
//! A service that calls other services shares their trouble: one that hangs makes its callers hang, a retry repeats what
//! must not be repeated, an overload grows by the answers to itself. Each pattern here is a tower layer against one of
//! these troubles.
//!
//! A client under a limit, with any tower service as the client:
//!
//! ```
//! use std::time::Duration;
//! use buttress::timeout::TimeoutLayer;
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! # let client = tower::service_fn(|name: &'static str| async move { Ok::<_, std::io::Error>(format!("hello {name}")) });
//! let client = buttress::over(TimeoutLayer::new(Duration::from_secs(3)), client);
//! assert_eq!(client.oneshot("world").await.unwrap(), "hello world");
//! # }
//! ```
//!
//! [`over`] is for a service whose errors are not yours to change: they become [`Lifted`], which is what a layer has refused or the
//! service's own error as it was. Where the compiler says no more than that the bounds of `oneshot` or `ready` are not met,
//! [`checked`] makes it name the cause.
//!
//! # The map
//!
//! | pattern | against |
//! |---|---|
//! | [`timeout`] | calls that hang |
//! | [`retry`] | failing where the same call a moment later would have succeeded |
//! | [`breaker`] | calling what does not answer |
//! | [`fallback`] | callers left without an answer where a good enough one is at hand |
//! | [`bulkhead`] | one slow dependency that takes all there is |
//! | [`hedge`] | the one call in a hundred that takes a hundred times as long |
//! | [`idempotency`] | operations that take effect twice because an answer was lost |
//!
//! [`stack`] has the right ones in the right order, for a client and for a server, and a file that tunes them while they run.
//!
//! | what all share | |
//! |---|---|
//! | [`rejected`] | how a layer says no, and how that fits into your error type |
//! | [`outcome`] | what a result means, read once for every pattern |
//! | [`deadline`] | the time that is left for the whole request |
//! | [`keyed`] | one of these for each host or route, at most so many |
//! | [`window`] | the last results, by number or by time, the rates in them, and how long they took |
//! | [`backoff`] | how long to wait before coming again |
//! | [`budget`] | what retries and hedges are paid from, together |
//! | [`replay`] | how a request can be sent once more |
//! | [`cause`] | why a call was dropped |
//! | [`telemetry`] | what the layers decided, as events, numbers and log lines |
//! | [`clock`] | tokio's clock, which tests can pause |
//!
//! # Features
//!
//! None is on by default, and none changes what another does.
//!
//! | feature | adds |
//! |---|---|
//! | `http` | [`http`] and [`stack`]: guard for servers, answers as problem documents, outcomes at the end of the body, deadlines by header, limits on bodies, retries of requests with their bodies |
//! | `grpc` | [`grpc`]: the same for gRPC, by headers and trailers alone |
//! | `service-config` | [`grpc::calls`]: limit, retry and hedge of each gRPC method, from JSON |
//! | `tonic` | `tonic::Status` carries rejections; `grpc::lift()` for clients |
//! | `hyper` | [`hyper`]: whether a request was never sent, by the errors of hyper, hyper-util, reqwest and tonic |
//! | `reqwest` | [`reqwest`]: reqwest's client as a service of plain HTTP requests |
//! | `config` | [`stack`]: the standard stacks from a file, which may change while the service runs |
//! | `idempotency` | [`key`]: idempotency keys and child keys; [`idempotency`]: records of operations; [`store`]: where they are kept; with `http`, the layers for servers and clients |
//! | `sqlite` | [`store::sqlite`]: records in one file |
//! | `postgres` | [`store::postgres`]: records in PostgreSQL, in your own transactions where you like |
//! | `sqlx` | [`store::SqlxStore`]: the same by sqlx, in its transactions |
//! | `redis` | [`store::redis`]: records in Redis or Valkey, best effort |
//! | `metrics` | [`telemetry::Metrics`]: events as numbers, through the `metrics` facade |
//! | `tracing` | [`telemetry::Tracing`]: events as `tracing` events; [`telemetry::SpanLayer`]: one span around each call |
//! | `test-util` | [`testing`]: the judge, which puts any layer through the laws |
//! | `full` | all of these |

// With all that a plain `cargo test` has.
#[cfg(all(doctest, feature = "config", feature = "reqwest", feature = "sqlite", feature = "tonic"))]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod backoff;
pub mod breaker;
pub mod budget;
pub mod bulkhead;
pub mod cause;
pub mod clock;
pub mod deadline;
pub mod fallback;
#[cfg(feature = "grpc")]
pub mod grpc;
pub mod hedge;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "hyper")]
pub mod hyper;
#[cfg(feature = "idempotency")]
pub mod idempotency;
#[cfg(feature = "idempotency")]
pub mod key;
pub mod keyed;
pub mod outcome;
pub mod rejected;
pub mod replay;
#[cfg(feature = "reqwest")]
pub mod reqwest;
pub mod retry;
#[cfg(feature = "http")]
pub mod stack;
#[cfg(feature = "idempotency")]
pub mod store;
pub mod telemetry;
#[cfg(feature = "test-util")]
pub mod testing;
pub mod timeout;
pub mod window;

pub use deadline::Deadline;
pub use rejected::{Lifted, Rejectable, Rejected, checked, lift, over};

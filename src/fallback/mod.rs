//! An answer that is good enough when there is none.
//!
//! # The trouble
//!
//! The recommendations are down, and so the whole page is an error, though the shop could do without them: an empty list,
//! yesterday's list, the list of another region would all have been better. A fallback is that answer. It must not become
//! the answer to everything: one that also stands in for a 500 or a bug hides it, until somebody asks why every customer
//! sees the same list.
//!
//! # The call
//!
//! ```
//! use std::time::Duration;
//! use buttress::{fallback::FallbackLayer, timeout::TimeoutLayer};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! let hangs = tower::service_fn(|_: u64| std::future::pending::<Result<Vec<&str>, std::io::Error>>());
//! let stack = (FallbackLayer::value(vec!["bestseller"]), TimeoutLayer::new(Duration::from_millis(200)));
//! assert_eq!(buttress::over(stack, hangs).oneshot(7).await.unwrap(), ["bestseller"]);
//! # }
//! ```
//!
//! | answers with | |
//! |---|---|
//! | [`value`](FallbackLayer::value) | a clone of a value |
//! | [`function`](FallbackLayer::function), [`of_request`](FallbackLayer::of_request), [`of_result`](FallbackLayer::of_result) | what a function makes of [`Why`], of what it kept of the request, of the result itself |
//! | [`async_function`](FallbackLayer::async_function), [`async_of_request`](FallbackLayer::async_of_request) | the same, taking its time |
//! | [`service`](FallbackLayer::service), [`service_with`](FallbackLayer::service_with) | what another service answers |
//! | [`last_good`](FallbackLayer::last_good) | the last good answer for the same key, within [`Bounds`]; for HTTP [`http::last_good`](crate::http::last_good) |
//! | [`source`](FallbackLayer::source) | a [`Source`] of your own |
//!
//! # What it stands in for
//!
//! By default only for calls that a layer of ours inside has refused or cut: an open circuit, a full bulkhead, shed load, a
//! timeout, a passed deadline. The rest passes through as it was:
//!
//! | class | by default |
//! |---|---|
//! | `Rejected`, `TimedOut` | stood in for |
//! | `Rejected`, being `Limited` or `TooLarge` | not: it tells the caller of its own doing |
//! | `Failed`, `Throttled` | only where [`on`](FallbackLayer::on), [`also_on`](FallbackLayer::also_on) or [`when`](FallbackLayer::when) says so |
//! | `Panicked`, `Cancelled`, `Ok` | never |
//!
//! So it stands in for nothing unless there is a timeout, a breaker or a bulkhead inside. The classifier is that of all
//! patterns; [`http()`](FallbackLayer::http) reads HTTP by status, so that a 503 can be stood in for where `Failed` is
//! named. A verdict that comes only with the end of a body counts as good: what has begun to stream cannot be taken back.
//!
//! A readiness error of the inside passes through `poll_ready`. A fallback that has no answer, whose service fails, or
//! whose time runs out changes nothing: the call ends with what it had before, the very error or response. So fallbacks can
//! stand one in another: the inner one first.
//!
//! # What is counted
//!
//! One [`Event::Fallback`](crate::telemetry::Event) each time a fallback is asked, with its kind and whether it had an
//! answer: `buttress_fallbacks_total` and `buttress_fallbacks_missed_total`. An HTTP response that is a fallback carries
//! [`http::Degraded`](crate::http::Degraded) in its extensions; in other responses, mark it in the value itself.
//!
//! # Where it stands
//!
//! Outside of all that refuses, cuts and retries: it is the last word. Asynchronous functions and services run under the
//! deadline of the call and are cut there; once it has passed they are not asked, while values, functions and last good
//! answers are given all the same. Where there is no deadline nobody cuts them: give the other service a
//! [timeout](crate::timeout) of its own, or put one around the whole stack.
//!
//! Over HTTP the layers inside may have given the body a type of their own: [`http()`](FallbackLayer::http) shows what a
//! fallback answers with then.
//!
//! # Cancel and clone
//!
//! Dropping the future drops whichever runs, the call or the fallback. The inner future is dropped before the fallback is
//! asked, so that it has given back what it held; an inner *response* that is stood in for lives until the fallback has
//! answered. A panic of the inside or of the fallback is passed on as a panic. Clones of a layer and of its services share
//! the last good answers; two layers share none.
//!
//! A call that goes well pays for the clone of the source: nothing for functions that capture nothing, a reference count
//! for values, services and last good answers. The request is cloned only by [`service`](FallbackLayer::service).

mod async_function;
mod bounds;
mod classes;
mod fresh;
mod function;
mod future;
mod last_good;
mod layer;
mod other;
mod service;
mod shelf;
mod source;
mod store;
mod value;
mod why;
mod within;

pub use async_function::{AsyncFunction, AsyncOfRequest};
pub use bounds::Bounds;
pub use function::{Function, OfRequest, OfResult};
pub use future::ResponseFuture;
pub use last_good::{Kept, LastGood};
pub use layer::FallbackLayer;
pub use other::{Ask, Made, MakeRequest, Other, Same};
pub use service::Fallback;
pub use source::{Given, Source};
#[cfg(feature = "http")]
pub(crate) use store::{Signed, Store};
pub use value::Value;
pub use why::Why;
pub use within::Within;

//! One span around a call, so that what its layers do stands under one line.
//!
//! A call that is tried three times, waits between, and is answered by a fallback leaves lines all over a log. Under one span they
//! belong together, and so do the spans that a client makes for its attempts.
//!
//! ```
//! use std::time::Duration;
//! use buttress::{over, retry::{Policy, RetryLayer}, telemetry::SpanLayer};
//! # use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! # let payments = tower::service_fn(|sum: u64| async move { Ok::<_, std::io::Error>(sum) });
//! let stack = (SpanLayer::new("payments"), RetryLayer::new(Policy::new().all_safe()));
//! assert_eq!(over(stack, payments).oneshot(10).await.unwrap(), 10);
//! # }
//! ```
//!
//! # What it says
//!
//! | field | |
//! |---|---|
//! | `otel.name`, `otel.kind` | the name it was given; `internal`: the span of each attempt, as a client, is the client's own |
//! | `http.request.resend_count` | how often it was sent again, whatever the protocol; of the retries that an observer [`Tracing`](super::Tracing) hears |
//! | `rejected` | the reason, where a layer of ours has answered |
//! | `otel.status_code` | `ERROR`, where the call has an error of any kind. What that says is not written down: it may be a secret |
//!
//! Its name is `call`, its target `buttress`, its level `info`. Where nobody listens to that it costs a look at one word.
//!
//! # Where it stands
//!
//! Outermost, around all that is to belong to it. It lasts from the call to the answer, or to the drop of the call, which
//! is within it, too; what comes before in `poll_ready` is not. A response of which the body is still to be read is an answer.
//! Servers have spans by `tower_http::trace`, which knows their routes.
//!
//! Clones are the same: each call has a span of its own in any case.

mod future;
mod layer;
mod service;

pub use future::ResponseFuture;
pub use layer::SpanLayer;
pub use service::Spanned;

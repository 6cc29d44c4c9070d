//! What is particular to HTTP: answers for rejections, outcomes that come with the end of the body, deadlines by header, in
//! and out, limits on bodies, requests that are sent again.
//!
//! A server puts its whole stack under one word, [`guard`]; what a layer refuses or cuts is answered as
//! `application/problem+json`, and the error type of the router stays what it was:
//!
//! ```
//! # use std::time::Duration;
//! use axum::{Router, routing::get};
//! use buttress::{http, timeout::TimeoutLayer};
//!
//! let app: Router = Router::new()
//!     .route("/slow", get(|| std::future::pending::<&str>()))
//!     .layer(http::guard(TimeoutLayer::new(Duration::from_secs(3))));
//! # use tower::ServiceExt;
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main_of(app: Router) {
//! # let answer = app.oneshot(axum::extract::Request::get("/slow").body(axum::body::Body::empty()).unwrap()).await.unwrap();
//! assert_eq!(answer.status(), 504);
//! assert_eq!(answer.headers()["content-type"], "application/problem+json");
//! # }
//! # main_of(app);
//! ```
//!
//! A client sends again what may be sent again, with its body, under one word: [`retry()`]; beside a slow attempt a second one, under
//! another: [`HedgeLayer::http`](crate::hedge::HedgeLayer::http); and it stops calling the hosts that do not answer under a third:
//! [`breaker()`].

mod attempt;
mod body_timeout;
mod breaker;
mod carries_key;
mod classify;
mod deadline;
mod fallback;
mod guard;
mod hedge;
mod hosts;
#[cfg(feature = "idempotency")]
pub mod idempotency;
mod per_authority;
mod problem;
mod refused;
mod repeatable;
mod replay;
mod respond;
mod retry;
mod retry_after;
mod settle;
mod to_end;

pub use attempt::Attempt;
pub use body_timeout::{BodyTimeout, BodyTimeoutFuture, BodyTimeoutLayer, TimeoutBody};
pub use breaker::breaker;
pub use classify::{ByStatus, Rest};
pub use deadline::{
    DeadlineLayer, DeadlineService, HeaderMillis, ReadTimeout, SendDeadline, SendDeadlineFuture,
    SendDeadlineLayer, WriteTimeout,
};
#[cfg(feature = "grpc")]
pub(crate) use deadline::{Digits, only};
pub use fallback::{
    ByKey, ByUri, Degraded, Degrading, DegradingFuture, KeepBody, LastGood, RequestKey, UriKey, last_good,
    last_good_by,
};
pub use guard::{Guard, guard};
#[cfg(feature = "idempotency")]
pub use idempotency::{IdempotencyKeyLayer, IdempotencyLayer, Idempotent, StoredBody, Unscoped};
pub use per_authority::{PerAuthority, per_authority};
pub use problem::{Problem, Render};
pub use refused::refused;
#[cfg(feature = "hyper")]
pub(crate) use refused::{any, plain};
pub use repeatable::Repeatable;
pub use replay::{NoReplay, ReplayBody};
pub use respond::{Respond, RespondFuture, RespondLayer, respond};
pub use retry::{Boxed, ForRetry, KeptRequest, LookInto, Plain, Resend, retry, retry_by};
pub use retry_after::retry_after;
pub use settle::{ReadRest, SettleBody};
pub use to_end::{ToEnd, Unread};

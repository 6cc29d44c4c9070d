//! How a layer says no, and how that fits into the error you already have.
//!
//! The trouble: a resilience layer has to refuse calls, so it needs an error; the service inside has an error of its
//! own; and the next layer outside has to tell the two apart. Boxing everything loses your type, and a type of each
//! layer's own wraps yours once a layer. Here every layer keeps `type Error = S::Error` and asks of it one thing: that it
//! has room for a [`Rejected`] ([`Rejectable`]). Where a foreign error has no room, [`over`] makes some, once for
//! the whole stack:
//!
//! ```
//! # use std::{convert::Infallible, time::Duration};
//! # use buttress::{Lifted, rejected::Reason, timeout::TimeoutLayer};
//! # use tower::{Service, ServiceExt};
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! // any tower service with any error: here one that never answers
//! let client = tower::service_fn(|_: ()| std::future::pending::<Result<(), std::io::Error>>());
//! let mut client = buttress::over(TimeoutLayer::new(Duration::from_secs(3)), client);
//!
//! match client.ready().await.unwrap().call(()).await {
//!     Err(Lifted::Rejected(why)) => assert_eq!(why.reason(), Reason::TimedOut),
//!     other => panic!("an answer of the service itself: {other:?}"),
//! }
//! # }
//! ```
//!
//! - Clients: [`over`]`(stack, client)`. A tonic client: [`grpc::lift`](crate::grpc) last in the stack.
//! - Servers: [`http::guard`](crate::http)`(stack)` or [`grpc::guard`](crate::grpc)`(stack)`, which also answer the
//!   rejection as a response.
//! - An error of your own: one variant and one line, see [`Rejectable`].
//! - A stack whose error is [`BoxError`] needs nothing, and is never lifted.
//!
//! A rejection is found again through any chain of sources by [`Rejected::find`].

mod apart;
mod lift;
mod lifted;
mod name;
mod reason;
mod rejectable;
mod rejection;

pub use apart::Apart;
pub use lift::{Lift, LiftLayer, ResponseFuture, lift, over};
pub use lifted::Lifted;
pub use name::Name;
pub use reason::Reason;
pub use rejectable::{Rejectable, checked};
pub use rejection::Rejected;

/// The error type that tower's own middleware speaks.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

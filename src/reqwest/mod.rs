//! reqwest's client as a tower service of plain HTTP requests and responses.
//!
//! # The trouble
//!
//! `reqwest::Client` is a service of its own request and response types. What is written for `http::Request` (limits by
//! authority, deadlines by header, outcomes to the end of the body) does not see into these, and a body that comes from
//! elsewhere does not fit into them. And it repeats by itself what an HTTP/2 server has refused, out of sight of any budget
//! that stands around it.
//!
//! # The call
//!
//! ```
//! use std::time::Duration;
//! use buttress::{breaker::{KeyedBreakerLayer, Policy}, over, reqwest, timeout::TimeoutLayer};
//! use tower::ServiceExt;
//!
//! # use axum::{Router, routing::post};
//! # use http_body_util::BodyExt;
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let shop = format!("http://{}", listener.local_addr()?);
//! # let app = Router::new().route("/orders", post(|order: String| async move { format!("bought: {order}") }));
//! # tokio::spawn(async move { axum::serve(listener, app).await });
//! let client = reqwest::builder().user_agent("shop").no_proxy().build()?;
//! let by_host = KeyedBreakerLayer::per_authority(100, &Policy::new()).classify(reqwest::ByStatus);
//! let client = over((by_host, TimeoutLayer::new(Duration::from_secs(3))), reqwest::service(client));
//!
//! let request = http::Request::post(format!("{shop}/orders")).body(String::from("two apples"))?;
//! let response = client.oneshot(request).await?;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.into_body().collect().await?.to_bytes(), "bought: two apples"); // it streams
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//!
//! | | |
//! |---|---|
//! | in | `http::Request<B>`, of any body that is `Send` and `Unpin`: `Full`, `Empty`, axum's `Body`, `reqwest::Body` itself. It streams; its length is sent where it is known |
//! | out | `http::Response<reqwest::Body>`: streams, with its trailers |
//! | error | `reqwest::Error`, as it came |
//! | a URI without a scheme and a host | is refused by reqwest, as a builder error |
//! | ready | always; the pool of connections makes no one wait |
//! | what errors mean | [`outcome`], and [`ByStatus`] for the layers |
//!
//! # reqwest's own layers
//!
//! | of reqwest | beside these layers |
//! |---|---|
//! | `.retry(..)` | repeats by default what HTTP/2 servers have refused, up to twice and at once. Under a retry layer each attempt would be up to three. [`builder`] turns it off; a client that was built otherwise, and is used under a retry, should say `.retry(reqwest::retry::never())` |
//! | `.timeout(..)`, `.read_timeout(..)` | cut without telling the layers inside; there are none inside, so they only say `TimedOut` where a limit here says why |
//! | `.connect_timeout(..)` | keep it: shorter than an attempt, it says that nothing was reached, so that anything may be sent again |
//! | `.redirect(..)` | the other host is asked by reqwest itself: the layers count it for the host that was called first. `Policy::none()` where that matters. A 307 or 308 to a request with a body comes back as it is: reqwest cannot send again what streams. An idempotency key goes along wherever it follows |
//! | `.connector_layer(..)` | stands around the making of connections alone: three requests over one connection pass it once |
//!
//! # Cancel and clone
//!
//! Clones share the client and its connections. A response future that is dropped takes its request back: over HTTP/1 the
//! connection is closed, over HTTP/2 the stream is reset.

mod body;
mod future;
mod outcome;
mod service;

pub use future::ResponseFuture;
pub use outcome::{ByStatus, outcome};
pub use service::{Service, builder, service};

//! What is particular to clients over hyper: hyper-util's, reqwest's and tonic's.
//!
//! The trouble: a `POST` failed. Was it sent? To send it again is safe only if it was not, and what tells is buried in the
//! sources of an error: a connection that could not be made, a stream that the server refused, a connection that went away
//! before this stream's turn. [`never_sent`] digs for it:
//!
//! ```
//! use buttress::{hyper::never_sent, outcome::Outcome};
//! use http_body_util::Empty;
//! use hyper_util::{client::legacy::Client, rt::TokioExecutor};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let client = Client::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>();
//! let error = client.get("http://127.0.0.1:1/".parse().unwrap()).await.unwrap_err();
//! assert!(never_sent(&error)); // nobody listens there
//! # }
//! ```

mod never_sent;
mod retry;

pub use never_sent::never_sent;
pub use retry::retry;

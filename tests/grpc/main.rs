//! What is particular to gRPC: service configs, and calls that go by them.
//!
//! Over sockets time is real: what is waited for is short, and nothing is asserted that a slow machine could turn round.

mod breaker;
mod calls;
mod config;
mod standard;
mod tonic;

// Made from ../errors/proto/echo.proto: see there.
#[rustfmt::skip]
#[allow(missing_docs, unreachable_pub, unused_qualifications, dead_code, clippy::all, clippy::pedantic, reason = "generated")]
#[path = "../errors/echo.rs"]
mod echo;

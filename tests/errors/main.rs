//! One way to say no, through eight real stacks: what a user writes in each, and what the caller sees when a layer refuses or
//! cuts the call; and the verdict of every call, through all of them, to the end of its body.
//!
//! Sockets on 127.0.0.1 wait for real events. Where real time is unavoidable (a limit on a socket that never answers) it is
//! short, and nothing is asserted that a slow machine could turn round. Everything else runs on the paused clock.

mod axum_server;
mod buffer;
mod hyper_client;
mod hyper_server;
mod own_enum;
mod reqwest_client;
mod tonic_client;
mod tonic_server;

mod drops;
mod ends_grpc;
mod ends_http;
mod real_breaker;

mod gate;
mod net;
mod parrot;
mod table;

// Made from proto/echo.proto; `checks/proto` makes it anew and compares: BUTTRESS_WRITE=1 cargo test -p buttress-proto
#[rustfmt::skip]
#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all, clippy::pedantic, reason = "generated")]
mod echo;

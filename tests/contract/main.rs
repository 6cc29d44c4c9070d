//! The laws over our own layers: one file a pattern.

mod adapters;
mod affairs;
mod body_timeout;
mod breaker;
mod bulkhead;
mod calls;
#[path = "../counting/mod.rs"]
mod counting;
mod deadline;
mod fallback;
mod grpc;
mod guard;
mod hedge;
mod http_forms;
mod http_retry;
mod idempotency;
mod keyed_breaker;
mod keyed_bulkhead;
mod lift;
mod retry;
mod span;
mod stack;
mod timeout;

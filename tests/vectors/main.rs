//! Tables of figures that other systems publish in their tests and specifications, restated: one test a row.
//!
//! The letters say whence: CB circuit breakers, WN windows and counters, BO backoff, RB retry quotas, HG hedging, BR bodies
//! that are sent again, ID idempotency keys; each row names its source. Where those systems disagree with each other, the test
//! says which behaviour is ours.

mod backoff;
mod bodies;
mod circuits;
mod grpc;
mod hedges;
mod keys;
mod retries;
mod windows;

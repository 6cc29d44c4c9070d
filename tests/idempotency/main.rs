//! The idempotency layer as clients and operators meet it. `row_27_..` is row 27 of the table in docs/idempotency.md.

mod bad;
mod cancel;
mod client;
mod flood;
mod grpc;
mod phases;
mod reconcile;
mod rig;
mod rows_answers;
mod rows_bodies;
mod rows_flight;
mod rows_keys;
mod rows_safety;
mod rows_store;
mod sdks;
mod silence;
mod vectors;

//! By `tokio-postgres`, with the pools of `deadpool-postgres`.

mod link;
mod store;

pub use store::{PgStore, Transaction};

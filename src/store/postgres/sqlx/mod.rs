//! By `sqlx`, with its pools and its transactions.

mod link;
mod store;
mod time;

pub use store::SqlxStore;

//! The questions that every store of records has to answer: for ours, and for your own.
//!
//! The trouble: a store that is almost right loses a payment a month. Its steps look right one by one; what goes wrong is two
//! claims at once, an owner that comes back late, an answer that was lost on the way. Each of these is a function here, by
//! the name of what must be true, over any [`KeyStore`](crate::idempotency::KeyStore):
//!
//! ```
//! use std::time::Duration;
//! use buttress::{store::memory::MemoryStore, testing::key_store::{Stage, facts}};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! let stage = Stage::new(MemoryStore::new(), Duration::from_secs(1));
//! facts::one_of_many_claims_wins(&stage).await;
//! facts::a_late_owner_is_fenced(&stage).await;
//! # }
//! ```
//!
//! [`key_store_facts!`](facts::key_store_facts) makes a test of each. [`Faulty`] stands in front of a store and loses
//! requests and answers.

pub mod facts;
mod faulty;
mod stage;

pub use faulty::{Faults, Faulty};
pub use stage::Stage;

//! Where records of operations are kept: stores for the traits of [`idempotency`](crate::idempotency).
//!
//! The trouble: whoever remembers which operations are done has to survive what the operations survive. A store in memory
//! forgets with its process, one over the network can be away, and one that evicts under pressure makes payments happen
//! twice in silence. So each store here says what it does not promise:
//!
//! | store | not promised |
//! |---|---|
//! | [`memory`] | anything after a restart, anything across nodes |
//! | [`sqlite`] | more than one host; files on a network |
//! | [`postgres`] | more than the server itself: a failover without synchronous replicas loses records as anything else |
//! | [`redis`] | that a record outlives a failover: best effort, and said so by its type |
//!
//! ```
//! use std::time::Duration;
//! use buttress::{
//!     idempotency::{Attempt, Claim, Ending, Fingerprint, Hold, KeyStore, OnLeaseOver, RecordId, Scope, Terms},
//!     key::Key,
//!     store::memory::MemoryStore,
//! };
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = MemoryStore::new();
//! let id = RecordId::new(Scope::new("payments", b"tenant 7"), &Key::new("a1")?);
//! let terms = Terms::new(Duration::from_secs(30), Duration::from_secs(86_400), OnLeaseOver::Park);
//! let attempt = Attempt::new(Fingerprint::of(["POST", "/payments", "10"]), terms);
//!
//! let Claim::Mine { token, .. } = store.claim(id, attempt).await? else { panic!("nobody has it") };
//! let hold = Hold { id, token, nonce: attempt.nonce };
//! store.finish(hold, Ending::Released, Duration::from_secs(60)).await?;
//! # Ok(()) }
//! ```

pub mod memory;
mod plan;
#[cfg(any(feature = "postgres", feature = "sqlx"))]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlx"))]
mod swap;

#[cfg(feature = "postgres")]
pub use postgres::PgStore;
#[cfg(feature = "sqlx")]
pub use postgres::SqlxStore;
#[cfg(feature = "redis")]
pub use redis::RedisStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

//! Records in the memory of the process: for one node, for tests, and in front of what needs no more.
//!
//! The trouble: duplicates come within seconds, and a round trip to a database for each request is a price that not every
//! endpoint has to pay. A map would do, until it grows without bound, forgets what it must not, or stands behind one lock.
//! Here records stand in 64 shards, each behind a lock of its own that is never held over an await.
//!
//! ```
//! use buttress::store::memory::MemoryStore;
//!
//! let store = MemoryStore::new().max_records(50_000).max_bytes(32 << 20);
//! assert_eq!(store.len(), 0);
//! ```
//!
//! | question | answer |
//! |---|---|
//! | how many records | at most [`max_records`](MemoryStore::max_records), 100 000 by default |
//! | how much memory | [`max_bytes`](MemoryStore::max_bytes), 64 MiB by default, counted as the answers, the recovery points and [`RECORD_BYTES`] for each record. Over it no new record is made; what runs may store its answer all the same, since its effect has happened |
//! | what happens there | a new operation is refused, as [`Full`](crate::idempotency::Trouble::Full). Nothing that runs or that could still be asked for ever makes room for another |
//! | when a record leaves | a lease after its time to live, by a purge, or when room is needed, of the store or in the quota of a tenant |
//! | the clock | tokio's: monotonic, and it can be paused |
//! | waiters | are woken by the end of the attempt, and at the end of its lease |
//! | a clone | is the same store |

mod bell;
mod changes;
mod found;
mod handle;
mod room;
mod shard;
mod sync;
mod tenants;

pub use handle::MemoryStore;
pub use room::RECORD_BYTES;

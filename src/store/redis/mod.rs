//! Records in Redis or Valkey: quick, shared by many hosts, and best effort.
//!
//! # Read this first
//!
//! **Deduplication here is best effort; across a failover it is at least once.** Redis acknowledges before a replica has the record.
//! A primary that dies takes along what its replica has not got, and what was done may be claimed and done again. So does a
//! restart, by up to a second of records where the file is synced each second, and by all where there is none. `WAIT` makes the gap
//! narrower and does not close it, since a wait that times out undoes nothing; locks over several servers do not help
//! either, because the number that would fence the former owner is lost with the record.
//!
//! Use it where doing something twice is a nuisance and not a loss. For the rest there are SQLite and PostgreSQL, which
//! are [`Durable`](crate::idempotency::Durable); this store is not, and code that asks for that does not take it.
//!
//! It needs a server, and so this is compiled and not run:
//!
//! ```no_run
//! use buttress::store::RedisStore;
//!
//! # async fn run() -> Result<(), buttress::idempotency::StoreError> {
//! let store = RedisStore::connect("redis://127.0.0.1/").await?;
//! # drop(store);
//! # Ok(()) }
//! ```
//!
//! # What is promised
//!
//! - One script a step, one round trip; a claim that finds something other than a first claim or a running one takes two.
//! - All times are the server's.
//! - One hash a record, so that a cluster keeps each in one place.
//! - A server that throws out records to make room would forget what was done: [`RedisStore::connect`] refuses one whose
//!   `maxmemory-policy` is not `noeviction`.
//! - A record that is gone is told apart from one that another attempt owns: [`Lost::Gone`](crate::idempotency::Lost::Gone).
//! - Records vanish by themselves when their time is over, so that purging does nothing. So does the list of a tenant's records, which is
//!   kept where there is a quota.

mod fields;
mod script;
mod store;

pub use store::RedisStore;

//! Records in PostgreSQL: for services on many hosts, and for handlers whose effects are in that database anyway.
//!
//! The trouble: two nodes get the same request at the same instant, and only something that both ask can tell them apart. If
//! that is the database in which the payment is written, there is more to be had: the payment and the knowledge of it
//! commit together, or not at all, and no crash comes between them.
//!
//! Two stores speak to one table: `PgStore` by `tokio-postgres` and the pools of `deadpool-postgres` (feature `postgres`), and
//! `SqlxStore` by `sqlx` (feature `sqlx`), for whoever has his own statements there. Some nodes may have the one and some the other.
//!
//! # Three ways to use it
//!
//! - **Two steps**: a claim before the handler, a finish after it, each one round trip that commits by itself. What the layer
//!   does when nothing else is said. A crash in between leaves a record whose outcome is unknown.
//! - **Finish in the transaction of the application** ([`InTx`](crate::idempotency::InTx)): the claim commits before, so that others are
//!   told at once that it runs; the end commits with the effects. An attempt that was taken over meanwhile is
//!   [`Fenced`](crate::idempotency::Lost::Fenced), and its transaction has to be rolled back. A crash leaves no trace of effects, so
//!   the next attempt may simply run.
//! - **Claim in the transaction, too** (`claim_in`): nothing is seen from outside until it commits. Another claim of the
//!   same record waits for that, at most as long as `lock_timeout` says, and meanwhile holds a connection.
//!
//! # What is promised
//!
//! - All times are the server's (`clock_timestamp()`), read in the statement that they are for.
//! - A claim is one statement, also under a race: exactly one wins. Everything beyond the first claim is decided by
//!   [`Record`](crate::idempotency::Record) and written only if the row is still what it was decided upon.
//! - The key itself is never sent, only its hash.
//! - No feature of a session is used but prepared statements. So it works behind a pooler of transactions that knows those: `PgBouncer`
//!   from 1.21 on, with `max_prepared_statements` over 0.
//! - What has been committed is as durable as the server is set up to be; a failover without synchronous replicas loses
//!   records as it loses anything else.
//! - Any isolation level will do. In a transaction of yours that is repeatable read or serializable, a renewal between its first look
//!   and its end is a serialization failure ([`Lost::Store`](crate::idempotency::Lost::Store)), as any other change of the row would be:
//!   roll back, and make the transaction again.
//!
//! # Upkeep
//!
//! `migrate` makes the table `buttress_idem`, or brings it to this version; it does nothing where that is done, and refuses a newer
//! one. Purge from time to time ([`KeyStore::purge`](crate::idempotency::KeyStore::purge)); several nodes may do so at once.

#[cfg(feature = "postgres")]
mod deadpool;
mod link;
mod rows;
mod schema;
mod sql;
#[cfg(feature = "sqlx")]
mod sqlx;
mod steps;
mod store;

#[cfg(feature = "postgres")]
pub use self::deadpool::{PgStore, Transaction};
#[cfg(feature = "sqlx")]
pub use self::sqlx::SqlxStore;

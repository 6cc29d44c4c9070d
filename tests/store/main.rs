//! Stores of records: what is true of every one of them, and what each promises beside.

#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite", feature = "sqlx"))]
mod common;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlx")]
mod sqlx;

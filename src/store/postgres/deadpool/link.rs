//! Statements by `tokio-postgres`, and its troubles as ours.

use super::super::{
    link::{Columns, Link, Value, columns_by_read},
    rows::unreadable,
};
use crate::idempotency::{StoreError, Trouble};
use deadpool_postgres::Object;
use std::time::SystemTime;
use tokio_postgres::{
    Error, Row,
    error::SqlState,
    types::{FromSql, ToSql, Type},
};

impl Value<'_> {
    fn of_the_driver(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text,
            Self::Flag(flag) => flag,
            Self::Small(number) => number,
            Self::Big(number) => number,
            Self::Time(time) => time,
        }
    }

    const fn kind(&self) -> Type {
        match self {
            Self::Bytes(_) => Type::BYTEA,
            Self::Text(_) => Type::TEXT,
            Self::Flag(_) => Type::BOOL,
            Self::Small(_) => Type::INT2,
            Self::Big(_) => Type::INT8,
            Self::Time(_) => Type::TIMESTAMPTZ,
        }
    }
}

fn params<'a>(values: &'a [Value<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(Value::of_the_driver).collect()
}

fn kinds(values: &[Value<'_>]) -> Vec<Type> {
    values.iter().map(Value::kind).collect()
}

/// A connection that the pool has lent. A statement is prepared once for each.
pub(super) struct Lent(pub(super) Object);

impl Link for Lent {
    type Row = Row;

    async fn ask(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let statement = self.0.prepare_typed_cached(sql, &kinds(values)).await.map_err(trouble)?;
        self.0.query(&statement, &params(values)).await.map_err(trouble)
    }

    async fn run(&self, sql: &'static str) -> Result<(), StoreError> {
        self.0.batch_execute(sql).await.map_err(trouble)
    }
}

impl Link for deadpool_postgres::Transaction<'_> {
    type Row = Row;

    async fn ask(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepare_typed_cached(sql, &kinds(values)).await.map_err(trouble)?;
        self.query(&statement, &params(values)).await.map_err(trouble)
    }

    async fn run(&self, sql: &'static str) -> Result<(), StoreError> {
        self.batch_execute(sql).await.map_err(trouble)
    }
}

/// Parsed each time, in the same round trip.
impl Link for tokio_postgres::Transaction<'_> {
    type Row = Row;

    async fn ask(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let typed: Vec<_> = params(values).into_iter().zip(kinds(values)).collect();
        self.query_typed(sql, &typed).await.map_err(trouble)
    }

    async fn run(&self, sql: &'static str) -> Result<(), StoreError> {
        self.batch_execute(sql).await.map_err(trouble)
    }
}

columns_by_read!(Row, SystemTime);

fn read<'a, T: FromSql<'a>>(row: &'a Row, column: &str) -> Result<T, StoreError> {
    row.try_get(column).map_err(unreadable)
}

/// What the server or the way to it says, as the trouble that it is.
pub(super) fn trouble(error: Error) -> StoreError {
    let full = [&SqlState::DISK_FULL, &SqlState::OUT_OF_MEMORY];
    let trouble = match error.code() {
        Some(code) if full.contains(&code) => Trouble::Full,
        _ => Trouble::Unavailable,
    };
    StoreError::new(trouble, error)
}

//! Statements by `sqlx`, and its troubles as ours.

use super::{
    super::{
        link::{Columns, Link, Value, columns_by_read},
        rows::unreadable,
    },
    time::At,
};
use crate::idempotency::{StoreError, Trouble};
use sqlx::{Decode, Error, Executor as _, PgConnection, Postgres, Row as _, Type, postgres::PgRow};
use std::{ops::DerefMut, time::SystemTime};
use tokio::sync::Mutex;

/// A connection of the pool, or the one of a transaction: `sqlx` wants it for itself while a statement runs. Nobody else ever
/// waits for it, since a step makes one statement after another.
pub(super) struct One<C>(Mutex<C>);

impl<C> One<C> {
    pub(super) fn new(connection: C) -> Self {
        Self(Mutex::new(connection))
    }
}

/// A statement is prepared once for each connection, unless its options say that it shall keep none.
impl<C: DerefMut<Target = PgConnection> + Send> Link for One<C> {
    type Row = PgRow;

    async fn ask(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<PgRow>, StoreError> {
        let mut query = sqlx::query(sql);
        for value in values {
            query = match *value {
                Value::Bytes(bytes) => query.bind(bytes),
                Value::Text(text) => query.bind(text),
                Value::Flag(flag) => query.bind(flag),
                Value::Small(number) => query.bind(number),
                Value::Big(number) => query.bind(number),
                Value::Time(time) => query.bind(At(time)),
            };
        }
        query.fetch_all(&mut **self.0.lock().await).await.map_err(trouble)
    }

    async fn run(&self, sql: &'static str) -> Result<(), StoreError> {
        // By the connection's own method: what `raw_sql` returns is not known to be `Send`.
        self.0.lock().await.execute(sqlx::raw_sql(sql)).await.map(drop).map_err(trouble)
    }
}

columns_by_read!(PgRow, At);

fn read<'a, T: Decode<'a, Postgres> + Type<Postgres>>(row: &'a PgRow, column: &str) -> Result<T, StoreError> {
    row.try_get(column).map_err(unreadable)
}

/// What the server or the way to it says, as the trouble that it is.
pub(super) fn trouble(error: Error) -> StoreError {
    const FULL: [&str; 2] = ["53100", "53200"];
    let trouble = match code(&error) {
        Some(code) if FULL.contains(&&*code) => Trouble::Full,
        _ => Trouble::Unavailable,
    };
    StoreError::new(trouble, error)
}

pub(super) fn code(error: &Error) -> Option<std::borrow::Cow<'_, str>> {
    error.as_database_error()?.code()
}

//! Where statements go, whichever crate speaks to the server: a connection, or a transaction of the application.

use crate::idempotency::StoreError;
use std::time::SystemTime;

/// What a statement is given. Its kind is its type at the server, so that nobody has to ask which it is.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Bytes(Option<&'a [u8]>),
    Text(&'a str),
    Flag(bool),
    Small(i16),
    Big(i64),
    Time(SystemTime),
}

/// Something that runs a statement.
pub(super) trait Link: Sync {
    type Row: Columns + Send + Sync;

    fn ask(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<Self::Row>, StoreError>> + Send;

    /// Several statements, which are given nothing and answer nothing.
    fn run(&self, sql: &'static str) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A row that came back: each column as what it is at the server.
pub(super) trait Columns {
    fn bytes(&self, column: &str) -> Result<Option<&[u8]>, StoreError>;
    fn text(&self, column: &str) -> Result<Option<String>, StoreError>;
    fn flag(&self, column: &str) -> Result<bool, StoreError>;
    fn small(&self, column: &str) -> Result<i16, StoreError>;
    fn big(&self, column: &str) -> Result<i64, StoreError>;
    fn time(&self, column: &str) -> Result<SystemTime, StoreError>;
}

/// `Columns` for a row whose `read` gives any of these types; `$time` is what a time is read as.
macro_rules! columns_by_read {
    ($row:ty, $time:ty) => {
        impl Columns for $row {
            fn bytes(&self, column: &str) -> Result<Option<&[u8]>, StoreError> {
                read(self, column)
            }

            fn text(&self, column: &str) -> Result<Option<String>, StoreError> {
                read(self, column)
            }

            fn flag(&self, column: &str) -> Result<bool, StoreError> {
                read(self, column)
            }

            fn small(&self, column: &str) -> Result<i16, StoreError> {
                read(self, column)
            }

            fn big(&self, column: &str) -> Result<i64, StoreError> {
                read(self, column)
            }

            fn time(&self, column: &str) -> Result<SystemTime, StoreError> {
                read::<$time>(self, column).map(SystemTime::from)
            }
        }
    };
}

pub(super) use columns_by_read;

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(Some(bytes))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Some(bytes))
    }
}

impl<'a> From<Option<&'a [u8]>> for Value<'a> {
    fn from(bytes: Option<&'a [u8]>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<i16> for Value<'_> {
    fn from(number: i16) -> Self {
        Self::Small(number)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Big(number)
    }
}

impl From<SystemTime> for Value<'_> {
    fn from(time: SystemTime) -> Self {
        Self::Time(time)
    }
}

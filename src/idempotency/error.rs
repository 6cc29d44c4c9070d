//! How a store says that it could not do what was asked.

use std::{error::Error, fmt};

/// A store that could not answer, and why.
///
/// ```
/// use buttress::idempotency::{StoreError, Trouble};
///
/// let down = StoreError::new(Trouble::Unavailable, std::io::Error::other("connection refused"));
/// assert_eq!(down.trouble(), Trouble::Unavailable);
/// assert_eq!(down.to_string(), "the store cannot be reached");
/// assert_eq!(std::error::Error::source(&down).unwrap().to_string(), "connection refused");
/// ```
#[derive(Debug)]
pub struct StoreError {
    trouble: Trouble,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What kept a store from answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trouble {
    /// It cannot be reached, or did not answer in time. Whether what was asked has been done nobody knows.
    Unavailable,
    /// It has no room for another record. Nothing was done.
    Full,
    /// This tenant has as many records as it may have. Nothing was done.
    Quota,
    /// What it holds cannot be read here: damaged, or written by a newer version. Nothing was done.
    Unreadable,
}

impl Trouble {
    /// As a metric label or log field: one of a closed set.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Full => "full",
            Self::Quota => "quota",
            Self::Unreadable => "unreadable",
        }
    }
}

impl StoreError {
    /// That trouble, as the store's client library has told it.
    pub fn new(trouble: Trouble, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { trouble, source: Some(source.into()) }
    }

    /// What kept it from answering.
    #[must_use]
    pub const fn trouble(&self) -> Trouble {
        self.trouble
    }
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        Self { trouble, source: None }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.trouble {
            Trouble::Unavailable => "the store cannot be reached",
            Trouble::Full => "the store is full",
            Trouble::Quota => "over the quota of the tenant",
            Trouble::Unreadable => "the record cannot be read",
        })
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Why an owner could not do something with its record.
#[derive(Debug)]
#[non_exhaustive]
pub enum Lost {
    /// The record is somebody else's by now, or was settled otherwise. What this attempt has to say counts no more.
    Fenced,
    /// There is no such record: it was lost by the store (evicted, failed over), or has expired.
    Gone,
    /// The store could not answer. Whether it was done nobody knows: ask again, with the same.
    Store(StoreError),
}

impl From<StoreError> for Lost {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fenced => f.write_str("another attempt owns the record"),
            Self::Gone => f.write_str("the record is gone"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl Error for Lost {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Fenced | Self::Gone => None,
            Self::Store(error) => error.source(),
        }
    }
}

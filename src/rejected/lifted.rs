//! The error of a lifted stack: a rejection, or what the service itself said.

use super::{Rejectable, Rejected};
use std::{error::Error, fmt};

/// Either a layer's rejection or the inner error, untouched. Flat over any number of layers.
///
/// `Display` and `source` are those of what is inside: a lifted error reads in a log as the error it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lifted<E> {
    /// A layer said no.
    Rejected(Rejected),
    /// The service's own error, as it came.
    Inner(E),
}

impl<E> Lifted<E> {
    /// The service's own error.
    ///
    /// # Errors
    /// The rejection, where there is no error of the service.
    pub fn into_inner(self) -> Result<E, Rejected> {
        match self {
            Self::Inner(error) => Ok(error),
            Self::Rejected(rejected) => Err(rejected),
        }
    }
}

impl<E> From<Rejected> for Lifted<E> {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl<E> Rejectable for Lifted<E> {
    fn as_rejected(&self) -> Option<Rejected> {
        match self {
            Self::Rejected(rejected) => Some(rejected.clone()),
            Self::Inner(_) => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for Lifted<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejected) => rejected.fmt(f),
            Self::Inner(error) => error.fmt(f),
        }
    }
}

impl<E: Error + 'static> Error for Lifted<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Rejected(rejected) => rejected.source(),
            Self::Inner(error) => error.source(),
        }
    }
}

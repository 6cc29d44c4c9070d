//! Why a configuration is refused, and which field it is.

use std::{error::Error, fmt};

/// A configuration that is refused: the first thing that is wrong in it, with the path of the field.
///
/// ```
/// use buttress::stack;
///
/// let mut config = stack::Config::default();
/// config.client.retry.attempts = 0;
/// let error = config.check().unwrap_err();
/// assert_eq!((error.path(), error.problem()), ("client.retry.attempts", "is 0, and must be at least 1"));
/// assert_eq!(error.to_string(), "client.retry.attempts: is 0, and must be at least 1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    path: String,
    problem: String,
}

impl ConfigError {
    pub(super) fn new(path: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self { path: path.into(), problem: problem.to_string() }
    }

    /// Where: `client.retry.attempts`. Empty for the document itself.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What: `is 0, and must be at least 1`.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.path {
            "" => write!(f, "the configuration {}", self.problem),
            path => write!(f, "{path}: {}", self.problem),
        }
    }
}

impl Error for ConfigError {}

//! What is wrong with a service config, and where.

use std::{error::Error, fmt};

/// A service config that is refused: the first thing that is wrong in it, with the path of the field.
///
/// ```
/// use buttress::grpc::ServiceConfig;
///
/// let json = r#"{"methodConfig": [{"name": [{"service": "pay.v1.Pay"}], "timeout": "3"}]}"#;
/// let error = ServiceConfig::parse(json).unwrap_err();
/// assert_eq!(error.path(), "methodConfig[0].timeout");
/// assert!(error.to_string().starts_with("methodConfig[0].timeout: is not a time"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    path: String,
    problem: String,
}

impl ConfigError {
    pub(super) fn new(path: String, problem: impl fmt::Display) -> Self {
        Self { path, problem: problem.to_string() }
    }

    /// Where: `methodConfig[2].retryPolicy.maxAttempts`. Empty for the document itself.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.path {
            "" => write!(f, "the service config {}", self.problem),
            path => write!(f, "{path}: {}", self.problem),
        }
    }
}

impl Error for ConfigError {}

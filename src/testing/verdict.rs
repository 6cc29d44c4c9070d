//! What one law says of one layer.

use std::fmt;

/// What one law says of one layer; read from a [`Report`](super::Report), where an example stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The law holds.
    Kept,
    /// It does not, and how that was seen.
    Broken(String),
    /// It was not run, and why: for want of material, or because another law failed before.
    NotRun(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => f.write_str("kept"),
            Self::Broken(how) => write!(f, "BROKEN: {how}"),
            Self::NotRun(why) => write!(f, "not run: {why}"),
        }
    }
}

pub(super) fn broken(how: impl Into<String>) -> Verdict {
    Verdict::Broken(how.into())
}

pub(super) fn not_run(why: impl Into<String>) -> Verdict {
    Verdict::NotRun(why.into())
}

//! Every decision that a layer can tell of.

use crate::rejected::Reason;

/// A decision of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A call was refused before it reached the service.
    #[non_exhaustive]
    Rejected {
        /// The layer or host.
        name: &'a str,
        /// Why.
        reason: Reason,
    },
    /// A call, or the body of its response, was cut by a limit.
    #[non_exhaustive]
    TimedOut {
        /// The layer.
        name: &'a str,
        /// Which limit.
        limit: Limit,
    },
}

/// Which limit has cut a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// The layer's own, on the way to the response.
    Call,
    /// The deadline that the caller brought along.
    Deadline,
    /// The layer's own, on the way to the end of the body.
    Body,
    /// The longest silence between two frames of a body.
    Idle,
}

impl<'a> Event<'a> {
    /// A call was refused before it reached the service.
    #[must_use]
    pub const fn rejected(name: &'a str, reason: Reason) -> Self {
        Self::Rejected { name, reason }
    }

    /// A call was cut.
    #[must_use]
    pub const fn timed_out(name: &'a str, limit: Limit) -> Self {
        Self::TimedOut { name, limit }
    }

    /// The layer or host that it speaks of.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        match self {
            Self::Rejected { name, .. } | Self::TimedOut { name, .. } => name,
        }
    }
}

impl Limit {
    /// The limit as a metric label or log field: one of a closed set.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Deadline => "deadline",
            Self::Body => "body",
            Self::Idle => "idle",
        }
    }
}

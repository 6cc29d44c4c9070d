//! The closed list of reasons for which a layer says no.

use std::fmt;

/// Why a call was rejected.
///
/// How each is answered to a caller over the wire:
///
/// | reason | HTTP | gRPC |
/// |---|---|---|
/// | `TimedOut`, `DeadlinePassed` | 504 | `DEADLINE_EXCEEDED` |
/// | `Open` | 503, `Retry-After` | `UNAVAILABLE` |
/// | `Full` | 503, `Retry-After` | `RESOURCE_EXHAUSTED` |
/// | `Shed` | 503, `Retry-After` | `UNAVAILABLE` |
/// | `Limited` | 429, `Retry-After` | `RESOURCE_EXHAUSTED` |
/// | `NoEndpoint`, `StoreDown` | 503 | `UNAVAILABLE` |
/// | `TooLarge` | 413 | `RESOURCE_EXHAUSTED` |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The circuit is open.
    Open,
    /// No free slot, and no room or time to wait for one.
    Full,
    /// Over the rate that was agreed.
    Limited,
    /// Shed under overload.
    Shed,
    /// The layer's own limit has passed.
    TimedOut,
    /// The deadline that the caller brought along has passed.
    DeadlinePassed,
    /// Nowhere to send it.
    NoEndpoint,
    /// A store that the answer depends on cannot be reached.
    StoreDown,
    /// A request or a response over the size that is kept.
    TooLarge,
}

impl Reason {
    /// The reason as a metric label or log field: one of a closed set.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Full => "full",
            Self::Limited => "limited",
            Self::Shed => "shed",
            Self::TimedOut => "timed_out",
            Self::DeadlinePassed => "deadline_passed",
            Self::NoEndpoint => "no_endpoint",
            Self::StoreDown => "store_down",
            Self::TooLarge => "too_large",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "the circuit is open",
            Self::Full => "no free slot",
            Self::Limited => "over the rate limit",
            Self::Shed => "shed under overload",
            Self::TimedOut => "timed out",
            Self::DeadlinePassed => "the deadline has passed",
            Self::NoEndpoint => "no endpoint to send to",
            Self::StoreDown => "the store cannot be reached",
            Self::TooLarge => "too large",
        })
    }
}

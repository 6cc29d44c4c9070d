//! What is told of attempts beyond the first.

/// What sends a request again, and what a budget is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Extra {
    /// An attempt after one that did not succeed.
    Retry,
    /// An attempt beside one that is still running.
    Hedge,
}

impl Extra {
    /// What it is, as a metric label or log field: one of a closed set.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Hedge => "hedge",
        }
    }
}

/// How a call that may be retried came to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryResult {
    /// The first attempt succeeded.
    First,
    /// A later attempt succeeded.
    Recovered,
    /// There were as many attempts as there may be.
    Exhausted,
    /// The last attempt ended in a way that is never retried: a panic, a rejection of what had reached the service.
    Final,
    /// The server asked not to be called again.
    ToldNotTo,
    /// The request may have arrived, and is not known to be safe to send twice.
    Unsafe,
    /// It could not be kept for another attempt: it was too large, or could be read only once.
    Unkept,
    /// The server asked for a longer wait than the policy allows.
    HintTooLong,
    /// The wait would have been longer than the time that is left.
    NoTime,
    /// The budget could not pay.
    NoBudget,
}

impl RetryResult {
    /// What it is, as a metric label or log field: one of a closed set.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Recovered => "recovered",
            Self::Exhausted => "exhausted",
            Self::Final => "final",
            Self::ToldNotTo => "told_not_to",
            Self::Unsafe => "unsafe",
            Self::Unkept => "unkept",
            Self::HintTooLong => "hint_too_long",
            Self::NoTime => "no_time",
            Self::NoBudget => "no_budget",
        }
    }
}

/// What became of an attempt beside another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HedgeResult {
    /// Its answer was the answer of the call.
    Won,
    /// Another answer came before its own.
    Lost,
    /// It ended, and its answer was none.
    Failed,
    /// The call was cut, or its caller left.
    Cancelled,
}

impl HedgeResult {
    /// What it is, as a metric label or log field: one of a closed set.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Won => "won",
            Self::Lost => "lost",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

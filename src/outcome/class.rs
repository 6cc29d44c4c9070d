//! The seven kinds of ending a call can have.

/// What kind of ending a call had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// The service did its work, also where the answer is a refusal of the request (a 404).
    Ok,
    /// A layer of ours inside said no: it tells nothing about the service.
    Rejected,
    /// The service asks for less (429, `RESOURCE_EXHAUSTED`).
    Throttled,
    /// The service failed.
    Failed,
    /// Nothing came in time.
    TimedOut,
    /// The service panicked.
    Panicked,
    /// The caller left: nobody's fault.
    Cancelled,
}

impl Class {
    /// The class in three bits.
    #[inline]
    pub(crate) const fn bits(self) -> u8 {
        self as u8
    }

    /// The class of those bits.
    #[inline]
    pub(crate) const fn of_bits(bits: u8) -> Self {
        match bits & Self::BITS {
            0 => Self::Ok,
            1 => Self::Rejected,
            2 => Self::Throttled,
            3 => Self::Failed,
            4 => Self::TimedOut,
            5 => Self::Panicked,
            _ => Self::Cancelled,
        }
    }

    /// The three.
    pub(crate) const BITS: u8 = 7;

    /// The class as a metric label or log field: one of a closed set.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Rejected => "rejected",
            Self::Throttled => "throttled",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Panicked => "panicked",
            Self::Cancelled => "cancelled",
        }
    }
}

//! What can come of a request with an idempotency key.

/// What has come of a request with an idempotency key, or of one that should have had one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdempotencyOutcome {
    /// It ran, and its answer is to be stored.
    Stored,
    /// It ran, nothing has happened, and the key is free again.
    Released,
    /// It ran, and nobody knows what has happened.
    Parked,
    /// It was answered as it was the first time.
    Replayed,
    /// Somebody else runs it.
    InFlight,
    /// It was asked for again, and nobody knows what has happened.
    Unknown,
    /// The key belongs to another request.
    Mismatch,
    /// No key where one is required.
    Missing,
    /// What stands there is no key.
    Invalid,
    /// No key where none is required: it ran unprotected.
    Bypassed,
    /// The store was in trouble, and it was refused.
    StoreDown,
    /// The store was in trouble, and it ran unprotected.
    FailedOpen,
    /// So many run that no other may begin.
    Full,
    /// Over the quota of its tenant.
    Quota,
    /// Its body is over what is read.
    TooLarge,
    /// Another attempt has taken over.
    Fenced,
    /// Its answer went out, and could not be stored in time.
    Unstored,
    /// Its answer is over what is kept: who asks again learns that it is done, and not what it was.
    NotRetained,
    /// A record has a fingerprint by a rule that is not known here: it was not compared.
    NotCompared,
    /// What is stored of it is compressed, and will be given to all who ask again, whatever they accept: the layer stands outside of
    /// what compresses, and belongs inside.
    Encoded,
    /// Its deadline has passed before the service was ready: nothing was claimed.
    DeadlinePassed,
}

impl IdempotencyOutcome {
    /// As a metric label or log field: one of a closed set.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Released => "released",
            Self::Parked => "parked",
            Self::Replayed => "replayed",
            Self::InFlight => "in_flight",
            Self::Unknown => "unknown",
            Self::Mismatch => "mismatch",
            Self::Missing => "missing",
            Self::Invalid => "invalid",
            Self::Bypassed => "bypassed",
            Self::StoreDown => "store_down",
            Self::FailedOpen => "failed_open",
            Self::Full => "full",
            Self::Quota => "quota",
            Self::TooLarge => "too_large",
            Self::Fenced => "fenced",
            Self::Unstored => "unstored",
            Self::NotRetained => "not_retained",
            Self::NotCompared => "not_compared",
            Self::Encoded => "encoded",
            Self::DeadlinePassed => "deadline_passed",
        }
    }
}

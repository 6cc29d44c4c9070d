//! What happens when a handler is run again: the one thing that nobody but its author knows.

use super::Outcome;

/// What running a handler again would do. There is no default: no layer can guess it.
///
/// | | a 5xx that the handler gave | an owner that vanished |
/// |---|---|---|
/// | `SameTx` | the key is released, a retry runs again | the next attempt takes over |
/// | `Keyed` | the key is released, a retry runs again | the next attempt takes over |
/// | `Plain` | stored and replayed | parked: nobody knows what has happened, and nobody runs it again |
///
/// In all three, an answer that says that nothing was begun (a rejection that never reached anything, an outcome set by the
/// handler itself) releases the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effects {
    /// Every effect commits in one transaction with the record, or not at all.
    SameTx,
    /// Effects elsewhere carry keys derived from this one ([`children`](super::RecordId::children)), and whoever receives
    /// them keeps those keys at least as long as ours are retried.
    Keyed,
    /// Effects that may happen twice if the handler runs twice.
    Plain,
}

impl Effects {
    /// What becomes of a running record whose owner has let its lease run out.
    #[must_use]
    pub const fn on_lease_over(self) -> OnLeaseOver {
        match self {
            Self::SameTx | Self::Keyed => OnLeaseOver::Takeover,
            Self::Plain => OnLeaseOver::Park,
        }
    }

    /// Whether a handler that has failed half-way may simply run again.
    #[must_use]
    pub const fn can_rerun(self) -> bool {
        matches!(self, Self::SameTx | Self::Keyed)
    }

    /// What an attempt has come to that broke off: an error, a panic, a part of an answer.
    #[must_use]
    pub const fn of_a_break(self) -> Outcome {
        if self.can_rerun() { Outcome::NotStarted } else { Outcome::Unknown }
    }
}

/// What becomes of a running record whose lease is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnLeaseOver {
    /// The next claim takes it over, under a higher token.
    Takeover,
    /// It is parked: its outcome is unknown until somebody says what it was.
    Park,
}

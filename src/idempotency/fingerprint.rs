//! Whether two requests under one key ask for the same.

use super::id::Short;
use crate::key::{Context, context};
use std::fmt;

static CONTEXT: Context = context!("buttress idempotency fingerprint v1");

/// What a request asks for, as 32 bytes and the number of the rule by which they were made.
///
/// A key that comes again with another request is a mistake of the client, and answering it with what the first one got
/// would hide it. Compared in constant time: a body may hold secrets, and how long a comparison takes tells of them.
///
/// ```
/// use buttress::idempotency::{Fingerprint, Match};
///
/// let pay = |amount: &str| Fingerprint::of([b"POST".as_slice(), b"/payments", amount.as_bytes()]);
/// assert_eq!(pay("10").against(&pay("10")), Match::Same);
/// assert_eq!(pay("10").against(&pay("99")), Match::Different);
/// ```
///
/// # The rule
///
/// BLAKE3 in the mode `derive_key`, with the context `buttress idempotency fingerprint v1`, over the fields in order, each
/// with its length in bytes in front, as 8 bytes, little endian. This is rule 1; another rule gets another number, and
/// fingerprints by different rules are not compared: see [`Match::OtherRule`].
#[derive(Clone, Copy)]
pub struct Fingerprint {
    rule: u8,
    digest: [u8; 32],
}

/// What comes of comparing two fingerprints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// The same request.
    Same,
    /// Another one.
    Different,
    /// Nobody can tell: the recorded one was made by this other rule, before or after an upgrade. Make one by that rule,
    /// if it is still known, else compare [`Fingerprint::ANY`].
    OtherRule(u8),
}

impl Fingerprint {
    /// The rule by which fingerprints are made here.
    pub const RULE: u8 = 1;

    /// Is the same as any other: where a recorded one cannot be compared, or nothing is to be.
    pub const ANY: Self = Self { rule: 0, digest: [0; 32] };

    /// Of the fields of a request, by rule 1.
    pub fn of<F: AsRef<[u8]>>(fields: impl IntoIterator<Item = F>) -> Self {
        Self { rule: Self::RULE, digest: CONTEXT.digest(fields) }
    }

    /// As a store has kept it.
    #[must_use]
    pub const fn from_parts(rule: u8, digest: [u8; 32]) -> Self {
        Self { rule, digest }
    }

    /// The rule by which it was made; 0 for [`ANY`](Self::ANY).
    #[must_use]
    pub const fn rule(&self) -> u8 {
        self.rule
    }

    /// The bytes, for a store to keep.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Compares this one, of a request that has come now, with a recorded one.
    #[must_use]
    pub fn against(&self, recorded: &Self) -> Match {
        match (self.rule, recorded.rule) {
            (0, _) | (_, 0) => Match::Same,
            (own, other) if own != other => Match::OtherRule(other),
            // `blake3::Hash` compares in constant time.
            _ if blake3::Hash::from(self.digest) == blake3::Hash::from(recorded.digest) => Match::Same,
            _ => Match::Different,
        }
    }
}

/// The front of it only: who knows all of it could try bodies against it.
impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({} by rule {})", Short(&self.digest), self.rule)
    }
}

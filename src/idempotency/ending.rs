//! How an attempt ends, and what is kept of one that did not.

use super::{RecordId, State, Stored};
use std::{fmt, time::Duration};

/// How an attempt has ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// Done, and this is the answer for all who ask again.
    Done(Stored),
    /// Nothing has happened: the next attempt may run.
    Released,
    /// Nobody knows whether it has happened: parked until somebody says.
    Unknown,
}

impl Ending {
    /// For stores: the state that the record comes to, and the answer that is kept with it.
    ///
    /// ```
    /// use buttress::idempotency::{Ending, State};
    ///
    /// let (to, answer) = Ending::Released.into_parts();
    /// assert!(to == State::Released && answer.is_none());
    /// ```
    #[must_use]
    pub fn into_parts(self) -> (State, Option<Stored>) {
        match self {
            Self::Done(answer) => (State::Done, Some(answer)),
            Self::Released => (State::Released, None),
            Self::Unknown => (State::Unknown, None),
        }
    }
}

/// How a parked record is settled by hand.
#[derive(Clone, Debug)]
pub enum Resolution {
    /// It was done, and this is the answer for all who ask again.
    Done(Stored),
    /// It was not: the next attempt may run.
    NotDone,
}

impl Resolution {
    /// For stores: the state that the record comes to, and the answer that is kept with it.
    ///
    /// ```
    /// use buttress::idempotency::{Resolution, State};
    ///
    /// let (to, answer) = Resolution::NotDone.into_parts();
    /// assert!(to == State::Released && answer.is_none());
    /// ```
    #[must_use]
    pub fn into_parts(self) -> (State, Option<Stored>) {
        match self {
            Self::Done(answer) => (State::Done, Some(answer)),
            Self::NotDone => (State::Released, None),
        }
    }
}

/// How far an attempt has come: the name of its last finished phase, and what whoever goes on needs to know.
///
/// What it holds is the handler's own, so `Debug` shows the size only.
#[derive(Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The last finished phase.
    pub point: String,
    /// What the handler keeps with it.
    pub payload: Vec<u8>,
}

impl Recovery {
    /// At that point, with those bytes.
    pub fn new(point: impl Into<String>, payload: impl Into<Vec<u8>>) -> Self {
        Self { point: point.into(), payload: payload.into() }
    }
}

impl fmt::Debug for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recovery").field("point", &self.point).field("bytes", &self.payload.len()).finish()
    }
}

/// A record whose outcome nobody knows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Parked {
    /// Which.
    pub id: RecordId,
    /// Of which attempt; whoever resolves it shows this, so that a newer attempt is not settled by mistake.
    pub token: u64,
    /// How long ago the attempt was last heard of.
    pub age: Duration,
    /// How far it had come.
    pub recovery: Option<Recovery>,
}

impl Parked {
    /// A parked record.
    #[must_use]
    pub const fn new(id: RecordId, token: u64, age: Duration, recovery: Option<Recovery>) -> Self {
        Self { id, token, age, recovery }
    }
}

//! What a record is, and what becomes of it by every event: the one place that all stores agree with.
//!
//! | is | event | becomes |
//! |---|---|---|
//! | absent, or expired | claim | running, a new life under the next token |
//! | any other | claim with another fingerprint | as it was: mismatch |
//! | running, leased | claim by the same nonce | as it was, with a new lease: the claim's answer was lost |
//! | running, leased | claim | as it was: busy |
//! | running, lease over, both say takeover | claim | running, under the next token |
//! | running, lease over, either says park | claim | unknown |
//! | released | claim | running, under the next token |
//! | done, unknown | claim | as it was |
//! | running | renew, finish by its token and nonce | a new lease; done, released or unknown |
//! | unknown | finish by its token and nonce | done or released: its owner has come back, and knows |
//! | done, released, unknown | the same finish again | as it was: the finish's answer was lost |
//! | unknown, or running with its lease over under park | resolve by its token | done or released, of nobody |
//! | done, released of nobody | the same resolve again | as it was: its answer was lost |
//! | any, more than a lease after it has expired | purge | absent |

use super::{Attempt, Fingerprint, Hold, Match, Moment, Nonce, OnLeaseOver, claim};
use std::time::Duration;

/// Everything about a record but its answer and its recovery point, which a store keeps beside.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Record {
    /// What was asked for.
    pub fingerprint: Fingerprint,
    /// Where it stands.
    pub state: State,
    /// The number of the attempt: one more with each that begins, and never less, as long as the record is there.
    pub token: u64,
    /// Whose claim the attempt was.
    pub nonce: Nonce,
    /// What becomes of it when the lease runs out, as the attempt has said.
    pub on_lease_over: OnLeaseOver,
    /// How long the attempt's leases are.
    pub lease: Duration,
    /// Until when it is leased, while it runs.
    pub lease_until: Moment,
    /// From when on it counts no more. For a running one this lies behind the end of its lease.
    pub expires_at: Moment,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// An attempt runs.
    Running,
    /// The answer is there.
    Done,
    /// An attempt has ended, and nothing has happened.
    Released,
    /// An attempt has ended, and nobody knows what has happened.
    Unknown,
}

impl State {
    /// As a store keeps it: 0 running, 1 done, 2 released, 3 unknown.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Running => 0,
            Self::Done => 1,
            Self::Released => 2,
            Self::Unknown => 3,
        }
    }

    /// From a store; `None` for a number that means nothing here.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Running),
            1 => Some(Self::Done),
            2 => Some(Self::Released),
            3 => Some(Self::Unknown),
            _ => None,
        }
    }
}

/// What a claim does to a record.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum OnClaim {
    /// A new life: write this, with no answer and no recovery point.
    Begin(Record),
    /// The next attempt: write this, and keep the recovery point.
    Resume(Record),
    /// The same claim again: write this, and keep the recovery point.
    Again(Record),
    /// Write this: it is parked from now on. The answer is [`Claim::Unknown`](super::Claim::Unknown).
    Park(Record),
    /// Write nothing: give back the answer.
    Done,
    /// Write nothing: somebody has it, for that long.
    Busy(Duration),
    /// Write nothing: nobody knows.
    Unknown,
    /// Write nothing: it is another request.
    Mismatch,
    /// Write nothing: the recorded fingerprint is by this rule.
    OtherRule(u8),
}

/// What an owner's word does to a record.
#[derive(Clone, Copy, Debug)]
pub enum OnHold {
    /// Write this.
    Write(Record),
    /// It was done before, and the answer was lost: write nothing, all is well.
    Before,
    /// Write nothing: it is not this owner's to say.
    Fenced,
}

impl Record {
    /// A record as a store has kept it.
    #[expect(clippy::too_many_arguments, reason = "one for each column")]
    #[must_use]
    pub const fn from_parts(
        fingerprint: Fingerprint,
        state: State,
        token: u64,
        nonce: Nonce,
        on_lease_over: OnLeaseOver,
        lease: Duration,
        lease_until: Moment,
        expires_at: Moment,
    ) -> Self {
        Self { fingerprint, state, token, nonce, on_lease_over, lease, lease_until, expires_at }
    }

    /// What `attempt` does where `record` is what the store has.
    #[must_use]
    pub fn claim(record: Option<&Self>, now: Moment, attempt: &Attempt) -> OnClaim {
        let Some(record) = record else { return OnClaim::Begin(Self::begun(1, now, attempt)) };
        if record.is_expired(now) {
            return OnClaim::Begin(Self::begun(record.token.saturating_add(1), now, attempt));
        }
        match attempt.fingerprint.against(&record.fingerprint) {
            Match::Same => {}
            Match::Different => return OnClaim::Mismatch,
            Match::OtherRule(rule) => return OnClaim::OtherRule(rule),
        }
        match record.state {
            State::Running if record.nonce == attempt.nonce => {
                OnClaim::Again(record.leased(now, attempt.terms.lease()))
            }
            State::Running if now < record.lease_until => OnClaim::Busy(record.lease_until.since(now)),
            State::Running if record.is_taken_over_by(attempt) => {
                OnClaim::Resume(record.resumed(now, attempt))
            }
            State::Running => OnClaim::Park(Self { state: State::Unknown, ..*record }),
            State::Released => OnClaim::Resume(record.resumed(now, attempt)),
            State::Done => OnClaim::Done,
            State::Unknown => OnClaim::Unknown,
        }
    }

    /// What a sign of life does.
    #[must_use]
    pub fn renew(&self, now: Moment, hold: &Hold, lease: Duration) -> OnHold {
        match self.state {
            State::Running if self.is_of(hold) => OnHold::Write(self.leased(now, lease)),
            _ => OnHold::Fenced,
        }
    }

    /// What the end of an attempt does: `to` is done, released or unknown.
    #[must_use]
    pub fn finish(&self, now: Moment, hold: &Hold, to: State, ttl: Duration) -> OnHold {
        let may_settle = matches!(self.state, State::Running | State::Unknown);
        if !self.is_of(hold) || to == State::Running {
            OnHold::Fenced
        } else if self.state == to {
            OnHold::Before
        } else if may_settle {
            OnHold::Write(self.settled(now, to, ttl))
        } else {
            OnHold::Fenced
        }
    }

    /// Whether an owner may write a recovery point.
    #[must_use]
    pub fn may_set_recovery(&self, hold: &Hold) -> bool {
        self.state == State::Running && self.is_of(hold)
    }

    /// What a word from outside does about the parked attempt `token`: `to` is done or released.
    #[must_use]
    pub fn resolve(&self, now: Moment, token: u64, to: State, ttl: Duration) -> OnHold {
        if self.token != token || !matches!(to, State::Done | State::Released) {
            OnHold::Fenced
        } else if self.is_parked(now) {
            // A former owner that wakes up is fenced from now on.
            OnHold::Write(Self { nonce: Nonce::NOBODY, ..self.settled(now, to, ttl) })
        } else if self.state == to && self.nonce == Nonce::NOBODY {
            OnHold::Before
        } else {
            OnHold::Fenced
        }
    }

    /// Whether nobody knows what has become of it, written down as such or not yet.
    #[must_use]
    pub fn is_parked(&self, now: Moment) -> bool {
        let left = || now >= self.lease_until && self.on_lease_over == OnLeaseOver::Park;
        !self.is_expired(now) && (self.state == State::Unknown || self.state == State::Running && left())
    }

    /// Whether it counts no more. A leased one always does.
    #[must_use]
    pub fn is_expired(&self, now: Moment) -> bool {
        let leased = self.state == State::Running && now < self.lease_until;
        !leased && now >= self.expires_at
    }

    /// Whether it may be deleted: expired for so long that no attempt of before can still be on its way.
    #[must_use]
    pub fn is_purgeable(&self, now: Moment) -> bool {
        self.is_expired(now) && now >= self.expires_at.after(self.lease)
    }

    /// Whether it is this owner's.
    fn is_of(&self, hold: &Hold) -> bool {
        self.token == hold.token && self.nonce == hold.nonce
    }

    /// Both have to say that running it again does no harm: the attempt that was left, and the one that would go on.
    fn is_taken_over_by(&self, attempt: &Attempt) -> bool {
        let both = [self.on_lease_over, attempt.terms.on_lease_over()];
        both.into_iter().all(|word| word == OnLeaseOver::Takeover)
    }

    fn begun(token: u64, now: Moment, attempt: &Attempt) -> Self {
        let lease = attempt.terms.lease();
        let lease_until = now.after(lease);
        Self {
            fingerprint: attempt.fingerprint,
            state: State::Running,
            token,
            nonce: attempt.nonce,
            on_lease_over: attempt.terms.on_lease_over(),
            lease,
            lease_until,
            expires_at: lease_until.after(attempt.terms.ttl()),
        }
    }

    /// The next attempt at the same operation.
    fn resumed(&self, now: Moment, attempt: &Attempt) -> Self {
        let fingerprint =
            if attempt.fingerprint.rule() == 0 { self.fingerprint } else { attempt.fingerprint };
        Self { fingerprint, ..Self::begun(self.token.saturating_add(1), now, attempt) }
    }

    /// With a lease from now on, never a shorter one than it has, and as much time behind it as before.
    fn leased(&self, now: Moment, lease: Duration) -> Self {
        let lease_until = now.after(lease).max(self.lease_until);
        let behind = self.expires_at.since(self.lease_until);
        Self { lease_until, expires_at: lease_until.after(behind), ..*self }
    }

    fn settled(&self, now: Moment, to: State, ttl: Duration) -> Self {
        Self { state: to, expires_at: now.after(claim::ttl(ttl)), ..*self }
    }
}

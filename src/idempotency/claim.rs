//! Asking for an operation, and what a store answers.

use super::{Fingerprint, Nonce, OnLeaseOver, RecordId, Recovery, Stored};
use crate::clock;
use std::time::Duration;

/// One attempt to run an operation: what a claim carries.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// What the request asks for.
    pub fingerprint: Fingerprint,
    /// Which claim this is. Sent again after a lost answer, it stays.
    pub nonce: Nonce,
    /// On what terms the record is held.
    pub terms: Terms,
}

impl Attempt {
    /// An attempt with a nonce of its own.
    #[must_use]
    pub fn new(fingerprint: Fingerprint, terms: Terms) -> Self {
        Self { fingerprint, nonce: Nonce::fresh(), terms }
    }

    /// The same with that nonce.
    #[must_use]
    pub const fn nonce(mut self, nonce: Nonce) -> Self {
        self.nonce = nonce;
        self
    }
}

/// On what terms a running record is held.
///
/// ```
/// use std::time::Duration;
/// use buttress::idempotency::{OnLeaseOver, Terms};
///
/// let terms = Terms::new(Duration::from_secs(30), Duration::from_secs(86_400), OnLeaseOver::Park);
/// assert_eq!(terms.lease(), Duration::from_secs(30));
/// // any duration is one that works
/// let odd = Terms::new(Duration::ZERO, Duration::MAX, OnLeaseOver::Takeover);
/// assert!(odd.lease() > Duration::ZERO && odd.ttl() < Duration::MAX);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    lease: Duration,
    ttl: Duration,
    on_lease_over: OnLeaseOver,
    quota: Option<Quota>,
}

/// The longest lease: who renews it wants a short one.
const LONGEST_LEASE: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest time that a record is kept: thirty years, which every store's clock can hold.
const LONGEST_TTL: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

/// A time to live that every store's clock can hold.
pub(crate) fn ttl(ttl: Duration) -> Duration {
    ttl.clamp(clock::GRAIN, LONGEST_TTL)
}

impl Terms {
    /// `lease`: how long the record is the owner's without a sign of life; one millisecond to one day. `ttl`: how long after
    /// the lease the record is kept if its owner never comes back; one millisecond to thirty years. What lies outside is
    /// taken as the nearest.
    #[must_use]
    pub fn new(lease: Duration, ttl: Duration, on_lease_over: OnLeaseOver) -> Self {
        let lease = lease.clamp(clock::GRAIN, LONGEST_LEASE);
        Self { lease, ttl: self::ttl(ttl), on_lease_over, quota: None }
    }

    /// With a quota of the tenant, asked only where a new record would be made.
    #[must_use]
    pub const fn quota(mut self, quota: Quota) -> Self {
        self.quota = Some(quota);
        self
    }

    /// How long the record is the owner's without a sign of life.
    #[must_use]
    pub const fn lease(&self) -> Duration {
        self.lease
    }

    /// How long a record is kept that its owner never finished, from the end of its lease.
    #[must_use]
    pub const fn ttl(&self) -> Duration {
        self.ttl
    }

    /// What becomes of the record when the lease runs out.
    #[must_use]
    pub const fn on_lease_over(&self) -> OnLeaseOver {
        self.on_lease_over
    }

    /// The quota, if there is one.
    #[must_use]
    pub const fn quota_of_scope(&self) -> Option<Quota> {
        self.quota
    }
}

/// How much of a store one [`Scope`](super::Scope) may fill. Counted when a record is made: claims at the same instant may go a little over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Records that have not expired. In memory one counts for a lease longer, until it leaves.
    pub records: u64,
    /// Bytes of their stored answers.
    pub bytes: u64,
}

/// What a store answers to a claim.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Claim {
    /// The operation is yours to run.
    #[non_exhaustive]
    Mine {
        /// Which attempt it is, higher than of any before. Shown with the nonce at every step after.
        token: u64,
        /// How far an attempt before has come.
        recovery: Option<Recovery>,
    },
    /// It was done, and this was the answer.
    Done(Stored),
    /// Somebody runs it, and has this much of a lease left.
    #[non_exhaustive]
    Busy {
        /// Until its lease is over, if it gives no sign of life.
        remaining: Duration,
    },
    /// Nobody knows whether it was done.
    Unknown,
    /// The key belongs to another request.
    Mismatch,
    /// The recorded fingerprint was made by this rule, so that there is no telling; nothing was changed. Claim again with a
    /// fingerprint by that rule, or with [`Fingerprint::ANY`].
    OtherRule(u8),
}

impl Claim {
    /// An operation to run.
    #[must_use]
    pub const fn mine(token: u64, recovery: Option<Recovery>) -> Self {
        Self::Mine { token, recovery }
    }

    /// Somebody else's, for that long.
    #[must_use]
    pub const fn busy(remaining: Duration) -> Self {
        Self::Busy { remaining }
    }
}

/// What an owner shows at every step after its claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Which record.
    pub id: RecordId,
    /// Which attempt.
    pub token: u64,
    /// Whose claim it was.
    pub nonce: Nonce,
}

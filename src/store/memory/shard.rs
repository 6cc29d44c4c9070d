//! Some of the records, behind one lock: decides by [`Record`], keeps what it says, and takes the time as given.

use super::{
    super::plan::{How, Plan, plan},
    bell::Bell,
    found::{AsItIs, Found},
    room::{RECORD_BYTES, Room},
    tenants::Tenants,
};
use crate::idempotency::{
    Attempt, Claim, Hold, Lost, Moment, OnClaim, OnHold, Parked, Record, RecordId, Recovery, Scope, State,
    Stored, Trouble,
};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, hash_map::Entry},
};

#[derive(Debug, Default)]
pub(super) struct Shard {
    slots: HashMap<Found, Slot, AsItIs>,
    expiry: Expiry,
}

/// When to look whether a record has expired. One entry of each record counts, the one that it names itself; the others
/// are [tidied away](Shard::tidy) before they are many.
type Expiry = BinaryHeap<Reverse<(Moment, Found)>>;

#[derive(Debug)]
struct Slot {
    record: Record,
    stored: Option<Stored>,
    recovery: Option<Box<Recovery>>,
    bell: Option<Bell>,
    /// The last word of its owner.
    heard_at: Moment,
    /// Its entry in the queue of expiry.
    looked_at: Moment,
    /// Counted among those of its tenant.
    by_quota: bool,
}

/// So many entries that count no more are never in the way.
const FEW: usize = 32;

/// What is counted over all shards.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) room: Room,
    pub(super) tenants: Tenants,
}

/// When it can be deleted, as things stand.
fn leaves_at(record: &Record) -> Moment {
    record.expires_at.after(record.lease)
}

impl Slot {
    fn bytes(&self) -> usize {
        let recovery =
            self.recovery.as_ref().map_or(0, |recovery| recovery.point.len() + recovery.payload.len());
        RECORD_BYTES + self.answer_bytes() + recovery
    }

    fn answer_bytes(&self) -> usize {
        self.stored.as_ref().map_or(0, |stored| stored.as_bytes().len())
    }

    /// Changes it, and what it counts.
    fn change<T>(&mut self, scope: &Scope, counts: &Counts, change: impl FnOnce(&mut Self) -> T) -> T {
        let (before, answer_before) = (self.bytes(), self.answer_bytes());
        let changed = change(self);
        let after = self.bytes();
        if before != after {
            counts.room.resize(before, after);
        }
        // Beside a recovery point that goes, an answer may change nothing in all.
        let answer_after = self.answer_bytes();
        if self.by_quota && answer_before != answer_after {
            counts.tenants.resize(*scope, answer_before, answer_after);
        }
        changed
    }

    /// A time to live that has become shorter needs an entry of its own; for one that has become longer the old entry is
    /// moved on when its time comes.
    fn look_sooner(&mut self, found: Found, expiry: &mut Expiry) {
        let leaves_at = leaves_at(&self.record);
        if leaves_at < self.looked_at {
            self.looked_at = leaves_at;
            expiry.push(Reverse((leaves_at, found)));
        }
    }

    fn ring(&mut self) {
        if let Some(bell) = self.bell.take() {
            bell.ring();
        }
    }

    /// Writes what a claim has come to. Who waits for the end of an attempt that has none any more may ask again.
    fn write(&mut self, scope: &Scope, now: Moment, next: Record, how: How, counts: &Counts) {
        self.record = next;
        // Parking is no word of the owner.
        if self.record.state == State::Running {
            self.heard_at = now;
        }
        if how == How::Begins {
            self.change(scope, counts, |slot| (slot.stored, slot.recovery) = (None, None));
        }
        if how != How::GoesOn {
            self.ring();
        }
    }
}

impl Shard {
    pub(super) fn claim(
        &mut self,
        found: Found,
        now: Moment,
        attempt: &Attempt,
        counts: &Counts,
    ) -> Result<Claim, Trouble> {
        let scope = found.id.scope();
        Ok(match self.slots.entry(found) {
            Entry::Vacant(vacant) => {
                let OnClaim::Begin(record) = Record::claim(None, now, attempt) else {
                    // A record that is not there can only begin.
                    return Err(Trouble::Unreadable);
                };
                let by_quota = admit(scope, attempt, counts)?;
                let slot = vacant.insert(Slot {
                    record,
                    stored: None,
                    recovery: None,
                    bell: None,
                    heard_at: now,
                    // Not when it would leave as it is: an end with the same time to live needs no other entry then.
                    looked_at: record.expires_at,
                    by_quota,
                });
                self.expiry.push(Reverse((slot.looked_at, found)));
                Claim::mine(record.token, None)
            }
            Entry::Occupied(occupied) => {
                let slot = occupied.into_mut();
                let decided = Record::claim(Some(&slot.record), now, attempt);
                match plan(decided, || slot.recovery.as_deref().cloned(), || slot.stored.clone())? {
                    Plan::Answer(claim) => claim,
                    Plan::Write { next, how, claim } => {
                        slot.write(scope, now, next, how, counts);
                        slot.look_sooner(found, &mut self.expiry);
                        self.tidy();
                        claim
                    }
                }
            }
        })
    }

    /// Changes a record as `word` says, and what stands beside it by `also`.
    pub(super) fn change(
        &mut self,
        found: Found,
        now: Moment,
        counts: &Counts,
        word: impl FnOnce(&Record) -> OnHold,
        also: impl FnOnce(&mut Option<Stored>),
    ) -> Result<(), Lost> {
        let slot = self.slots.get_mut(&found).ok_or(Lost::Gone)?;
        match word(&slot.record) {
            OnHold::Write(record) => slot.change(found.id.scope(), counts, |slot| {
                slot.record = record;
                slot.heard_at = now;
                also(&mut slot.stored);
                if record.state != State::Running {
                    slot.ring();
                }
                if record.state == State::Done {
                    slot.recovery = None;
                }
            }),
            OnHold::Before => return Ok(()),
            OnHold::Fenced => return Err(Lost::Fenced),
        }
        slot.look_sooner(found, &mut self.expiry);
        self.tidy();
        Ok(())
    }

    pub(super) fn set_recovery(
        &mut self,
        found: Found,
        now: Moment,
        hold: &Hold,
        recovery: Recovery,
        counts: &Counts,
    ) -> Result<(), Lost> {
        let slot = self.slots.get_mut(&found).ok_or(Lost::Gone)?;
        if !slot.record.may_set_recovery(hold) {
            return Err(Lost::Fenced);
        }
        slot.heard_at = now;
        slot.change(found.id.scope(), counts, |slot| slot.recovery = Some(Box::new(recovery)));
        Ok(())
    }

    /// An entry that counts no more goes when its time comes, which for a record that was done at once may be a month after the record
    /// has left. So where most of them count no more, the queue is made anew of those that do.
    #[inline]
    fn tidy(&mut self) {
        if self.expiry.len() > 2 * self.slots.len() + FEW {
            self.expiry = self.slots.iter().map(|(found, slot)| Reverse((slot.looked_at, *found))).collect();
        }
    }

    /// Deletes at most `limit` records that have expired for long enough; looks at no more than it has to.
    pub(super) fn purge(&mut self, now: Moment, limit: usize, counts: &Counts) -> usize {
        let mut purged = 0;
        while purged < limit
            && let Some(Reverse((at, found))) = self.expiry.peek().copied()
            && at <= now
        {
            self.expiry.pop();
            let Entry::Occupied(mut occupied) = self.slots.entry(found) else { continue };
            let slot = occupied.get_mut();
            if slot.looked_at != at {
                // An entry of before: another one counts.
                continue;
            }
            let leaves_at = leaves_at(&slot.record);
            if slot.record.is_purgeable(now) {
                let mut slot = occupied.remove();
                slot.ring();
                counts.room.leave(slot.bytes());
                if slot.by_quota {
                    counts.tenants.leave(*found.id.scope(), slot.answer_bytes());
                }
                purged += 1;
            } else {
                slot.looked_at = leaves_at;
                self.expiry.push(Reverse((leaves_at, found)));
                if leaves_at <= now {
                    // Leased for longer than it would be kept: its turn comes with the end of the lease.
                    break;
                }
            }
        }
        self.tidy();
        purged
    }

    pub(super) fn parked(&self, now: Moment, after: Option<RecordId>, into: &mut Vec<Parked>) {
        for (Found { id, .. }, slot) in &self.slots {
            if after.is_none_or(|after| *id > after) && slot.record.is_parked(now) {
                let age = now.since(slot.heard_at);
                into.push(Parked::new(*id, slot.record.token, age, slot.recovery.as_deref().cloned()));
            }
        }
    }

    /// Whether somebody runs it, until when, and where its end is heard.
    pub(super) fn listen(&mut self, found: &Found, now: Moment) -> Option<(Bell, Moment)> {
        let slot = self.slots.get_mut(found).filter(|slot| slot.is_running(now))?;
        Some((slot.bell.get_or_insert_default().clone(), slot.record.lease_until))
    }
}

impl Slot {
    fn is_running(&self, now: Moment) -> bool {
        self.record.state == State::Running && now < self.record.lease_until
    }
}

/// Room for a new record, by all and by its tenant; whether it counts among those of its tenant.
fn admit(scope: &Scope, attempt: &Attempt, counts: &Counts) -> Result<bool, Trouble> {
    let quota = attempt.terms.quota_of_scope();
    // Before the room of all: who is over its quota takes none of that from others, not for a moment.
    if quota.is_some_and(|quota| !counts.tenants.enter(*scope, quota)) {
        return Err(Trouble::Quota);
    }
    if !counts.room.enter() {
        if quota.is_some() {
            counts.tenants.leave(*scope, 0);
        }
        return Err(Trouble::Full);
    }
    Ok(quota.is_some())
}

// Loom's stand-ins count only inside of a model.
#[cfg(all(test, not(loom)))]
mod tests {
    use super::{super::found::Secret, *};
    use crate::{
        idempotency::{Fingerprint, OnLeaseOver, Scope, Terms},
        key::Key,
    };
    use std::time::Duration;

    /// As `Plain` handlers have it: parked they would be kept for a month, and done they are kept for a second.
    #[test]
    fn the_queue_of_expiry_is_no_longer_than_the_records_that_are_there() {
        const MONTH: Duration = Duration::from_secs(2_592_000);
        const SECOND: Duration = Duration::from_secs(1);
        let counts = Counts { room: Room::new(100_000, 64 << 20), tenants: Tenants::default() };
        let (mut shard, mut now) = (Shard::default(), Moment::default());
        let (scope, secret) = (Scope::unscoped("payments"), Secret::new());
        for _ in 0..10_000 {
            now = now.after(SECOND / 50);
            let id = RecordId::new(scope, &Key::random());
            let found = Found::new(&secret, id);
            let attempt =
                Attempt::new(Fingerprint::of(["pay"]), Terms::new(SECOND, MONTH, OnLeaseOver::Park));
            shard.claim(found, now, &attempt, &counts).expect("there is room");
            let hold = Hold { id, token: 1, nonce: attempt.nonce };
            let done = |record: &Record| record.finish(now, &hold, State::Done, SECOND);
            shard.change(found, now, &counts, done, |_| {}).expect("it is ours");
            shard.purge(now, 64, &counts);
            assert!(shard.expiry.len() <= 2 * shard.slots.len() + FEW);
        }
        // None that counts was lost: all leave when it is time.
        let there = shard.slots.len();
        assert!(there > 0 && shard.purge(now.after(3 * SECOND), usize::MAX, &counts) == there);
        assert!(shard.slots.is_empty() && shard.expiry.len() <= FEW);
    }
}

//! The steps of a store over rows: reads a record, asks [`Record`] what becomes of it, and writes that.

use super::rows::{Beside, Rows, trouble};
use crate::idempotency::{
    Attempt, Claim, Ending, Hold, Lost, Moment, OnClaim, OnHold, Record, RecordId, Recovery, Resolution,
    State, StoreError, Stored, Trouble,
};
use std::time::Duration;

pub(super) fn claim(
    rows: &Rows<'_>,
    now: Moment,
    id: &RecordId,
    attempt: &Attempt,
) -> Result<Claim, StoreError> {
    let (record, beside) = rows.read(id).map_err(trouble)?.unzip();
    let Beside { recovery, answer } = beside.unwrap_or_default();
    let decided = Record::claim(record.as_ref(), now, attempt);
    let claim = match decided {
        OnClaim::Begin(begun) => {
            if let (None, Some(quota)) = (&record, attempt.terms.quota_of_scope())
                && !rows.has_room(id.scope(), quota, now).map_err(trouble)?
            {
                return Err(Trouble::Quota.into());
            }
            rows.begin(id, &begun, now).map_err(trouble)?;
            Claim::mine(begun.token, None)
        }
        OnClaim::Resume(next) | OnClaim::Again(next) => {
            rows.update(id, &next, None, now).map_err(trouble)?;
            Claim::mine(next.token, recovery)
        }
        OnClaim::Park(_) => {
            rows.park(id).map_err(trouble)?;
            Claim::Unknown
        }
        OnClaim::Done => Claim::Done(answer.ok_or(Trouble::Unreadable)?),
        OnClaim::Busy(remaining) => Claim::busy(remaining),
        OnClaim::Unknown => Claim::Unknown,
        OnClaim::Mismatch => Claim::Mismatch,
        OnClaim::OtherRule(rule) => Claim::OtherRule(rule),
    };
    Ok(claim)
}

pub(super) fn renew(rows: &Rows<'_>, now: Moment, hold: &Hold, lease: Duration) -> Result<(), Lost> {
    let (record, beside) = held(rows, hold)?;
    match record.renew(now, hold, lease) {
        OnHold::Write(next) => write(rows, now, &hold.id, &next, beside.answer.as_ref()),
        OnHold::Before => Ok(()),
        OnHold::Fenced => Err(Lost::Fenced),
    }
}

pub(super) fn finish(
    rows: &Rows<'_>,
    now: Moment,
    hold: &Hold,
    ending: &Ending,
    ttl: Duration,
) -> Result<(), Lost> {
    let (to, answer) = match ending {
        Ending::Done(answer) => (State::Done, Some(answer)),
        Ending::Released => (State::Released, None),
        Ending::Unknown => (State::Unknown, None),
    };
    let (record, _) = held(rows, hold)?;
    match record.finish(now, hold, to, ttl) {
        OnHold::Write(next) => write(rows, now, &hold.id, &next, answer),
        OnHold::Before => Ok(()),
        OnHold::Fenced => Err(Lost::Fenced),
    }
}

pub(super) fn set_recovery(
    rows: &Rows<'_>,
    now: Moment,
    hold: &Hold,
    recovery: &Recovery,
) -> Result<(), Lost> {
    let (record, _) = held(rows, hold)?;
    if !record.may_set_recovery(hold) {
        return Err(Lost::Fenced);
    }
    rows.set_recovery(&hold.id, recovery, now).map_err(|error| Lost::Store(trouble(error)))
}

pub(super) fn resolve(
    rows: &Rows<'_>,
    now: Moment,
    id: &RecordId,
    token: u64,
    resolution: &Resolution,
    ttl: Duration,
) -> Result<(), Lost> {
    let (to, answer) = match resolution {
        Resolution::Done(answer) => (State::Done, Some(answer)),
        Resolution::NotDone => (State::Released, None),
    };
    let (record, _) = found(rows, id)?;
    match record.resolve(now, token, to, ttl) {
        OnHold::Write(next) => write(rows, now, id, &next, answer),
        OnHold::Before => Ok(()),
        OnHold::Fenced => Err(Lost::Fenced),
    }
}

fn held(rows: &Rows<'_>, hold: &Hold) -> Result<(Record, Beside), Lost> {
    found(rows, &hold.id)
}

fn found(rows: &Rows<'_>, id: &RecordId) -> Result<(Record, Beside), Lost> {
    rows.read(id).map_err(|error| Lost::Store(trouble(error)))?.ok_or(Lost::Gone)
}

fn write(
    rows: &Rows<'_>,
    now: Moment,
    id: &RecordId,
    record: &Record,
    answer: Option<&Stored>,
) -> Result<(), Lost> {
    rows.update(id, record, answer, now).map_err(|error| Lost::Store(trouble(error)))
}

//! The steps of a store over rows: reads a record, asks [`Record`] what becomes of it, and writes that.

use super::{
    super::plan::{How, Plan, plan},
    rows::{Beside, Rows, trouble},
};
use crate::idempotency::{
    Attempt, Claim, Hold, Lost, Moment, OnHold, Record, RecordId, Recovery, State, StoreError, Stored,
    Trouble,
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
    let (next, how, claim) = match plan(decided, || recovery, || answer)? {
        Plan::Answer(claim) => return Ok(claim),
        Plan::Write { next, how, claim } => (next, how, claim),
    };
    match how {
        How::Begins => {
            if let (None, Some(quota)) = (&record, attempt.terms.quota_of_scope())
                && !rows.has_room(id.scope(), quota, now).map_err(trouble)?
            {
                return Err(Trouble::Quota.into());
            }
            rows.begin(id, &next, now)
        }
        How::GoesOn => rows.update(id, &next, None, now),
        How::Parks => rows.park(id),
    }
    .map_err(trouble)?;
    Ok(claim)
}

pub(super) fn renew(rows: &Rows<'_>, now: Moment, hold: &Hold, lease: Duration) -> Result<(), Lost> {
    let (record, beside) = found(rows, &hold.id)?;
    write(rows, now, &hold.id, record.renew(now, hold, lease), beside.answer.as_ref())
}

pub(super) fn finish(
    rows: &Rows<'_>,
    now: Moment,
    hold: &Hold,
    to: State,
    answer: Option<&Stored>,
    ttl: Duration,
) -> Result<(), Lost> {
    let (record, _) = found(rows, &hold.id)?;
    write(rows, now, &hold.id, record.finish(now, hold, to, ttl), answer)
}

pub(super) fn set_recovery(
    rows: &Rows<'_>,
    now: Moment,
    hold: &Hold,
    recovery: &Recovery,
) -> Result<(), Lost> {
    let (record, _) = found(rows, &hold.id)?;
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
    to: State,
    answer: Option<&Stored>,
    ttl: Duration,
) -> Result<(), Lost> {
    let (record, _) = found(rows, id)?;
    write(rows, now, id, record.resolve(now, token, to, ttl), answer)
}

fn found(rows: &Rows<'_>, id: &RecordId) -> Result<(Record, Beside), Lost> {
    rows.read(id).map_err(|error| Lost::Store(trouble(error)))?.ok_or(Lost::Gone)
}

/// Writes what an owner's word, or one from outside, has made of a record.
fn write(
    rows: &Rows<'_>,
    now: Moment,
    id: &RecordId,
    word: OnHold,
    answer: Option<&Stored>,
) -> Result<(), Lost> {
    match word {
        OnHold::Write(next) => {
            rows.update(id, &next, answer, now).map_err(|error| Lost::Store(trouble(error)))
        }
        OnHold::Before => Ok(()),
        OnHold::Fenced => Err(Lost::Fenced),
    }
}

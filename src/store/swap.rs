//! For stores whose server does not decide: a record is read, [`Record`] decides upon it here, and that is written only where
//! the record is still what was read.

use super::plan::{How, Plan, plan};
use crate::idempotency::{
    Attempt, Claim, Lost, Moment, OnHold, Record, RecordId, Recovery, Resolution, StoreError, Stored, Trouble,
};
use std::time::Duration;

/// A record as it was read, what is kept beside it, and when that was.
pub(super) struct Seen {
    pub(super) record: Record,
    pub(super) now: Moment,
    pub(super) recovery: Option<Recovery>,
    pub(super) answer: Option<Stored>,
}

/// What has come of the usual claim, which the server can decide: of a record that it has never heard of.
pub(super) enum Begun {
    /// It is written.
    Made,
    /// There is one, and nothing was written. `None` where it was gone when it was to be read.
    There(Option<Box<Seen>>),
}

/// A server of records.
pub(super) trait Swaps: Sync {
    /// Writes the first record of an operation where there is none.
    fn begin(
        &self,
        id: &RecordId,
        attempt: &Attempt,
    ) -> impl Future<Output = Result<Begun, StoreError>> + Send;

    fn read(&self, id: &RecordId) -> impl Future<Output = Result<Option<Seen>, StoreError>> + Send;

    /// Writes `next` where the record is still `was`, and says whether it was.
    fn swap(
        &self,
        id: &RecordId,
        was: &Record,
        next: &Record,
        new_life: bool,
        answer: Option<&Stored>,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// A record that changes between being read and being written is read again. Each time somebody else has made a step, so that
/// this many in a row say that something is wrong.
const TURNS: u32 = 32;

fn restless() -> StoreError {
    StoreError::new(Trouble::Unavailable, "the record changes faster than it can be read")
}

pub(super) async fn claim(store: &impl Swaps, id: &RecordId, attempt: &Attempt) -> Result<Claim, StoreError> {
    for _ in 0..TURNS {
        let Seen { record, now, recovery, answer } = match store.begin(id, attempt).await? {
            Begun::Made => return Ok(Claim::mine(1, None)),
            Begun::There(Some(seen)) => *seen,
            Begun::There(None) => continue,
        };
        match plan(Record::claim(Some(&record), now, attempt), || recovery, || answer)? {
            Plan::Answer(claim) => return Ok(claim),
            Plan::Write { next, how, claim } => {
                if store.swap(id, &record, &next, how == How::Begins, None).await? {
                    return Ok(claim);
                }
            }
        }
    }
    Err(restless())
}

pub(super) async fn resolve(
    store: &impl Swaps,
    id: &RecordId,
    number: u64,
    resolution: Resolution,
    ttl: Duration,
) -> Result<(), Lost> {
    let (to, answer) = resolution.into_parts();
    for _ in 0..TURNS {
        let Seen { record, now, .. } = store.read(id).await?.ok_or(Lost::Gone)?;
        let next = match record.resolve(now, number, to, ttl) {
            OnHold::Write(next) => next,
            OnHold::Before => return Ok(()),
            OnHold::Fenced => return Err(Lost::Fenced),
        };
        if store.swap(id, &record, &next, false, answer.as_ref()).await? {
            return Ok(());
        }
    }
    Err(restless().into())
}

/// An update by an owner's own words has written nothing: whether the record, read after it, takes it for done.
pub(super) fn unwritten(word: OnHold) -> Result<(), Lost> {
    match word {
        OnHold::Before => Ok(()),
        // It may be written by now and was not before: nothing leads there but a record begun anew under the same token,
        // which there is not.
        OnHold::Fenced | OnHold::Write(_) => Err(Lost::Fenced),
    }
}

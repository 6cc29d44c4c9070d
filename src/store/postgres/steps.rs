//! The steps of a store over a link: what is usual in one statement, and the rest decided by [`Record`] and swapped in.

use super::{
    super::swap::{self, Begun, Seen, Swaps, unwritten},
    link::{Columns, Link},
    rows::{array, micros, moment, recovery, seen, time, token},
    sql,
};
use crate::idempotency::{
    Attempt, Claim, Ending, Hold, Lost, OnHold, OnLeaseOver, Parked, Quota, Record, RecordId, Recovery,
    Scope, StoreError, Stored, Trouble,
};
use std::time::Duration;

pub(super) async fn claim(link: &impl Link, id: &RecordId, attempt: &Attempt) -> Result<Claim, StoreError> {
    if let Some(quota) = attempt.terms.quota_of_scope() {
        ask_for_room(link, id, quota).await?;
    }
    swap::claim(link, id, attempt).await
}

impl<L: Link> Swaps for L {
    async fn begin(&self, id: &RecordId, attempt: &Attempt) -> Result<Begun, StoreError> {
        let Attempt { fingerprint, nonce, terms, .. } = attempt;
        let rows = self
            .ask(
                sql::CLAIM,
                &[
                    id.scope().as_bytes().into(),
                    id.key().into(),
                    i16::from(fingerprint.rule()).into(),
                    fingerprint.digest().into(),
                    (&nonce.bits().to_be_bytes()).into(),
                    (terms.on_lease_over() == OnLeaseOver::Takeover).into(),
                    micros(terms.lease()).into(),
                    micros(terms.ttl()).into(),
                ],
            )
            .await?;
        let seen = match rows.first() {
            Some(row) if row.flag("made")? => return Ok(Begun::Made),
            Some(row) => Some(seen(row)?),
            // Committed after the statement had begun: a fresh look sees it, unless it has been purged since.
            None => self.read(id).await?,
        };
        Ok(Begun::There(seen.map(Box::new)))
    }

    async fn read(&self, id: &RecordId) -> Result<Option<Seen>, StoreError> {
        let rows = self.ask(sql::READ, &[id.scope().as_bytes().into(), id.key().into()]).await?;
        rows.first().map(seen).transpose()
    }

    async fn swap(
        &self,
        id: &RecordId,
        was: &Record,
        next: &Record,
        new_life: bool,
        answer: Option<&Stored>,
    ) -> Result<bool, StoreError> {
        let rows = self
            .ask(
                sql::SWAP,
                &[
                    id.scope().as_bytes().into(),
                    id.key().into(),
                    i16::from(was.state.code()).into(),
                    token(was.token).into(),
                    (&was.nonce.bits().to_be_bytes()).into(),
                    time(was.lease_until).into(),
                    time(was.expires_at).into(),
                    i16::from(next.fingerprint.rule()).into(),
                    next.fingerprint.digest().into(),
                    i16::from(next.state.code()).into(),
                    token(next.token).into(),
                    (&next.nonce.bits().to_be_bytes()).into(),
                    (next.on_lease_over == OnLeaseOver::Takeover).into(),
                    micros(next.lease).into(),
                    time(next.lease_until).into(),
                    time(next.expires_at).into(),
                    new_life.into(),
                    answer.map(Stored::as_bytes).into(),
                ],
            )
            .await?;
        Ok(!rows.is_empty())
    }
}

/// Only a record that is not there yet needs room.
async fn ask_for_room(link: &impl Link, id: &RecordId, quota: Quota) -> Result<(), StoreError> {
    let rows = link.ask(sql::ROOM, &[id.scope().as_bytes().into(), id.key().into()]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let (records, bytes) = (row.big("records")?, row.big("bytes")?);
    let has_room = records.unsigned_abs() < quota.records && bytes.unsigned_abs() < quota.bytes;
    // One that is there, though expired, is not a new one either.
    if has_room || row.flag("known")? || link.read(id).await?.is_some() {
        Ok(())
    } else {
        Err(Trouble::Quota.into())
    }
}

pub(super) async fn renew(link: &impl Link, hold: &Hold, lease: Duration) -> Result<(), Lost> {
    let owner = hold.nonce.bits().to_be_bytes();
    let (scope, key) = (hold.id.scope().as_bytes(), hold.id.key());
    let rows = link
        .ask(
            sql::RENEW,
            &[scope.into(), key.into(), token(hold.token).into(), (&owner).into(), micros(lease).into()],
        )
        .await?;
    written(link, &hold.id, &rows, |seen| seen.record.renew(seen.now, hold, lease)).await
}

pub(super) async fn finish(link: &impl Link, hold: &Hold, ending: Ending, ttl: Duration) -> Result<(), Lost> {
    let (to, answer) = ending.into_parts();
    let owner = hold.nonce.bits().to_be_bytes();
    let (scope, key) = (hold.id.scope().as_bytes(), hold.id.key());
    let (code, answer) = (i16::from(to.code()), answer.as_ref().map(Stored::as_bytes));
    let rows = link
        .ask(
            sql::FINISH,
            &[
                scope.into(),
                key.into(),
                token(hold.token).into(),
                (&owner).into(),
                code.into(),
                answer.into(),
                micros(crate::idempotency::kept_for(ttl)).into(),
            ],
        )
        .await?;
    written(link, &hold.id, &rows, |seen| seen.record.finish(seen.now, hold, to, ttl)).await
}

pub(super) async fn set_recovery(link: &impl Link, hold: &Hold, recovery: &Recovery) -> Result<(), Lost> {
    let owner = hold.nonce.bits().to_be_bytes();
    let (scope, key) = (hold.id.scope().as_bytes(), hold.id.key());
    let (point, payload) = (recovery.point.as_str(), recovery.payload.as_slice());
    let rows = link
        .ask(
            sql::RECOVERY,
            &[
                scope.into(),
                key.into(),
                token(hold.token).into(),
                (&owner).into(),
                point.into(),
                payload.into(),
            ],
        )
        .await?;
    written(link, &hold.id, &rows, |_| OnHold::Fenced).await
}

/// An update by an owner's own words has written a row, or the record says why it has not.
async fn written<L: Link>(
    link: &L,
    id: &RecordId,
    rows: &[L::Row],
    why: impl FnOnce(&Seen) -> OnHold,
) -> Result<(), Lost> {
    if !rows.is_empty() {
        return Ok(());
    }
    let seen = link.read(id).await?.ok_or(Lost::Gone)?;
    unwritten(why(&seen))
}

pub(super) async fn purge(link: &impl Link, limit: usize) -> Result<usize, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(link.ask(sql::PURGE, &[limit.into()]).await?.len())
}

pub(super) async fn parked(
    link: &impl Link,
    after: Option<RecordId>,
    limit: usize,
) -> Result<Vec<Parked>, StoreError> {
    // Nothing sorts before the empty bytes.
    let (scope, key) = after.as_ref().map_or((&[][..], &[][..]), |id| (id.scope().as_bytes(), id.key()));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = link.ask(sql::PARKED, &[scope.into(), key.into(), limit.into()]).await?;
    rows.iter()
        .map(|row| {
            let id = RecordId::from_parts(Scope::from_bytes(array(row, "scope")?), array(row, "key_hash")?);
            let silent = moment(row.time("now")?).since(moment(row.time("heard_at")?));
            Ok(Parked::new(id, row.big("token")?.unsigned_abs(), silent, recovery(row)?))
        })
        .collect()
}

//! A record as a row of the server.

use super::{super::swap::Seen, link::Columns};
use crate::idempotency::{
    Fingerprint, Moment, Nonce, OnLeaseOver, Record, Recovery, State, StoreError, Stored, Trouble,
};
use std::time::{Duration, SystemTime};

pub(super) fn seen(row: &impl Columns) -> Result<Seen, StoreError> {
    Ok(Seen {
        record: record(row)?,
        now: moment(row.time("now")?),
        recovery: recovery(row)?,
        answer: row.bytes("answer")?.map(|answer| Stored::from_bytes(answer.to_vec())),
    })
}

fn record(row: &impl Columns) -> Result<Record, StoreError> {
    let code = row.small("state")?;
    let state = u8::try_from(code).ok().and_then(State::from_code);
    let rule = u8::try_from(row.small("fp_rule")?).map_err(unreadable)?;
    let over = if row.flag("takeover")? { OnLeaseOver::Takeover } else { OnLeaseOver::Park };
    Ok(Record::from_parts(
        Fingerprint::from_parts(rule, array(row, "fingerprint")?),
        state.ok_or_else(|| unreadable(format!("there is no state {code}")))?,
        row.big("token")?.unsigned_abs(),
        Nonce::from_bits(u128::from_be_bytes(array(row, "owner")?)),
        over,
        Duration::from_micros(row.big("lease")?.unsigned_abs()),
        moment(row.time("lease_until")?),
        moment(row.time("expires_at")?),
    ))
}

pub(super) fn recovery(row: &impl Columns) -> Result<Option<Recovery>, StoreError> {
    let Some(point) = row.text("point")? else { return Ok(None) };
    Ok(Some(Recovery::new(point, row.bytes("payload")?.unwrap_or_default())))
}

pub(super) fn array<const N: usize>(row: &impl Columns, column: &str) -> Result<[u8; N], StoreError> {
    row.bytes(column)?.unwrap_or_default().try_into().map_err(unreadable)
}

pub(super) fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::new(Trouble::Unreadable, error)
}

/// The server keeps microseconds, as a [`Moment`] does.
pub(super) fn moment(time: SystemTime) -> Moment {
    Moment::default().after(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

pub(super) fn time(moment: Moment) -> SystemTime {
    let since = Duration::from_micros(moment.as_micros());
    // Beyond the year 5000, which no lease and no time to live reaches.
    SystemTime::UNIX_EPOCH + since.min(Duration::from_secs(100_000_000_000))
}

/// At most a hundred years, which the server can add to any time that it will see.
pub(super) fn micros(time: Duration) -> i64 {
    const CENTURY: i64 = 3_155_760_000_000_000;
    i64::try_from(time.as_micros()).unwrap_or(CENTURY).min(CENTURY)
}

pub(super) fn token(token: u64) -> i64 {
    i64::try_from(token).unwrap_or(i64::MAX)
}

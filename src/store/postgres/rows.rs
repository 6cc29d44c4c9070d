//! A record as a row of the server, and its troubles as ours.

use super::super::swap::Seen;
use crate::idempotency::{
    Fingerprint, Moment, Nonce, OnLeaseOver, Record, Recovery, State, StoreError, Stored, Trouble,
};
use std::time::{Duration, SystemTime};
use tokio_postgres::{Error, Row, error::SqlState};

pub(super) fn seen(row: &Row) -> Result<Seen, StoreError> {
    let answer: Option<Vec<u8>> = get(row, "answer")?;
    Ok(Seen {
        record: record(row)?,
        now: moment(get(row, "now")?),
        recovery: recovery(row)?,
        answer: answer.map(Stored::from_bytes),
    })
}

fn record(row: &Row) -> Result<Record, StoreError> {
    let code: i16 = get(row, "state")?;
    let state = u8::try_from(code).ok().and_then(State::from_code);
    let rule: i16 = get(row, "fp_rule")?;
    let token: i64 = get(row, "token")?;
    let over = if get(row, "takeover")? { OnLeaseOver::Takeover } else { OnLeaseOver::Park };
    let lease: i64 = get(row, "lease")?;
    Ok(Record::from_parts(
        Fingerprint::from_parts(u8::try_from(rule).map_err(unreadable)?, array(row, "fingerprint")?),
        state.ok_or_else(|| unreadable(format!("there is no state {code}")))?,
        token.unsigned_abs(),
        Nonce::from_bits(u128::from_be_bytes(array(row, "owner")?)),
        over,
        Duration::from_micros(lease.unsigned_abs()),
        moment(get(row, "lease_until")?),
        moment(get(row, "expires_at")?),
    ))
}

pub(super) fn recovery(row: &Row) -> Result<Option<Recovery>, StoreError> {
    let point: Option<String> = get(row, "point")?;
    let payload: Option<Vec<u8>> = get(row, "payload")?;
    Ok(point.map(|point| Recovery::new(point, payload.unwrap_or_default())))
}

pub(super) fn get<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    column: &str,
) -> Result<T, StoreError> {
    row.try_get(column).map_err(unreadable)
}

pub(super) fn array<const N: usize>(row: &Row, column: &str) -> Result<[u8; N], StoreError> {
    let bytes: &[u8] = get(row, column)?;
    bytes.try_into().map_err(unreadable)
}

fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
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

/// What the server or the way to it says, as the trouble that it is.
pub(super) fn trouble(error: Error) -> StoreError {
    let full = [&SqlState::DISK_FULL, &SqlState::OUT_OF_MEMORY];
    let trouble = match error.code() {
        Some(code) if full.contains(&code) => Trouble::Full,
        _ => Trouble::Unavailable,
    };
    StoreError::new(trouble, error)
}

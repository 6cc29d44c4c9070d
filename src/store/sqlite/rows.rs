//! A record as a row: reading it, and writing what was decided.

use crate::idempotency::{
    Fingerprint, Moment, Nonce, OnLeaseOver, Parked, Quota, Record, RecordId, Recovery, Scope, State,
    StoreError, Stored, Trouble,
};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, named_params, params};
use std::time::Duration;

/// The rows, over a connection that is in a transaction.
pub(super) struct Rows<'a>(pub(super) &'a Connection);

/// What is kept beside a record.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) recovery: Option<Recovery>,
    pub(super) answer: Option<Stored>,
}

type Result<T> = std::result::Result<T, rusqlite::Error>;

impl Rows<'_> {
    /// The latest time that the file has seen.
    pub(super) fn clock(&self) -> Result<Moment> {
        let micros: i64 = self
            .0
            .prepare_cached("SELECT value FROM buttress_meta WHERE name = 'clock'")?
            .query_row([], |row| row.get(0))?;
        Ok(moment(micros))
    }

    pub(super) fn set_clock(&self, now: Moment) -> Result<()> {
        self.0
            .prepare_cached("UPDATE buttress_meta SET value = ?1 WHERE name = 'clock' AND value < ?1")?
            .execute([micros(now)])
            .map(drop)
    }

    pub(super) fn read(&self, id: &RecordId) -> Result<Option<(Record, Beside)>> {
        self.0
            .prepare_cached(
                "SELECT fp_rule, fingerprint, state, token, owner, takeover, lease, lease_until, expires_at,
                        point, payload, answer
                 FROM buttress_idem WHERE scope = ?1 AND key_hash = ?2",
            )?
            .query_row(params![id.scope().as_bytes(), id.key()], |row| Ok((record(row)?, beside(row)?)))
            .optional()
    }

    /// Writes the first record of a life: nothing of a former one stays but the token.
    pub(super) fn begin(&self, id: &RecordId, record: &Record, now: Moment) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO buttress_idem (scope, key_hash, fp_rule, fingerprint, state, token, owner, takeover, lease,
                                            lease_until, expires_at, heard_at)
                 VALUES (:scope, :key, :rule, :fingerprint, :state, :token, :owner, :takeover, :lease, :lease_until,
                         :expires_at, :now)
                 ON CONFLICT (scope, key_hash) DO UPDATE SET
                     fp_rule = excluded.fp_rule, fingerprint = excluded.fingerprint, state = excluded.state,
                     token = excluded.token, owner = excluded.owner, takeover = excluded.takeover,
                     lease = excluded.lease, lease_until = excluded.lease_until, expires_at = excluded.expires_at,
                     heard_at = excluded.heard_at, point = NULL, payload = NULL, answer = NULL",
            )?
            .execute(named_params! {
                ":scope": id.scope().as_bytes(), ":key": id.key(),
                ":rule": record.fingerprint.rule(), ":fingerprint": record.fingerprint.digest(),
                ":state": record.state.code(), ":token": token(record.token), ":owner": record.nonce.bits().to_be_bytes(),
                ":takeover": record.on_lease_over == OnLeaseOver::Takeover, ":lease": lease(record.lease),
                ":lease_until": micros(record.lease_until), ":expires_at": micros(record.expires_at), ":now": micros(now),
            })
            .map(drop)
    }

    /// Writes a record that goes on: its recovery point stays, its answer is this one.
    pub(super) fn update(
        &self,
        id: &RecordId,
        record: &Record,
        answer: Option<&Stored>,
        now: Moment,
    ) -> Result<()> {
        self.0
            .prepare_cached(
                "UPDATE buttress_idem SET
                     fp_rule = :rule, fingerprint = :fingerprint, state = :state, token = :token, owner = :owner,
                     takeover = :takeover, lease = :lease, lease_until = :lease_until, expires_at = :expires_at,
                     heard_at = :now, answer = :answer
                 WHERE scope = :scope AND key_hash = :key",
            )?
            .execute(named_params! {
                ":scope": id.scope().as_bytes(), ":key": id.key(),
                ":rule": record.fingerprint.rule(), ":fingerprint": record.fingerprint.digest(),
                ":state": record.state.code(), ":token": token(record.token), ":owner": record.nonce.bits().to_be_bytes(),
                ":takeover": record.on_lease_over == OnLeaseOver::Takeover, ":lease": lease(record.lease),
                ":lease_until": micros(record.lease_until), ":expires_at": micros(record.expires_at), ":now": micros(now),
                ":answer": answer.map(Stored::as_bytes),
            })
            .map(drop)
    }

    /// Parks a record. When it was last heard of stays as it was.
    pub(super) fn park(&self, id: &RecordId) -> Result<()> {
        self.0
            .prepare_cached("UPDATE buttress_idem SET state = ?3 WHERE scope = ?1 AND key_hash = ?2")?
            .execute(params![id.scope().as_bytes(), id.key(), State::Unknown.code()])
            .map(drop)
    }

    pub(super) fn set_recovery(&self, id: &RecordId, recovery: &Recovery, now: Moment) -> Result<()> {
        self.0
            .prepare_cached(
                "UPDATE buttress_idem SET point = ?3, payload = ?4, heard_at = ?5 WHERE scope = ?1 AND key_hash = ?2",
            )?
            .execute(params![id.scope().as_bytes(), id.key(), recovery.point, recovery.payload, micros(now)])
            .map(drop)
    }

    /// Whether a tenant may have one more record.
    pub(super) fn has_room(&self, scope: &Scope, quota: Quota, now: Moment) -> Result<bool> {
        let (records, bytes): (i64, i64) = self
            .0
            .prepare_cached(
                "SELECT count(*), coalesce(sum(length(answer)), 0) FROM buttress_idem
                 WHERE scope = ?1 AND (expires_at > ?2 OR state = 0 AND lease_until > ?2)",
            )?
            .query_row(params![scope.as_bytes(), micros(now)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(records.unsigned_abs() < quota.records && bytes.unsigned_abs() < quota.bytes)
    }

    pub(super) fn purge(&self, limit: usize, now: Moment) -> Result<usize> {
        self.0
            .prepare_cached(
                "DELETE FROM buttress_idem WHERE (scope, key_hash) IN
                     (SELECT scope, key_hash FROM buttress_idem
                      WHERE expires_at <= ?1 - lease AND expires_at <= ?1 AND NOT (state = 0 AND lease_until > ?1)
                      LIMIT ?2)",
            )?
            .execute(params![micros(now), i64::try_from(limit).unwrap_or(i64::MAX)])
    }

    pub(super) fn parked(&self, after: Option<RecordId>, limit: usize, now: Moment) -> Result<Vec<Parked>> {
        let mut statement = self.0.prepare_cached(
            "SELECT fp_rule, fingerprint, state, token, owner, takeover, lease, lease_until, expires_at,
                    point, payload, NULL AS answer, scope, key_hash, heard_at
             FROM buttress_idem
             WHERE state IN (0, 3) AND (?1 IS NULL OR (scope, key_hash) > (?1, ?2))
             ORDER BY scope, key_hash",
        )?;
        let mut rows =
            statement.query(params![after.map(|id| *id.scope().as_bytes()), after.map(|id| *id.key())])?;
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(row) = rows.next()? else { break };
            let record = record(row)?;
            if record.is_parked(now) {
                let id = RecordId::from_parts(Scope::from_bytes(row.get("scope")?), row.get("key_hash")?);
                let age = now.since(moment(row.get("heard_at")?));
                found.push(Parked::new(id, record.token, age, beside(row)?.recovery));
            }
        }
        Ok(found)
    }
}

fn record(row: &Row<'_>) -> Result<Record> {
    let state: u8 = row.get("state")?;
    let state =
        State::from_code(state).ok_or_else(|| rusqlite::Error::IntegralValueOutOfRange(2, state.into()))?;
    let token: i64 = row.get("token")?;
    let over = if row.get("takeover")? { OnLeaseOver::Takeover } else { OnLeaseOver::Park };
    let lease: i64 = row.get("lease")?;
    Ok(Record::from_parts(
        Fingerprint::from_parts(row.get("fp_rule")?, row.get("fingerprint")?),
        state,
        token.unsigned_abs(),
        Nonce::from_bits(u128::from_be_bytes(row.get("owner")?)),
        over,
        Duration::from_micros(lease.unsigned_abs()),
        moment(row.get("lease_until")?),
        moment(row.get("expires_at")?),
    ))
}

fn beside(row: &Row<'_>) -> Result<Beside> {
    let point: Option<String> = row.get("point")?;
    let payload: Option<Vec<u8>> = row.get("payload")?;
    let answer: Option<Vec<u8>> = row.get("answer")?;
    Ok(Beside {
        recovery: point.map(|point| Recovery::new(point, payload.unwrap_or_default())),
        answer: answer.map(Stored::from_bytes),
    })
}

/// Times and tokens fit: a store's clock is far from 2^63 microseconds, and saturates there.
fn micros(moment: Moment) -> i64 {
    i64::try_from(moment.as_micros()).unwrap_or(i64::MAX)
}

fn moment(micros: i64) -> Moment {
    Moment::from_micros(u64::try_from(micros).unwrap_or(0))
}

fn token(token: u64) -> i64 {
    i64::try_from(token).unwrap_or(i64::MAX)
}

fn lease(lease: Duration) -> i64 {
    i64::try_from(lease.as_micros()).unwrap_or(i64::MAX)
}

/// What SQLite says, as the trouble that it is.
pub(super) fn trouble(error: rusqlite::Error) -> StoreError {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
    let trouble = match error {
        FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) => {
            Trouble::Unreadable
        }
        _ => match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Trouble::Full,
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Trouble::Unreadable,
            _ => Trouble::Unavailable,
        },
    };
    StoreError::new(trouble, error)
}

//! A record as the fields of a hash, and the server's troubles as ours.

use super::super::swap::Seen;
use crate::idempotency::{
    Fingerprint, Moment, Nonce, OnLeaseOver, Record, RecordId, Recovery, Scope, State, StoreError, Stored,
    Trouble,
};
use redis::{ErrorKind, RedisError, Value};
use std::time::Duration;

/// What a script has answered.
pub(super) enum Told {
    /// There is no such record.
    Nothing,
    /// It is written.
    Written,
    /// There is no room for it.
    NoRoom,
    /// Nothing was written, and this is why.
    Seen(Box<Heard>),
}

/// A record as it was read, and when its owner was last heard of.
pub(super) struct Heard {
    pub(super) seen: Seen,
    pub(super) at: Moment,
}

/// Reads what a script has answered: nothing, `{1}`, or the time and all fields.
pub(super) fn told(value: Value) -> Result<Told, StoreError> {
    match value {
        Value::Array(parts) => match <[Value; 2]>::try_from(parts) {
            Ok([Value::Int(now), Value::Array(fields)]) => {
                heard(now, fields).map(|heard| Told::Seen(Box::new(heard)))
            }
            Ok(_) => Err(damaged()),
            Err(parts) => match parts.as_slice() {
                [] => Ok(Told::Nothing),
                [Value::Int(1)] => Ok(Told::Written),
                [Value::Int(2)] => Ok(Told::NoRoom),
                _ => Err(damaged()),
            },
        },
        _ => Err(damaged()),
    }
}

fn heard(now: i64, fields: Vec<Value>) -> Result<Heard, StoreError> {
    let mut fields = fields.into_iter().map(|value| match value {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    });
    let mut next = || fields.next().flatten();
    let rule = number(next())?;
    let fingerprint = array(next())?;
    let state = number(next())?;
    let token = number(next())?;
    let owner = array(next())?;
    let over = if number(next())? == 1 { OnLeaseOver::Takeover } else { OnLeaseOver::Park };
    let lease = Duration::from_micros(number(next())?);
    let lease_until = Moment::from_micros(number(next())?);
    let expires_at = Moment::from_micros(number(next())?);
    let heard_at = Moment::from_micros(number(next())?);
    let (point, payload, answer) = (next(), next(), next());
    let small = |number: u64| u8::try_from(number).ok();
    let record = Record::from_parts(
        Fingerprint::from_parts(small(rule).ok_or_else(damaged)?, fingerprint),
        small(state).and_then(State::from_code).ok_or_else(damaged)?,
        token,
        Nonce::from_bits(u128::from_be_bytes(owner)),
        over,
        lease,
        lease_until,
        expires_at,
    );
    let point = point.map(String::from_utf8).transpose().map_err(|_| damaged())?;
    let seen = Seen {
        record,
        now: Moment::from_micros(now.unsigned_abs()),
        recovery: point.map(|point| Recovery::new(point, payload.unwrap_or_default())),
        answer: answer.map(Stored::from_bytes),
    };
    Ok(Heard { seen, at: heard_at })
}

fn number(bytes: Option<Vec<u8>>) -> Result<u64, StoreError> {
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.parse().ok())
        .ok_or_else(damaged)
}

fn array<const N: usize>(bytes: Option<Vec<u8>>) -> Result<[u8; N], StoreError> {
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(damaged)
}

fn damaged() -> StoreError {
    StoreError::new(Trouble::Unreadable, "the hash is not one of these records")
}

/// The key of a record: both hashes in hex behind the prefix. All of a tenant stand in one slot of a cluster, for the sake of
/// quotas.
pub(super) fn key(prefix: &str, id: &RecordId) -> String {
    let mut key = of_tenant(prefix, id.scope());
    hex(&mut key, id.key());
    key
}

/// Where the records of a tenant are named; also what their keys begin with.
pub(super) fn of_tenant(prefix: &str, scope: &Scope) -> String {
    let mut key = String::with_capacity(prefix.len() + 132);
    key.push_str(prefix);
    key.push_str(":{");
    hex(&mut key, scope.as_bytes());
    key.push_str("}:");
    key
}

fn hex(out: &mut String, bytes: &[u8; 32]) {
    use std::fmt::Write;
    for byte in bytes {
        // A string takes all that is written to it.
        let _ = write!(out, "{byte:02x}");
    }
}

/// A prefix in a pattern of `SCAN`, in which it means itself.
pub(super) fn literal(prefix: &str) -> String {
    let mut literal = String::with_capacity(prefix.len());
    for char in prefix.chars() {
        if matches!(char, '*' | '?' | '[' | ']' | '\\') {
            literal.push('\\');
        }
        literal.push(char);
    }
    literal
}

/// Which record a key is of.
pub(super) fn id(prefix: &str, key: &str) -> Option<RecordId> {
    let (scope, key) = key.strip_prefix(prefix)?.strip_prefix(":{")?.split_once("}:")?;
    Some(RecordId::from_parts(Scope::from_bytes(bytes(scope)?), bytes(key)?))
}

fn bytes(hex: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes: Option<Vec<u8>> = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?))
        .collect();
    bytes?.try_into().ok()
}

/// Numbers in a script lose no microsecond below this: 2^53, in the year 2255.
pub(super) fn micros(time: Duration) -> u64 {
    const CENTURY: u64 = 3_155_760_000_000_000;
    u64::try_from(time.as_micros()).unwrap_or(CENTURY).min(CENTURY)
}

/// What the server or the way to it says, as the trouble that it is.
pub(super) fn trouble(error: RedisError) -> StoreError {
    let trouble = if error.code() == Some("OOM") {
        Trouble::Full
    } else if matches!(error.kind(), ErrorKind::UnexpectedReturnType) {
        Trouble::Unreadable
    } else {
        Trouble::Unavailable
    };
    StoreError::new(trouble, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    #[test]
    fn a_key_says_which_record_it_is_of() {
        let record = RecordId::new(Scope::new("payments", b"tenant 7"), &Key::random());
        let key = key("p", &record);
        assert_eq!(id("p", &key), Some(record));
        assert_eq!(id("q", &key), None);
        assert_eq!(id("p", &of_tenant("p", record.scope())), None, "the set of a tenant is no record");
        assert_eq!(id("p", &key[..key.len() - 1]), None);
        assert_eq!(id("p", &key.replace('a', "x")), if key.contains('a') { None } else { Some(record) });
    }
}

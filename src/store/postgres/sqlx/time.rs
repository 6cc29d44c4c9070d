//! A time of the server as the standard library has it, where `sqlx` wants a crate of calendars for it.

use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgTypeInfo, PgValueFormat, PgValueRef, types::Oid},
};
use std::time::{Duration, SystemTime};

/// `timestamptz`: on the wire, microseconds since the year 2000 began.
pub(super) struct At(pub(super) SystemTime);

const TIMESTAMPTZ: Oid = Oid(1184);
const YEAR_2000: i64 = 946_684_800_000_000;

impl At {
    fn micros(&self) -> i64 {
        let since = self.0.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX) - YEAR_2000
    }

    /// What is before 1970 is no time of ours.
    fn from_micros(micros: i64) -> Self {
        let since = u64::try_from(micros.saturating_add(YEAR_2000)).unwrap_or(0);
        Self(SystemTime::UNIX_EPOCH + Duration::from_micros(since))
    }
}

impl From<At> for SystemTime {
    fn from(at: At) -> Self {
        at.0
    }
}

impl Type<Postgres> for At {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }
}

impl Encode<'_, Postgres> for At {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode_by_ref(&self.micros(), buffer)
    }
}

impl Decode<'_, Postgres> for At {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        if value.format() == PgValueFormat::Text {
            return Err("a time was asked for in binary, and came as text".into());
        }
        let bytes = value.as_bytes()?.try_into()?;
        Ok(Self::from_micros(i64::from_be_bytes(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_what_it_was_to_the_microsecond() {
        let epoch = SystemTime::UNIX_EPOCH;
        assert_eq!(At(epoch + Duration::from_secs(946_684_800)).micros(), 0);
        for micros in [0, 1, 946_684_799_999_999, 946_684_800_000_000, 1_800_000_000_123_456] {
            let at = epoch + Duration::from_micros(micros);
            assert_eq!(At::from_micros(At(at).micros()).0, at);
        }
        assert_eq!(At::from_micros(i64::MIN).0, epoch);
    }
}

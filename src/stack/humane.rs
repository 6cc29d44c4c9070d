//! How times and shares are written in a file, and read from it.

use super::Window;
use crate::window::Ratio;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer},
};
use std::{fmt, marker::PhantomData, time::Duration};

const TIME: &str = "a time with its unit, as \"250ms\" or \"3s\"";

/// The units, longest names first where one begins with another.
const UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3600 * 1_000_000_000),
];

/// One number, whole or with decimals, and its unit: `1.5s`. Nothing that is finer than a nanosecond, or longer than 584 years.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit_at = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit_at);
    let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let (whole, decimals) = number.trim_end().split_once('.').unwrap_or((number.trim_end(), "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 9 {
        return None;
    }
    let scale = 10_u64.pow(decimals.len() as u32);
    let part = decimals.parse::<u64>().ok()?.checked_mul(*nanos)?;
    let whole = whole.parse::<u64>().ok()?.checked_mul(*nanos)?;
    // Half a nanosecond is none that anybody can wait for.
    let part = Some(part / scale).filter(|_| part % scale == 0)?;
    Some(Duration::from_nanos(whole.checked_add(part)?))
}

struct Time;

impl Visitor<'_> for Time {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TIME)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

pub(super) fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    from.deserialize_any(Time)
}

pub(super) fn some_time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    struct SomeTime;

    impl Visitor<'_> for SomeTime {
        type Value = Option<Duration>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(TIME)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            Time.visit_str(text).map(Some)
        }

        /// JSON's null.
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }

    from.deserialize_any(SomeTime)
}

/// A table, field by field. What serde derives would take a list too, and its values in the order of the fields, which nobody
/// has written down.
pub(super) fn table<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    struct Table<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Table<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a table")
        }

        fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(fields))
        }
    }

    from.deserialize_map(Table(PhantomData))
}

/// A share of a whole, 0 to 1; NaN is none.
pub(super) fn share<'de, D: Deserializer<'de>>(from: D) -> Result<Ratio, D::Error> {
    struct Share;

    impl Visitor<'_> for Share {
        type Value = Ratio;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a share between 0 and 1, as 0.5")
        }

        fn visit_f64<E: Error>(self, share: f64) -> Result<Ratio, E> {
            if (0.0..=1.0).contains(&share) {
                Ok(Ratio::new(share))
            } else {
                Err(E::invalid_value(Unexpected::Float(share), &self))
            }
        }

        fn visit_u64<E: Error>(self, share: u64) -> Result<Ratio, E> {
            match share {
                0 => Ok(Ratio::ZERO),
                1 => Ok(Ratio::ONE),
                _ => Err(E::invalid_value(Unexpected::Unsigned(share), &self)),
            }
        }

        fn visit_i64<E: Error>(self, share: i64) -> Result<Ratio, E> {
            match u64::try_from(share) {
                Ok(share) => self.visit_u64(share),
                Err(_) => Err(E::invalid_value(Unexpected::Signed(share), &self)),
            }
        }
    }

    from.deserialize_any(Share)
}

/// A time, or a number of calls.
pub(super) fn window<'de, D: Deserializer<'de>>(from: D) -> Result<Window, D::Error> {
    struct TimeOrCalls;

    impl Visitor<'_> for TimeOrCalls {
        type Value = Window;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a time with its unit, as \"10s\", or a number of calls, as 100")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Window, E> {
            parse(text).map(Window::Time).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
        }

        fn visit_u64<E: Error>(self, calls: u64) -> Result<Window, E> {
            let calls = u32::try_from(calls);
            calls.map(Window::Calls).map_err(|_| E::custom("is more calls than a window can hold"))
        }

        fn visit_i64<E: Error>(self, calls: i64) -> Result<Window, E> {
            match u64::try_from(calls) {
                Ok(calls) => self.visit_u64(calls),
                Err(_) => Err(E::invalid_value(Unexpected::Signed(calls), &self)),
            }
        }
    }

    from.deserialize_any(TimeOrCalls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_written_with_their_unit() {
        for (text, nanos) in [
            ("250ms", 250_000_000),
            ("3s", 3_000_000_000),
            (" 1.5s ", 1_500_000_000),
            ("0s", 0),
            ("2 m", 120_000_000_000),
            ("1h", 3_600_000_000_000),
            ("7us", 7_000),
            ("9ns", 9),
            ("0.001us", 1),
            ("18446744073709551615ns", u64::MAX),
        ] {
            assert_eq!(parse(text), Some(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "3",
            "s",
            "-3s",
            "+3s",
            "3 days",
            "3S",
            "3sec",
            "1e3s",
            ".5s",
            "5.s",
            "1..5s",
            "0.5ns",
            "NaNs",
            "infs",
            "1h30m",
            "18446744073709551616ns",
            "584542046090626y",
            "6000000h",
            "1.0000000001s",
            "३s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_whole_number_of_a_unit_is_read_exactly(number in 0_u64..5_000_000, unit in 0_usize..UNITS.len()) {
            let (name, nanos) = UNITS[unit];
            prop_assert_eq!(parse(&format!("{number}{name}")), Some(Duration::from_nanos(number * nanos)));
        }

        #[test]
        fn whatever_is_written_is_read_or_refused(text in "\\PC{0,12}") {
            let _ = parse(&text);
        }
    }
}

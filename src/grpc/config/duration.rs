//! Times as they stand in a service config: `"1.5s"`.

use std::time::Duration;

/// The most seconds that the format allows: some ten thousand years.
const MOST: u64 = 315_576_000_000;

/// Seconds in decimal, at most nine digits after the point, and an `s`. No sign: no time here may be negative.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let number = text.strip_suffix('s')?;
    let (whole, decimals) = match number.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (number, None),
    };
    let seconds = digits(whole)?;
    let nanos = match decimals {
        None => 0,
        Some(decimals) if decimals.len() <= 9 => {
            digits(decimals)? * 10_u64.pow(9 - u32::try_from(decimals.len()).ok()?)
        }
        Some(_) => return None,
    };
    if seconds > MOST || (seconds == MOST && nanos > 0) {
        return None;
    }
    Some(Duration::from_secs(seconds) + Duration::from_nanos(nanos))
}

/// `parse` alone would take a sign.
fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn seconds_with_decimals_and_nothing_else() {
        for (text, expected) in [
            ("0s", Some(Duration::ZERO)),
            ("1s", Some(Duration::from_secs(1))),
            ("0.1s", Some(Duration::from_millis(100))),
            ("1.000340012s", Some(Duration::new(1, 340_012))),
            ("007.50s", Some(Duration::from_millis(7500))),
            ("315576000000s", Some(Duration::from_secs(MOST))),
            ("315576000000.000000001s", None),
            ("315576000001s", None),
            ("99999999999999999999999s", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
        for nonsense in [
            "",
            "s",
            "1",
            "1m",
            "1 s",
            " 1s",
            "1s ",
            "-1s",
            "+1s",
            "1.s",
            ".5s",
            "1.0000000001s",
            "1e3s",
            "1,5s",
            "1.-5s",
            "1.5.0s",
        ] {
            assert_eq!(parse(nonsense), None, "{nonsense:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_in_nanoseconds_is_read_back(seconds in 0..MOST, nanos in 0..1_000_000_000_u32) {
            prop_assert_eq!(parse(&format!("{seconds}.{nanos:09}s")), Some(Duration::new(seconds, nanos)));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,12}s?") {
            let _ = parse(&text);
        }
    }
}

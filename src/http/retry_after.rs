//! How long an answer asks to wait before the next one.

use crate::clock;
use ::http::{
    HeaderMap, StatusCode,
    header::{DATE, HeaderValue, RETRY_AFTER},
};
use std::time::{Duration, SystemTime};

/// The time that `Retry-After` asks for, in seconds or as a date.
///
/// | header | wait |
/// |---|---|
/// | `120` | 120 s |
/// | more digits than a number holds | the longest there is |
/// | a date, in any of the three forms that HTTP knows | from the `Date` of the same answer, so that clocks need not agree; without one, from the time of day here |
/// | a date that has passed | zero |
/// | several headers | the longest of those that can be read |
/// | anything else: `-1`, `1.5`, `soon`, nothing | none |
///
/// There is no cap here: whoever waits has one. A retry ends with the answer that it has where the hint is over its cap or the
/// time left; a breaker stays open no longer than its own.
///
/// ```
/// use std::time::Duration;
/// use buttress::http::retry_after;
///
/// let of = |value| retry_after(http::Response::builder().header("retry-after", value).body(()).unwrap().headers());
/// assert_eq!(of("120"), Some(Duration::from_secs(120)));
/// assert_eq!(of("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
/// assert_eq!(of("soon"), None);
/// ```
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get_all(RETRY_AFTER).iter().filter_map(|value| read(value, headers)).max()
}

/// The same, of an answer whose status gives the header that meaning: too many requests, or unavailable. (Elsewhere it asks
/// for something else: after a redirect, for patience with the next request.)
pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let asks = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    if asks { retry_after(headers) } else { None }
}

fn read(value: &HeaderValue, headers: &HeaderMap) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    // `parse` alone would take a sign.
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    Some(until.duration_since(now(headers)).unwrap_or_default())
}

fn now(headers: &HeaderMap) -> SystemTime {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    date.and_then(|date| httpdate::parse_http_date(date.trim()).ok()).unwrap_or_else(clock::of_day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MONDAY: &str = "Mon, 02 Nov 2026 10:00:00 GMT";

    fn answer(values: &[&str], date: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(RETRY_AFTER, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
        }
        if let Some(date) = date {
            headers.insert(DATE, date.parse().expect("a value"));
        }
        headers
    }

    fn of(value: &str) -> Option<Duration> {
        retry_after(&answer(&[value], Some(MONDAY)))
    }

    const fn seconds(n: u64) -> Option<Duration> {
        Some(Duration::from_secs(n))
    }

    #[test]
    fn whole_seconds_are_read() {
        assert_eq!(of("120"), seconds(120));
        assert_eq!(of("0"), seconds(0));
        assert_eq!(of("007"), seconds(7));
        assert_eq!(of(" 2\t"), seconds(2));
    }

    #[test]
    fn a_date_is_read_against_that_of_the_answer_in_all_three_forms() {
        assert_eq!(of("Mon, 02 Nov 2026 10:02:00 GMT"), seconds(120));
        assert_eq!(of("Monday, 02-Nov-26 10:02:00 GMT"), seconds(120));
        assert_eq!(of("Mon Nov  2 10:02:00 2026"), seconds(120));
        assert_eq!(
            of("Fri, 31 Dec 9999 23:59:59 GMT"),
            seconds(253_402_300_799 - 1_793_613_600),
            "far, and no panic"
        );
    }

    #[test]
    fn a_date_that_has_passed_is_no_wait() {
        assert_eq!(of(MONDAY), seconds(0));
        assert_eq!(of("Sun, 06 Nov 1994 08:49:37 GMT"), seconds(0));
        assert_eq!(of("Thu, 01 Jan 1970 00:00:00 GMT"), seconds(0));
    }

    #[test]
    fn without_a_date_of_the_answer_the_time_of_day_here_is_taken() {
        for date in [None, Some("yesterday")] {
            assert_eq!(retry_after(&answer(&["Sun, 06 Nov 1994 08:49:37 GMT"], date)), seconds(0));
            let far = retry_after(&answer(&["Fri, 31 Dec 9999 23:59:59 GMT"], date)).expect("a date");
            assert!(far > Duration::from_secs(60 * 60 * 24 * 365 * 1000));
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for garbage in [
            "",
            " ",
            "-1",
            "+1",
            "1.5",
            "1e3",
            "0x10",
            "soon",
            "120, 60",
            "12 0",
            "\u{663}",
            "Mon, 02 Nov 2026",
            "Mon, 31 Feb 2026 10:00:00 GMT",
            "Mon, 02 Nov 2026 25:00:00 GMT",
            "Fri, 31 Dec 1969 23:59:59 GMT",
            "Fri, 31 Dec 9999 23:59:60 GMT",
            "Sat, 01 Jan 99999 00:00:00 GMT",
        ] {
            assert_eq!(of(garbage), None, "{garbage:?}");
        }
    }

    #[test]
    fn a_number_that_is_too_large_is_the_longest_wait() {
        assert_eq!(of("18446744073709551615"), seconds(u64::MAX));
        assert_eq!(of("18446744073709551616"), seconds(u64::MAX));
        assert_eq!(of(&"9".repeat(5000)), seconds(u64::MAX));
    }

    #[test]
    fn of_several_the_longest_counts_and_garbage_does_not() {
        assert_eq!(retry_after(&answer(&["1", "120", "60"], None)), seconds(120));
        assert_eq!(retry_after(&answer(&["soon", "3"], None)), seconds(3));
        assert_eq!(retry_after(&answer(&["soon", "-3"], None)), None);
        assert_eq!(retry_after(&answer(&[], None)), None);
    }

    #[test]
    fn only_429_and_503_ask_for_it() {
        let headers = answer(&["120"], None);
        for status in (100..1000).filter_map(|status| StatusCode::from_u16(status).ok()) {
            let asks = [429, 503].contains(&status.as_u16());
            assert_eq!(of_answer(status, &headers), if asks { seconds(120) } else { None });
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 512 }, ..ProptestConfig::default() })]

        #[test]
        fn nothing_that_fits_a_header_panics(value: Vec<u8>, date: Vec<u8>) {
            let mut headers = HeaderMap::new();
            for (name, value) in [(RETRY_AFTER, value), (DATE, date)] {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    headers.append(name, value);
                }
            }
            let _ = retry_after(&headers);
        }

        /// Nearly dates: fields out of their ranges, and in them.
        #[test]
        fn nothing_that_looks_like_a_date_panics(
            (day, month, year) in (0..40_u32, 0..14_usize, 0..20_000_u32),
            (hour, minute, second) in (0..30_u32, 0..70_u32, 0..70_u32),
        ) {
            let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Xyz", ""];
            let month = names[month];
            let _ = of(&format!("Mon, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT"));
            let _ = of(&format!("Monday, {day:02}-{month}-{:02} {hour:02}:{minute:02}:{second:02} GMT", year % 100));
            let _ = of(&format!("Mon {month} {day:2} {hour:02}:{minute:02}:{second:02} {year:04}"));
        }
    }
}

//! `grpc-retry-pushback-ms`: the server's own word on whether and when to come again.

use crate::outcome::Outcome;
use ::http::{HeaderMap, HeaderName};
use std::time::Duration;

/// The header by which a server says how long to wait before a retry.
pub(super) const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// What `grpc-retry-pushback-ms` says.
///
/// ```
/// use std::time::Duration;
/// use buttress::grpc::Pushback;
///
/// let mut trailers = http::HeaderMap::new();
/// assert_eq!(Pushback::find(&trailers), None);
/// trailers.insert("grpc-retry-pushback-ms", "1000".parse().unwrap());
/// assert_eq!(Pushback::find(&trailers), Some(Pushback::After(Duration::from_secs(1))));
/// trailers.insert("grpc-retry-pushback-ms", "-1".parse().unwrap());
/// assert_eq!(Pushback::find(&trailers), Some(Pushback::Never));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushback {
    /// Come again, and not before.
    After(Duration),
    /// Do not come again with this call: a negative number, what is no 32-bit number, and the header twice.
    Never,
}

impl Pushback {
    /// What the headers or trailers say, if they say anything.
    #[must_use]
    pub fn find(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(PUSHBACK).iter();
        let value = values.next()?;
        // `parse` alone would take a plus.
        let millis = value
            .to_str()
            .ok()
            .filter(|text| !text.starts_with('+'))
            .and_then(|text| text.parse::<i32>().ok());
        Some(match (millis.map(u64::try_from), values.next()) {
            (Some(Ok(millis)), None) => Self::After(Duration::from_millis(millis)),
            _ => Self::Never,
        })
    }

    /// The outcome, with what the server says of another attempt.
    #[must_use]
    pub fn told(headers: &HeaderMap, outcome: Outcome) -> Outcome {
        match Self::find(headers) {
            None => outcome,
            Some(Self::After(wait)) => outcome.hint(wait),
            Some(Self::Never) => outcome.do_not_retry(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_of_32_bits_is_a_time_and_anything_else_a_no() {
        let found = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(PUSHBACK, value.parse().expect("a header value"));
            }
            Pushback::find(&headers)
        };
        assert_eq!(found(&[]), None);
        for (value, millis) in [("0", 0), ("1000", 1000), ("2147483647", i32::MAX as u64), ("007", 7)] {
            assert_eq!(found(&[value]), Some(Pushback::After(Duration::from_millis(millis))), "{value}");
        }
        for no in ["-1", "xxx", "", "2147483648", "1.5", "1s", "+1", "0x1", "\u{e9}"] {
            assert_eq!(found(&[no]), Some(Pushback::Never), "{no:?}");
        }
        assert_eq!(found(&["1000", "1000"]), Some(Pushback::Never));
        assert_eq!(found(&["1000", "-1"]), Some(Pushback::Never));
    }
}

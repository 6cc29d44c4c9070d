//! `grpc-timeout`: how long the caller of a gRPC method waits.

use crate::http::{DeadlineLayer, ReadTimeout};
use ::http::HeaderMap;
use std::time::Duration;

/// Gives each call the deadline of its `grpc-timeout`, believed no longer than `max`.
///
/// tonic's own server reads the header as well, but it cuts outside of your layers and tells nobody inside. With this layer
/// the layers inside know the time that is left, and answer before tonic does.
///
/// ```
/// # use std::time::Duration;
/// use buttress::{grpc, timeout::TimeoutLayer};
///
/// let stack = (
///     grpc::deadline(Duration::from_secs(30)),
///     grpc::guard(TimeoutLayer::new(Duration::from_secs(3))),
/// );
/// # drop(stack);
/// ```
#[must_use]
pub fn deadline(max: Duration) -> DeadlineLayer<GrpcTimeout> {
    DeadlineLayer::reading(GrpcTimeout { _more: () }).trust_deadline(max)
}

/// Reads `grpc-timeout`. See [`deadline`].
#[derive(Clone, Copy, Debug, Default)]
pub struct GrpcTimeout {
    _more: (),
}

impl ReadTimeout for GrpcTimeout {
    fn read(&self, headers: &HeaderMap) -> Option<Duration> {
        parse_timeout(headers.get("grpc-timeout")?.as_bytes())
    }
}

/// A `grpc-timeout` value: at most eight digits and a unit of `H M S m u n`. `None` where it is anything else.
///
/// ```
/// # use std::time::Duration;
/// use buttress::grpc::parse_timeout;
///
/// assert_eq!(parse_timeout(b"250m"), Some(Duration::from_millis(250)));
/// assert_eq!(parse_timeout(b"99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
/// assert_eq!(parse_timeout(b"100000000S"), None);
/// assert_eq!(parse_timeout(b"-1S"), None);
/// ```
#[must_use]
pub fn parse_timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    let mut amount = 0u64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        amount = amount * 10 + u64::from(digit - b'0');
    }
    match unit {
        b'H' => Some(Duration::from_secs(amount * 3600)),
        b'M' => Some(Duration::from_secs(amount * 60)),
        b'S' => Some(Duration::from_secs(amount)),
        b'm' => Some(Duration::from_millis(amount)),
        b'u' => Some(Duration::from_micros(amount)),
        b'n' => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_fits_the_grammar_is_read_and_nothing_else(value in "[0-9]{0,10}[HMSmunx]?") {
            let digits = value.trim_end_matches(|last: char| !last.is_ascii_digit());
            let fits = (1..=8).contains(&digits.len()) && value.len() == digits.len() + 1 && !value.ends_with('x');
            prop_assert_eq!(parse_timeout(value.as_bytes()).is_some(), fits);
        }

        #[test]
        fn no_bytes_panic(value in prop::collection::vec(any::<u8>(), 0..12)) {
            let _ = parse_timeout(&value);
        }
    }
}

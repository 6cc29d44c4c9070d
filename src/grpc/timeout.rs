//! `grpc-timeout`: how long the caller of a gRPC method waits.

use crate::http::{DeadlineLayer, Digits, ReadTimeout, SendDeadlineLayer, WriteTimeout, only};
use ::http::{HeaderMap, HeaderName};
use std::time::Duration;

const HEADER: HeaderName = HeaderName::from_static("grpc-timeout");

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

/// Tells the next hop how long it may take, in `grpc-timeout`: the layer for clients. See [`SendDeadlineLayer`].
///
/// It stands inside the retry and outside of `grpc::lift()`. tonic's channel reads the header as well, and cuts by it; the lift
/// turns that cut into what it is, [`DeadlinePassed`](crate::rejected::Reason::DeadlinePassed). A `grpc-timeout` that the
/// caller of a method has set (tonic's `Request::set_timeout`) is only ever shortened, and [`deadline`], outermost in the
/// client's stack, makes it the deadline of the whole call.
///
/// ```
/// # use std::time::Duration;
/// use buttress::{grpc, timeout::TimeoutLayer};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let channel = tonic::transport::Endpoint::from_static("http://payments.internal").connect_lazy();
/// let service = tower::ServiceBuilder::new()
///     .layer(TimeoutLayer::new(Duration::from_secs(3)))
///     .layer(grpc::send_deadline().margin(Duration::from_millis(5)))
///     .layer(grpc::lift())
///     .service(channel);
/// # drop(service);
/// # }
/// ```
#[must_use]
pub const fn send_deadline() -> SendDeadlineLayer<GrpcTimeout> {
    SendDeadlineLayer::writing(GrpcTimeout { _more: () })
}

/// Reads and writes `grpc-timeout`. See [`deadline`] and [`send_deadline`].
///
/// A header that stands there twice cannot be read, and counts as none.
#[derive(Clone, Copy, Debug, Default)]
pub struct GrpcTimeout {
    _more: (),
}

impl ReadTimeout for GrpcTimeout {
    fn read(&self, headers: &HeaderMap) -> Option<Duration> {
        parse_timeout(only(headers, &HEADER)?.as_bytes())
    }
}

impl WriteTimeout for GrpcTimeout {
    fn write(&self, left: Duration, headers: &mut HeaderMap) -> bool {
        let (amount, unit) = in_eight_digits(left);
        amount > 0 && Digits::new(amount.into(), Some(unit)).insert(headers, HEADER)
    }
}

/// The most that eight digits hold.
const MOST: u32 = 99_999_999;

/// In the finest unit that has room for it, and rounded down: what is told is never more than what is left. A time that
/// has no room in hours (over eleven thousand years) is told as the longest there is.
fn in_eight_digits(left: Duration) -> (u32, u8) {
    let (nanos, seconds) = (left.as_nanos(), u128::from(left.as_secs()));
    let units = [
        (nanos, b'n'),
        (nanos / 1_000, b'u'),
        (nanos / 1_000_000, b'm'),
        (seconds, b'S'),
        (seconds / 60, b'M'),
        (seconds / 3600, b'H'),
    ];
    let fits = |(amount, unit): (u128, u8)| {
        Some((u32::try_from(amount).ok().filter(|amount| *amount <= MOST)?, unit))
    };
    units.into_iter().find_map(fits).unwrap_or((MOST, b'H'))
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
        fn what_is_written_is_read_back_in_the_finest_unit_that_has_room_and_is_never_more(
            left in prop_oneof![
                (0..200_000_000_u64).prop_map(Duration::from_nanos),
                any::<u64>().prop_map(Duration::from_nanos),
                any::<u64>().prop_map(Duration::from_secs),
            ],
        ) {
            let mut headers = HeaderMap::new();
            let written = GrpcTimeout::default().write(left, &mut headers);
            prop_assert_eq!(written, !left.is_zero());
            if written {
                let value = headers[HEADER].to_str().expect("ASCII").to_owned();
                let read = parse_timeout(value.as_bytes()).expect("readable");
                prop_assert!(value.len() <= 9 && read <= left, "{value}");
                // What is lost is less than a hundred-thousandth, or there is no finer unit.
                prop_assert!(left - read <= left / 10_000 || value.ends_with('H'), "{value} for {left:?}");
                prop_assert!(left - read < Duration::from_secs(3600) || value == "99999999H");
                // And what was read is written the same way, to the nanosecond.
                let mut again = HeaderMap::new();
                GrpcTimeout::default().write(read, &mut again);
                prop_assert_eq!(GrpcTimeout::default().read(&again), Some(read));
            }
        }

        #[test]
        fn no_bytes_panic(value in prop::collection::vec(any::<u8>(), 0..12)) {
            let _ = parse_timeout(&value);
        }
    }

    #[test]
    fn each_unit_takes_over_where_eight_digits_end() {
        let second = Duration::from_secs(1);
        for (left, expected) in [
            (Duration::ZERO, None),
            (Duration::from_nanos(1), Some("1n")),
            (Duration::from_nanos(99_999_999), Some("99999999n")),
            (Duration::from_nanos(100_000_000), Some("100000u")),
            (Duration::from_nanos(100_000_999), Some("100000u")),
            (Duration::from_micros(99_999_999), Some("99999999u")),
            (second * 100, Some("100000m")),
            (Duration::from_millis(99_999_999), Some("99999999m")),
            (second * 100_000, Some("100000S")),
            (second * 99_999_999, Some("99999999S")),
            (second * 100_000_000, Some("1666666M")),
            (Duration::from_secs(99_999_999 * 60), Some("99999999M")),
            (Duration::from_secs(100_000_000 * 60), Some("1666666H")),
            (Duration::from_secs(99_999_999 * 3600), Some("99999999H")),
            (Duration::from_secs(100_000_000 * 3600), Some("99999999H")),
            (Duration::MAX, Some("99999999H")),
        ] {
            let mut headers = HeaderMap::new();
            GrpcTimeout::default().write(left, &mut headers);
            assert_eq!(headers.get(HEADER).map(|value| value.to_str().expect("ASCII")), expected, "{left:?}");
        }
    }
}

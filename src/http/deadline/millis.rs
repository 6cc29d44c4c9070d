//! The plain form: a header that holds a whole number of milliseconds.

use super::{
    ReadTimeout, WriteTimeout,
    wire::{Digits, only},
};
use ::http::{HeaderMap, HeaderName};
use std::time::Duration;

/// A header that holds a whole number of milliseconds, in decimal digits and nothing else.
///
/// | what stands there | is read as |
/// |---|---|
/// | `250`, with or without blanks around it | a quarter of a second |
/// | `0` | a time that is over |
/// | more digits than a `u64` holds | a very long time |
/// | a sign, a point, a unit, a comma, letters, nothing | not readable: as if the header were missing |
/// | the header twice, the same or not | the same: not readable |
///
/// What is written is rounded down, so that nobody is promised time that is not there; less than a whole millisecond
/// is not written at all: it is over.
///
/// ```
/// use std::time::Duration;
/// use buttress::http::{HeaderMillis, ReadTimeout, WriteTimeout};
///
/// let (form, mut headers) = (HeaderMillis::default(), http::HeaderMap::new());
/// assert!(form.write(Duration::from_micros(1_999), &mut headers));
/// assert_eq!(headers["x-request-timeout-ms"], "1");
/// assert_eq!(form.read(&headers), Some(Duration::from_millis(1)));
/// assert!(!form.write(Duration::from_micros(999), &mut headers));
/// ```
#[derive(Clone, Debug)]
pub struct HeaderMillis {
    name: HeaderName,
}

impl HeaderMillis {
    /// In the header of this name.
    #[must_use]
    pub const fn new(name: HeaderName) -> Self {
        Self { name }
    }
}

/// The header where no other is named.
pub(super) const NAME: HeaderName = HeaderName::from_static("x-request-timeout-ms");

/// `x-request-timeout-ms`.
impl Default for HeaderMillis {
    fn default() -> Self {
        Self::new(NAME)
    }
}

impl ReadTimeout for HeaderMillis {
    fn read(&self, headers: &HeaderMap) -> Option<Duration> {
        let digits = only(headers, &self.name)?.to_str().ok()?.trim();
        // `parse` alone would take a sign.
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // More digits than a u64 holds are a very long time, not nonsense.
        Some(Duration::from_millis(digits.parse().unwrap_or(u64::MAX)))
    }
}

impl WriteTimeout for HeaderMillis {
    fn write(&self, left: Duration, headers: &mut HeaderMap) -> bool {
        let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        millis > 0 && Digits::new(millis, None).insert(headers, self.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read_back_to_the_millisecond_and_is_never_more(
            left in prop_oneof![0..5_000_000_u64, any::<u64>()].prop_map(Duration::from_nanos),
        ) {
            let (form, mut headers) = (HeaderMillis::default(), HeaderMap::new());
            let written = form.write(left, &mut headers);
            prop_assert_eq!(written, left >= Duration::from_millis(1));
            if written {
                let read = form.read(&headers).expect("readable");
                prop_assert!(read <= left && left - read < Duration::from_millis(1));
            }
        }
    }

    #[test]
    fn the_longest_time_there_is_saturates() {
        let (form, mut headers) = (HeaderMillis::default(), HeaderMap::new());
        assert!(form.write(Duration::MAX, &mut headers));
        assert_eq!(form.read(&headers), Some(Duration::from_millis(u64::MAX)));
    }
}

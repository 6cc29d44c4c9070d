//! How a time is said in a header, for whoever has a header of their own.

use ::http::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

/// Finds in the headers how long the caller waits.
pub trait ReadTimeout {
    /// The time the caller gives, from now on; `None` where it does not say, or says it in a way that cannot be read.
    fn read(&self, headers: &HeaderMap) -> Option<Duration>;
}

/// Says in the headers how long the caller waits.
///
/// ```
/// use std::time::Duration;
/// use buttress::{grpc::GrpcTimeout, http::WriteTimeout};
///
/// let mut headers = http::HeaderMap::new();
/// assert!(GrpcTimeout::default().write(Duration::from_micros(1_999_999_999), &mut headers));
/// assert_eq!(headers["grpc-timeout"], "1999999m", "never more than what is left");
/// assert!(!GrpcTimeout::default().write(Duration::ZERO, &mut headers), "no time is no time to tell of");
/// ```
pub trait WriteTimeout {
    /// Says `left`, or a little less where the form has no words for it; never more. What stood there before is
    /// replaced. `false`, and nothing written, where it is too little to be said: the time is over.
    fn write(&self, left: Duration, headers: &mut HeaderMap) -> bool;
}

/// The value of a header that may stand there once: `None` where it is missing, and where there are several, since
/// nobody can know which of them the others on the way have believed.
pub(crate) fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { Some(value) }
}

/// A number in decimal, and what comes after it, on the stack: the header value is all that is allocated.
pub(crate) struct Digits {
    /// Room for the twenty digits of a `u64` and a unit.
    text: [u8; 21],
    from: usize,
}

impl Digits {
    pub(crate) const fn new(number: u64, unit: Option<u8>) -> Self {
        let (mut text, mut from, mut rest) = ([0; 21], 21, number);
        if let Some(unit) = unit {
            from -= 1;
            text[from] = unit;
        }
        loop {
            from -= 1;
            text[from] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                return Self { text, from };
            }
        }
    }

    /// Puts it into the headers, in the place of whatever stood there.
    pub(crate) fn insert(&self, headers: &mut HeaderMap, name: HeaderName) -> bool {
        // Digits and a letter are always a header value.
        HeaderValue::from_bytes(&self.text[self.from..]).is_ok_and(|value| {
            headers.insert(name, value);
            true
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_number() {
        for number in [0, 1, 9, 10, 99, 100, 12_345_678, u64::MAX] {
            let digits = Digits::new(number, None);
            assert_eq!(digits.text[digits.from..], *number.to_string().as_bytes());
            let digits = Digits::new(number, Some(b'm'));
            assert_eq!(digits.text[digits.from..], *format!("{number}m").as_bytes());
        }
    }
}

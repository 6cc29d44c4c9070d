//! The status codes of gRPC, and what each says about a service.

use crate::{
    outcome::{Class, Outcome},
    rejected::Reason,
};
use ::http::{HeaderMap, StatusCode};

/// A gRPC status code, as it stands on the wire.
///
/// ```
/// use buttress::grpc::Code;
///
/// assert_eq!(Code::parse(b"14"), Code::UNAVAILABLE);
/// assert_eq!(Code::parse(b"teapot"), Code::UNKNOWN);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code(u8);

macro_rules! codes {
    ($($number:literal $name:ident),+ $(,)?) => {
        impl Code {
            $(#[doc = concat!("`", stringify!($name), "`, ", stringify!($number), ".")] pub const $name: Self = Self($number);)+

            /// The name, as it stands in the specification.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($number => stringify!($name),)+
                    _ => "UNKNOWN",
                }
            }

            /// All of them, by number.
            pub fn all() -> impl Iterator<Item = Self> {
                [$(Self::$name),+].into_iter()
            }
        }
    };
}

codes! {
    0 OK, 1 CANCELLED, 2 UNKNOWN, 3 INVALID_ARGUMENT, 4 DEADLINE_EXCEEDED, 5 NOT_FOUND, 6 ALREADY_EXISTS,
    7 PERMISSION_DENIED, 8 RESOURCE_EXHAUSTED, 9 FAILED_PRECONDITION, 10 ABORTED, 11 OUT_OF_RANGE, 12 UNIMPLEMENTED,
    13 INTERNAL, 14 UNAVAILABLE, 15 DATA_LOSS, 16 UNAUTHENTICATED,
}

impl Code {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The code of that number; what is no known code is [`Code::UNKNOWN`].
    #[must_use]
    pub const fn of_number(number: i32) -> Self {
        match number {
            0..=16 => Self(number as u8),
            _ => Self::UNKNOWN,
        }
    }

    /// A `grpc-status` value. What is no known code is [`Code::UNKNOWN`], as clients are told to read it.
    #[must_use]
    pub const fn parse(value: &[u8]) -> Self {
        match value {
            [digit @ b'0'..=b'9'] => Self(*digit - b'0'),
            [b'1', digit @ b'0'..=b'6'] => Self(10 + *digit - b'0'),
            _ => Self::UNKNOWN,
        }
    }

    /// The code in headers or trailers, if there is one.
    #[must_use]
    pub fn find(headers: &HeaderMap) -> Option<Self> {
        headers.get("grpc-status").map(|value| Self::parse(value.as_bytes()))
    }

    /// What a client makes of an HTTP answer without a gRPC status: a proxy has spoken, not the service.
    #[must_use]
    pub fn of_http(status: StatusCode) -> Self {
        match status.as_u16() {
            400 => Self::INTERNAL,
            401 => Self::UNAUTHENTICATED,
            403 => Self::PERMISSION_DENIED,
            404 => Self::UNIMPLEMENTED,
            429 | 502 | 503 | 504 => Self::UNAVAILABLE,
            _ => Self::UNKNOWN,
        }
    }

    /// The code that answers a rejection.
    #[must_use]
    pub const fn of_reason(reason: Reason) -> Self {
        match reason {
            Reason::TimedOut | Reason::DeadlinePassed => Self::DEADLINE_EXCEEDED,
            Reason::Open | Reason::Shed | Reason::NoEndpoint | Reason::StoreDown => Self::UNAVAILABLE,
            Reason::Full | Reason::Limited | Reason::TooLarge => Self::RESOURCE_EXHAUSTED,
        }
    }

    /// What it says about the service: `UNAVAILABLE`, `INTERNAL`, `UNKNOWN` and `DATA_LOSS` are failures,
    /// `DEADLINE_EXCEEDED` is a timeout, `RESOURCE_EXHAUSTED` asks for less, and every other code is a service that does
    /// its work.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::UNAVAILABLE | Self::INTERNAL | Self::UNKNOWN | Self::DATA_LOSS => Outcome::FAILED,
            Self::DEADLINE_EXCEEDED => Outcome::TIMED_OUT,
            Self::RESOURCE_EXHAUSTED => Outcome::of(Class::Throttled),
            _ => Outcome::OK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_back_and_nothing_else_is_a_code() {
        for number in 0..=16u8 {
            assert_eq!(Code::parse(number.to_string().as_bytes()).number(), number);
        }
        for nonsense in ["", "17", "016", "00", "-1", "1 ", "OK", "\u{1}"] {
            assert_eq!(Code::parse(nonsense.as_bytes()), Code::UNKNOWN, "{nonsense:?}");
        }
    }

    #[test]
    fn only_what_is_the_services_own_fault_is_a_failure() {
        let failures = (0..=16).filter(|number| Code(*number).outcome().class() == Class::Failed);
        assert_eq!(failures.collect::<Vec<_>>(), [2, 13, 14, 15]);
        assert_eq!(Code::DEADLINE_EXCEEDED.outcome().class(), Class::TimedOut);
        assert_eq!(Code::RESOURCE_EXHAUSTED.outcome().class(), Class::Throttled);
    }
}

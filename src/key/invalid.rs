//! Why a field was refused as an idempotency key, and what its sender should do instead.

use std::{error::Error, fmt};

/// Why something is no idempotency key.
///
/// The text says what to do, and never repeats what was sent: it may go into a response or a log.
///
/// ```
/// use buttress::key::{Invalid, Key, Syntax};
///
/// let refused = Key::parse(Syntax::Lenient, b"order 7").unwrap_err();
/// assert_eq!(refused, Invalid::Space);
/// assert_eq!(refused.to_string(), "a space in a raw idempotency key: put the key in double quotes");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Invalid {
    /// Nothing there, or only white space, or `""`.
    Empty,
    /// Fewer bytes than the service demands.
    TooShort {
        /// How many it demands.
        min: u8,
    },
    /// More than 255 bytes. It is not cut: two long keys that differ at their ends are two keys.
    TooLong,
    /// A comma in a raw key, or between two quoted ones: several field lines, joined on the way, look like this.
    Comma,
    /// White space in a raw key.
    Space,
    /// A control character.
    Control,
    /// A byte outside ASCII.
    NotAscii,
    /// Not in quotes, where [`Syntax::Strict`](super::Syntax::Strict) demands them.
    NotQuoted,
    /// An opening quote without its closing one.
    Unclosed,
    /// A backslash before something else than `"` or `\`.
    Escape,
    /// Something other than parameters behind the closing quote.
    AfterQuote,
    /// A parameter that is none by RFC 9651.
    Parameter,
    /// More than one field line, equal or not.
    Repeated,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "an empty idempotency key: send 1 to 255 characters, or leave the field out",
            Self::TooShort { min } => {
                return write!(f, "the idempotency key is too short: send at least {min} characters");
            }
            Self::TooLong => "the idempotency key is too long: send at most 255 characters",
            Self::Comma => "a comma in the idempotency key: send one key, and put it in double quotes if the comma is part of it",
            Self::Space => "a space in a raw idempotency key: put the key in double quotes",
            Self::Control => "a control character in the idempotency key: send printable ASCII",
            Self::NotAscii => "a character outside ASCII in the idempotency key: send printable ASCII",
            Self::NotQuoted => "the idempotency key is not quoted: put it in double quotes",
            Self::Unclosed => "the idempotency key is quoted on one side only: close the quotes",
            Self::Escape => {
                "a backslash in the quoted idempotency key: only `\\\"` and `\\\\` can be written with one"
            }
            Self::AfterQuote => "something stands behind the closing quote of the idempotency key: end it there",
            Self::Parameter => {
                "a malformed parameter behind the idempotency key: leave it out, or write it by RFC 9651"
            }
            Self::Repeated => "more than one idempotency key: send one field line",
        })
    }
}

impl Error for Invalid {}

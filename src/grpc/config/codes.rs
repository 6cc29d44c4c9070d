//! A set of status codes, by name or by number.

use super::{ConfigError, at::At};
use crate::grpc::Code;
use std::fmt;

/// A set of status codes.
///
/// ```
/// use buttress::grpc::{Code, Codes};
///
/// let codes: Codes = [Code::UNAVAILABLE, Code::ABORTED].into_iter().collect();
/// assert!(codes.contains(Code::ABORTED) && !codes.contains(Code::INTERNAL));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Codes(u32);

impl Codes {
    /// Whether the code is one of them.
    #[must_use]
    pub const fn contains(self, code: Code) -> bool {
        self.0 >> code.number() & 1 == 1
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// In ascending order.
    pub fn iter(self) -> impl Iterator<Item = Code> {
        Code::all().filter(move |code| self.contains(*code))
    }

    pub(super) fn read(at: &At<'_, '_>) -> Result<Self, ConfigError> {
        at.items()?.map(|item| one(&item)).collect()
    }
}

/// A number, or a name in whatever case.
fn one(at: &At<'_, '_>) -> Result<Code, ConfigError> {
    let found = match at.as_text() {
        Some(name) => Code::all().find(|code| code.name().eq_ignore_ascii_case(name)),
        None => Code::all().find(|code| at.whole().is_ok_and(|number| number == u64::from(code.number()))),
    };
    match found {
        Some(Code::OK) => Err(at.wrong("is a success")),
        Some(code) => Ok(code),
        None => {
            Err(at.wrong("is no status code, neither a name like \"UNAVAILABLE\" nor a number from 1 to 16"))
        }
    }
}

impl FromIterator<Code> for Codes {
    fn from_iter<T: IntoIterator<Item = Code>>(codes: T) -> Self {
        Self(codes.into_iter().fold(0, |set, code| set | 1 << code.number()))
    }
}

impl fmt::Debug for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Code::name)).finish()
    }
}

//! How strictly a field is read.

/// Which ways of writing a key are accepted.
///
/// The standard's draft wants a string in quotes; most SDKs in the field send the key as it is. A server that insists on
/// one of them turns the other half of its clients away, so the default takes both.
///
/// ```
/// use buttress::key::{Invalid, Key, Syntax};
///
/// assert_eq!(Key::parse(Syntax::Lenient, b"a1")?, Key::parse(Syntax::Lenient, b"\"a1\"")?);
/// assert_eq!(Key::parse(Syntax::Strict, b"a1"), Err(Invalid::NotQuoted));
/// assert_eq!(Key::parse(Syntax::Raw, b"\"a1\"")?.as_str(), "\"a1\"");
/// # Ok::<(), Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Syntax {
    /// What begins with a double quote is read as a string by RFC 9651, everything else as a raw key.
    #[default]
    Lenient,
    /// Only a string by RFC 9651: `"key"`, and parameters, which mean nothing.
    Strict,
    /// Only raw keys: quotes are bytes of the key like any other.
    Raw,
}

impl Syntax {
    /// With a least length, in bytes of the key itself: a key that is easily guessed is easily met by accident. 0 counts
    /// as 1, and over 255 as 255. 16 is a good choice; without this it is 1.
    ///
    /// ```
    /// use buttress::key::{Invalid, Key, Syntax};
    ///
    /// let rules = Syntax::Lenient.min_len(16);
    /// assert_eq!(Key::parse(rules, b"1"), Err(Invalid::TooShort { min: 16 }));
    /// ```
    #[must_use]
    pub fn min_len(self, bytes: usize) -> Rules {
        Rules { syntax: self, min: u8::try_from(bytes.max(1)).unwrap_or(u8::MAX) }
    }
}

/// A [`Syntax`] and a least length; a plain `Syntax` is one too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    pub(super) syntax: Syntax,
    /// At least 1.
    pub(super) min: u8,
}

impl Default for Rules {
    fn default() -> Self {
        Syntax::default().into()
    }
}

impl From<Syntax> for Rules {
    fn from(syntax: Syntax) -> Self {
        syntax.min_len(1)
    }
}

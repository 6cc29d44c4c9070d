//! The key itself.

use super::{Children, Invalid, Rules, parse};
use std::{fmt, sync::Arc};

/// The longest key, in bytes.
pub(super) const MAX: usize = 255;

/// An idempotency key: 1 to 255 bytes of printable ASCII that name one operation over all its attempts.
///
/// Opaque: bytes are compared as they are, case included. A clone counts a reference.
///
/// Who knows a key can ask for the stored answer, so it does not belong in logs: `Debug` and `Display` show the first 8
/// hex digits of its hash, which are enough to find the lines of one operation. **`to_string()` is therefore not the
/// key**; [`as_str`](Self::as_str) is, and [`quoted`](Self::quoted) is what to send.
///
/// ```
/// use buttress::key::Key;
///
/// let key = Key::new("order 7")?;
/// assert_eq!(key.as_str(), "order 7");
/// assert_eq!(key.quoted(), r#""order 7""#);
/// assert_eq!(format!("{key} {key:?}"), "731ab86f Key(731ab86f)");
/// # Ok::<(), buttress::key::Invalid>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// A key from the program itself: 1 to 255 characters of printable ASCII, space included.
    ///
    /// # Errors
    /// What is wrong with it. A field of a request goes through [`parse`](Self::parse) instead, which knows about quotes.
    pub fn new(text: impl AsRef<str>) -> Result<Self, Invalid> {
        parse::text(text.as_ref())
    }

    /// A key as it stands in one header field or metadata entry.
    ///
    /// White space around it is no part of it. The raw form is any visible ASCII without the comma; the quoted form is a
    /// string by RFC 9651, with `\"` and `\\` as its only escapes, and parameters behind it, which are checked and mean
    /// nothing. A raw key may hold quotes anywhere but in front: `a"b"` is five bytes, since clients that do not quote
    /// mean what they send.
    ///
    /// # Errors
    /// Why the field is no key. It is to be answered with 400, before anything else is done.
    ///
    /// ```
    /// use buttress::key::{Invalid, Key, Syntax};
    ///
    /// assert_eq!(Key::parse(Syntax::Lenient, b"  8e03978e ")?, Key::parse(Syntax::Lenient, b"\"8e03978e\"")?);
    /// assert_eq!(Key::parse(Syntax::Lenient, b"\"8e03978e"), Err(Invalid::Unclosed));
    /// assert_eq!(Key::parse(Syntax::Lenient, b"one,two"), Err(Invalid::Comma));
    /// # Ok::<(), Invalid>(())
    /// ```
    pub fn parse(rules: impl Into<Rules>, field: impl AsRef<[u8]>) -> Result<Self, Invalid> {
        parse::field(rules.into(), field.as_ref())
    }

    /// The key of a request, from all its field lines of that name: `None` where there is none.
    ///
    /// # Errors
    /// Why there is no telling. Two lines are refused even if they are equal: which of them a proxy before us or a
    /// service behind us reads is anybody's guess.
    ///
    /// ```
    /// use buttress::key::{Invalid, Key, Syntax};
    ///
    /// let lines = |lines: &[&str]| Key::from_lines(Syntax::Lenient, lines);
    /// assert_eq!(lines(&[]), Ok(None));
    /// assert_eq!(lines(&["a1"]), Key::new("a1").map(Some));
    /// assert_eq!(lines(&["a1", "a1"]), Err(Invalid::Repeated));
    /// ```
    pub fn from_lines<L>(rules: impl Into<Rules>, lines: L) -> Result<Option<Self>, Invalid>
    where
        L: IntoIterator<Item: AsRef<[u8]>>,
    {
        let mut lines = lines.into_iter();
        match (lines.next(), lines.next()) {
            (None, _) => Ok(None),
            (Some(line), None) => Self::parse(rules, line).map(Some),
            (Some(_), Some(_)) => Err(Invalid::Repeated),
        }
    }

    /// What has been checked, or made here.
    pub(super) fn trusted(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        debug_assert!(
            (1..=MAX).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        );
        Self(text)
    }

    /// The key, for whoever compares or sends it; not for logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The quoted form, which every key has: what a client sends to a service that follows the standard.
    ///
    /// ```
    /// # use buttress::key::Key;
    /// assert_eq!(Key::new(r#"say "hi""#)?.quoted(), r#""say \"hi\"""#);
    /// # Ok::<(), buttress::key::Invalid>(())
    /// ```
    #[must_use]
    pub fn quoted(&self) -> String {
        let mut quoted = String::with_capacity(self.0.len() + 2);
        quoted.push('"');
        for char in self.0.chars() {
            if matches!(char, '"' | '\\') {
                quoted.push('\\');
            }
            quoted.push(char);
        }
        quoted.push('"');
        quoted
    }

    /// The raw form, if it has one that is read back as this key: no space, no comma, no quote in front. Keys made here
    /// always have it.
    ///
    /// ```
    /// # use buttress::key::Key;
    /// assert_eq!(Key::new("8e03978e")?.raw(), Some("8e03978e"));
    /// assert_eq!(Key::new("order 7")?.raw(), None);
    /// # Ok::<(), buttress::key::Invalid>(())
    /// ```
    #[must_use]
    pub fn raw(&self) -> Option<&str> {
        (!self.0.starts_with('"') && self.0.bytes().all(parse::is_raw)).then_some(&*self.0)
    }

    /// The BLAKE3 hash of the key's bytes: all of it that a store should ever see.
    ///
    /// ```
    /// # use buttress::key::Key;
    /// assert_eq!(Key::new("a1")?.digest()[..4], [0x91, 0xa4, 0xe4, 0xb9]);
    /// # Ok::<(), buttress::key::Invalid>(())
    /// ```
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        *blake3::hash(self.0.as_bytes()).as_bytes()
    }

    /// Keys for the calls that this operation makes downstream. `scope` says whose key it is (tenant, operation), since
    /// two tenants may well send the same one; see [`Children`].
    #[must_use]
    pub fn children<'a>(&self, scope: &'a [u8]) -> Children<'a> {
        Children::of(scope, self.digest())
    }
}

/// What logs show of a key: the front of its digest, to be written as 8 hex digits.
pub(super) fn short(digest: &[u8; 32]) -> u32 {
    let [a, b, c, d, ..] = *digest;
    u32::from_be_bytes([a, b, c, d])
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", short(&self.digest()))
    }
}

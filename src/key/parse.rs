//! From a field to a key: the raw form, and the string of RFC 9651.

use super::{Invalid, Key, Rules, Syntax, parameters, value::MAX};

/// A key as it stands in a field.
pub(super) fn field(rules: Rules, field: &[u8]) -> Result<Key, Invalid> {
    let field = trimmed(field);
    let key = match (rules.syntax, field) {
        (_, []) => return Err(Invalid::Empty),
        (Syntax::Lenient | Syntax::Strict, [b'"', rest @ ..]) => {
            let (key, rest) = string(rest)?;
            parameters::check(rest)?;
            return measured(&key, rules.min);
        }
        (Syntax::Strict, _) => return Err(Invalid::NotQuoted),
        (Syntax::Lenient | Syntax::Raw, _) => raw(field)?,
    };
    measured(key, rules.min)
}

/// A key that a program gives: what a string may hold.
pub(super) fn text(text: &str) -> Result<Key, Invalid> {
    match text.bytes().find(|byte| !is_printable(*byte)) {
        Some(byte) => Err(unprintable(byte)),
        None => measured(text, 1),
    }
}

fn measured(key: &str, min: u8) -> Result<Key, Invalid> {
    match key.len() {
        0 => Err(Invalid::Empty),
        len if len > MAX => Err(Invalid::TooLong),
        len if len < usize::from(min) => Err(Invalid::TooShort { min }),
        _ => Ok(Key::trusted(key)),
    }
}

/// Without the optional white space of HTTP around it.
fn trimmed(mut field: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = field {
        field = rest;
    }
    field
}

fn raw(field: &[u8]) -> Result<&str, Invalid> {
    match field.iter().find(|byte| !is_raw(**byte)) {
        Some(b',') => Err(Invalid::Comma),
        Some(b' ' | b'\t') => Err(Invalid::Space),
        Some(byte) => Err(unprintable(*byte)),
        None => std::str::from_utf8(field).map_err(|_| Invalid::NotAscii),
    }
}

/// The string whose opening quote has been read, and what stands behind its closing one.
fn string(mut rest: &[u8]) -> Result<(String, &[u8]), Invalid> {
    let mut key = String::new();
    loop {
        let (byte, behind) = match rest {
            // At the very end the quote is missing, whatever a backslash was to mean.
            [] | [b'\\'] => return Err(Invalid::Unclosed),
            [b'"', behind @ ..] => return Ok((key, behind)),
            [b'\\', byte @ (b'"' | b'\\'), behind @ ..] => (*byte, behind),
            [b'\\', ..] => return Err(Invalid::Escape),
            [byte, behind @ ..] if is_printable(*byte) => (*byte, behind),
            [byte, ..] => return Err(unprintable(*byte)),
        };
        // No more is kept of a field than a key can have.
        if key.len() == MAX {
            return Err(Invalid::TooLong);
        }
        key.push(char::from(byte));
        rest = behind;
    }
}

/// What a raw key is made of. The comma is what joins two field lines into one.
pub(super) const fn is_raw(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~') && byte != b','
}

const fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

const fn unprintable(byte: u8) -> Invalid {
    if byte.is_ascii() { Invalid::Control } else { Invalid::NotAscii }
}

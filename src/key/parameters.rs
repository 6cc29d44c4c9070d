//! The parameters behind a quoted key, by the grammar of RFC 9651.
//!
//! None of them means anything here, yet they are read to the letter: a field with a malformed parameter is malformed as a
//! whole, and whoever reads it otherwise disagrees with the next one in the chain on what the key is.

use super::Invalid;

/// What is left of the field. `None` is a malformed parameter.
type Rest<'a> = Option<&'a [u8]>;

/// Checks everything behind the closing quote.
pub(super) fn check(mut rest: &[u8]) -> Result<(), Invalid> {
    match rest {
        [] | [b';', ..] => {}
        [b',', ..] => return Err(Invalid::Comma),
        _ => return Err(Invalid::AfterQuote),
    }
    while !rest.is_empty() {
        rest = parameter(rest).ok_or(Invalid::Parameter)?;
    }
    Ok(())
}

/// `;name` or `;name=value`, with spaces only in front of the name.
fn parameter(rest: &[u8]) -> Rest<'_> {
    let rest = skip(rest.strip_prefix(b";")?, |byte| byte == b' ');
    let rest = match rest {
        [b'a'..=b'z' | b'*', rest @ ..] => skip(rest, is_name),
        _ => return None,
    };
    match rest {
        [b'=', value @ ..] => item(value),
        _ => Some(rest),
    }
}

fn is_name(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*')
}

/// A bare item of any of the eight types: its first byte says which.
fn item(value: &[u8]) -> Rest<'_> {
    match value {
        [b'-' | b'0'..=b'9', ..] => number(value).map(|(_, rest)| rest),
        [b'"', rest @ ..] => string(rest),
        [b'a'..=b'z' | b'A'..=b'Z' | b'*', rest @ ..] => Some(skip(rest, is_token)),
        [b':', rest @ ..] => bytes(rest),
        [b'?', b'0' | b'1', rest @ ..] => Some(rest),
        [b'@', rest @ ..] => match number(rest)? {
            (Number::Integer, rest) => Some(rest),
            (Number::Decimal, _) => None,
        },
        [b'%', b'"', rest @ ..] => display_string(rest),
        _ => None,
    }
}

enum Number {
    /// Up to 15 digits.
    Integer,
    /// Up to 12 digits, a point, and 1 to 3 more.
    Decimal,
}

fn number(value: &[u8]) -> Option<(Number, &[u8])> {
    let (whole, rest) = digits(value.strip_prefix(b"-").unwrap_or(value));
    match rest {
        [b'.', rest @ ..] => {
            let (fraction, rest) = digits(rest);
            let fits = matches!(whole, 1..=12) && matches!(fraction, 1..=3);
            fits.then_some((Number::Decimal, rest))
        }
        _ => matches!(whole, 1..=15).then_some((Number::Integer, rest)),
    }
}

/// How many digits stand here, and what follows them.
fn digits(value: &[u8]) -> (usize, &[u8]) {
    let rest = skip(value, |byte| byte.is_ascii_digit());
    (value.len() - rest.len(), rest)
}

fn string(mut rest: &[u8]) -> Rest<'_> {
    loop {
        rest = match rest {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', b'"' | b'\\', rest @ ..] => rest,
            [b'\\', ..] => return None,
            [b' '..=b'~', rest @ ..] => rest,
            _ => return None,
        };
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte)
}

/// Base64 up to the next colon. Padding may be left out; where it stands it is whole. Bits behind the last byte are not
/// looked at: the standard would have a parser accept both.
fn bytes(value: &[u8]) -> Rest<'_> {
    let rest = skip(value, |byte| byte != b':');
    let encoded = &value[..value.len() - rest.len()];
    let padding = skip(encoded, |byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/');
    let whole = match (padding, encoded.len() % 4) {
        ([], last) => last != 1,
        ([b'='] | [b'=', b'='], last) => last == 0,
        _ => false,
    };
    if whole { rest.strip_prefix(b":") } else { None }
}

/// Printable ASCII with `%` and two lower-case hex digits for all other bytes, which together are UTF-8.
fn display_string(mut rest: &[u8]) -> Rest<'_> {
    let mut text = Vec::new();
    loop {
        let (byte, behind) = match rest {
            [b'"', behind @ ..] => return std::str::from_utf8(&text).is_ok().then_some(behind),
            [b'%', high, low, behind @ ..] => (hex(*high)? << 4 | hex(*low)?, behind),
            [b'%', ..] => return None,
            [byte @ b' '..=b'~', behind @ ..] => (*byte, behind),
            _ => return None,
        };
        text.push(byte);
        rest = behind;
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// What is left behind the first bytes that are `of` this kind.
fn skip(value: &[u8], of: impl Fn(u8) -> bool) -> &[u8] {
    let end = value.iter().position(|byte| !of(*byte)).unwrap_or(value.len());
    &value[end..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn accepted(values: &[&str]) {
        for value in values {
            assert_eq!(check(format!(";a={value}").as_bytes()), Ok(()), "{value}");
            assert_eq!(check(format!(";x; a={value};b").as_bytes()), Ok(()), "{value} between others");
        }
    }

    #[track_caller]
    fn refused(values: &[&str]) {
        for value in values {
            assert_eq!(check(format!(";a={value}").as_bytes()), Err(Invalid::Parameter), "{value}");
            assert_eq!(
                check(format!(";x; a={value};b").as_bytes()),
                Err(Invalid::Parameter),
                "{value} between others"
            );
        }
    }

    #[test]
    fn a_name_begins_with_a_small_letter_or_a_star() {
        for good in ["", ";a", ";*", ";a_-.*9", ";  a", ";a;a;a", ";a;b=1; c"] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
        for bad in [
            ";", ";;", ";A", ";9", ";-a", ";a ", ";a ;b", ";\ta", ";a =1", ";a= 1", ";a=", ";aB", ";a,b",
            ";é",
        ] {
            assert_eq!(check(bad.as_bytes()), Err(Invalid::Parameter), "{bad}");
        }
    }

    #[test]
    fn every_byte_is_or_is_not_of_a_name_and_of_a_token() {
        for byte in 0..=u8::MAX {
            let small = byte.is_ascii_lowercase();
            let name = |at: &[u8]| check(&[b";", at, b"=?1"].concat()).is_ok();
            assert_eq!(name(&[byte]), small || byte == b'*', "{byte} in front");
            let inside = small || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.' | b'*');
            assert_eq!(name(&[b'a', byte]), inside, "{byte} inside");
            // What ends a token and begins the next parameter is left to the next parameter.
            let token = check(&[b";a=t", &[byte][..], b"b"].concat()).is_ok();
            let alone = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/;".contains(&byte);
            assert_eq!(token, alone, "{byte} in a token");
        }
    }

    #[test]
    fn numbers_have_their_fifteen_digits_and_no_more() {
        accepted(&[
            "0",
            "-0",
            "042",
            "-42",
            "999999999999999",
            "-999999999999999",
            "1.5",
            "-0.125",
            "123456789012.123",
        ]);
        refused(&["-", "--1", "+1", "1-", "1e3", "1000000000000000", "1.", ".5", "1..5", "1.5.4", "1.2345"]);
        refused(&["1234567890123.1", "-a", "-.5", "1 "]);
    }

    #[test]
    fn strings_and_tokens_keep_to_their_bytes() {
        accepted(&[r#""""#, r#""foo \"bar\" \\ , ;""#, "foo", "*foo", "A_b-c.d3:f%00/*", "t!#$%&'*+^`|~"]);
        refused(&[
            r#"""#,
            r#""foo"#,
            r#""foo \,""#,
            r#""foo \"#,
            "\"\t\"",
            "\"é\"",
            "'foo'",
            "foo\"",
            "foo{",
            "/a",
            "_a",
        ]);
    }

    #[test]
    fn bytes_are_base64_between_colons() {
        accepted(&["::", ":aGVsbG8=:", ":aGVsbG8:", ":YQ==:", ":YQ:", ":+/+/:", ":iZ==:"]);
        refused(&[
            ":",
            ":aGVsbG8=",
            ":a:",
            ":aGVsb G8=:",
            ":aGVsbG!8=:",
            ":YQ=:",
            ":YQ===:",
            ":====:",
            ":=YQ=:",
            ":Y=Q=:",
        ]);
        refused(&[":_-_-:", ":aGVsbG8=:x"]);
    }

    #[test]
    fn booleans_and_dates_are_as_short_as_they_are() {
        accepted(&["?0", "?1", "@0", "@-1659578233", "@1659578233"]);
        refused(&["?", "?2", "?T", "? 1", "?01", "@", "@1.5", "@a", "@ 1", "@\"1\"", "@1000000000000000"]);
    }

    #[test]
    fn display_strings_are_utf_8_in_small_hex() {
        accepted(&[r#"%"""#, r#"%"f%c3%bc%c3%bc""#, r#"%"%22 \ %25""#, r#"%"BOM: %ef%bb%bf""#, r#"%"%00""#]);
        refused(&[
            "%",
            "%foo",
            "%'foo'",
            r#"%"foo"#,
            r#"%"foo %a"#,
            r#"%"%"#,
            r#"%"%2""#,
            r#"%"%C3%BC""#,
            "%\"\t\"",
            "%\"ü\"",
        ]);
        refused(&[
            r#"%"%c3%28""#,
            r#"%"%a0%a1""#,
            r#"%"%e2%28%a1""#,
            r#"%"%f0%28%8c%28""#,
            r#"%"%ED%A0%80""#,
        ]);
    }

    #[test]
    fn behind_the_quote_stand_parameters_or_nothing() {
        for junk in ["x", "\"", " ;a", "\t", "=1", "; "] {
            let reason = if junk == "; " { Invalid::Parameter } else { Invalid::AfterQuote };
            assert_eq!(check(junk.as_bytes()), Err(reason), "{junk}");
        }
        assert_eq!(check(b", \"b\""), Err(Invalid::Comma));
    }
}

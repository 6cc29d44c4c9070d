//! The rules once more, written for the eye: every piece eats its longest run, and is judged as a whole afterwards.

use super::*;

/// The key in a field, if there is one.
fn naive(syntax: Syntax, field: &[u8]) -> Option<String> {
    let field = String::from_utf8(field.to_vec()).ok().filter(|field| field.is_ascii())?;
    let field = field.trim_matches([' ', '\t']);
    let key = if syntax != Syntax::Raw && field.starts_with('"') {
        let (key, mut rest) = quoted(field)?;
        while !rest.is_empty() {
            rest = parameter(rest)?;
        }
        key
    } else if syntax == Syntax::Strict || field.chars().any(|c| !c.is_ascii_graphic() || c == ',') {
        return None;
    } else {
        field.to_owned()
    };
    (1..=255).contains(&key.len()).then_some(key)
}

/// The longest run of characters of a kind, and the rest.
fn run(text: &str, of: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !of(c)).unwrap_or(text.len()))
}

fn quoted(text: &str) -> Option<(String, &str)> {
    let mut chars = text.strip_prefix('"')?.chars();
    let mut key = String::new();
    loop {
        match chars.next()? {
            '"' => return Some((key, chars.as_str())),
            '\\' => key.push(chars.next().filter(|c| "\"\\".contains(*c))?),
            c if c == ' ' || c.is_ascii_graphic() => key.push(c),
            _ => return None,
        }
    }
}

fn parameter(text: &str) -> Option<&str> {
    let text = text.strip_prefix(';')?.trim_start_matches(' ');
    let (name, rest) = run(text, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.*".contains(c));
    if !name.starts_with(|c: char| c.is_ascii_lowercase() || c == '*') {
        return None;
    }
    match rest.strip_prefix('=') {
        Some(value) => item(value),
        None => Some(rest),
    }
}

fn item(text: &str) -> Option<&str> {
    let first = text.chars().next()?;
    match first {
        '"' => quoted(text).map(|(_, rest)| rest),
        '?' => text.strip_prefix("?0").or(text.strip_prefix("?1")),
        '@' => {
            let (number, rest) = run(&text[1..], |c| c.is_ascii_digit() || "-.".contains(c));
            is_integer(number).then_some(rest)
        }
        '-' | '0'..='9' => {
            let (number, rest) = run(text, |c| c.is_ascii_digit() || "-.".contains(c));
            (is_integer(number) || is_decimal(number)).then_some(rest)
        }
        ':' => {
            let (encoded, rest) = text[1..].split_once(':')?;
            is_base64(encoded).then_some(rest)
        }
        '%' => {
            let (text, rest) = text[1..].strip_prefix('"')?.split_once('"')?;
            is_display(text).then_some(rest)
        }
        c if c.is_ascii_alphabetic() || c == '*' => {
            Some(run(text, |c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/".contains(c)).1)
        }
        _ => None,
    }
}

fn is_integer(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    (1..=15).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit())
}

fn is_decimal(number: &str) -> bool {
    let Some((whole, fraction)) = number.split_once('.') else { return false };
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    (1..=12).contains(&whole.len())
        && (1..=3).contains(&fraction.len())
        && [whole, fraction].concat().chars().all(|c| c.is_ascii_digit())
}

fn is_base64(encoded: &str) -> bool {
    let bare = encoded.trim_end_matches('=');
    let missing = (4 - bare.len() % 4) % 4;
    let padding = encoded.len() - bare.len();
    bare.chars().all(|c| c.is_ascii_alphanumeric() || "+/".contains(c))
        && missing != 3
        && (padding == 0 || padding == missing)
}

fn is_display(text: &str) -> bool {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let Some(hex) = piece.get(..2).filter(|hex| hex.chars().all(|c| "0123456789abcdef".contains(c)))
        else {
            return false;
        };
        bytes.push(u8::from_str_radix(hex, 16).expect("two hex digits"));
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    !text.chars().any(|c| c.is_ascii_control()) && String::from_utf8(bytes).is_ok()
}

/// Fields that are nearly right: pieces of the grammar in any order, with a byte of anything thrown in at times.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => r#"[ -~]{0,6}"#.prop_map(String::into_bytes),
        8 => proptest::sample::select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
        2 => r#""[a-z,\\" ]{0,4}""#.prop_map(String::into_bytes),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    (any::<bool>(), proptest::collection::vec(piece, 0..10)).prop_map(|(quoted, pieces)| {
        let field = pieces.concat();
        if quoted { [&b"\"key\""[..], &field].concat() } else { field }
    })
}

/// Parameters one by one, most of them right.
fn parameters() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        "-?[0-9]{1,16}",
        r"-?[0-9]{0,13}\.[0-9.]{0,4}",
        "@-?[0-9.]{0,16}",
        r#""[ -~]{0,5}""#,
        "[A-Za-z*][!-~]{0,5}",
        ":[A-Za-z0-9+/]{0,7}={0,3}:",
        r"\?[0-3]",
        r#"%"[ -~]{0,3}(%[0-9a-f]{2}){0,4}""#,
        r#"%"(%c3%[ab][0-9a-f]){0,3}""#,
    ];
    let name = prop_oneof![6 => "[a-z*][a-z0-9_.*-]{0,4}", 1 => "[ -~]{0,3}"];
    let parameter = (" {0,2}", name, proptest::option::of(value)).prop_map(|(space, name, value)| {
        format!(";{space}{name}{}", value.map(|v| format!("={v}")).unwrap_or_default())
    });
    proptest::collection::vec(parameter, 0..4).prop_map(|all| format!("\"key\"{}", all.concat()).into_bytes())
}

const PIECES: &[&str] = &[
    "\"",
    "\\\"",
    "\\\\",
    "\\",
    ";",
    "=",
    ";a",
    ";a=",
    ";a=1",
    "; b=?1",
    ";c=:YQ==:",
    ":",
    "@17",
    "%\"",
    "%c3%bc",
    ",",
    " ",
    "\t",
    "-",
    ".",
    "*",
    "ab",
    "?",
    "1.5",
    "\u{7f}",
    "é",
];

#[track_caller]
fn agree(syntax: Syntax, field: &[u8]) {
    let read = Key::parse(syntax, field);
    assert_eq!(read.as_ref().ok().map(Key::as_str), naive(syntax, field).as_deref(), "{syntax:?} {read:?}");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_are_a_key_or_a_reason_and_the_naive_reading_agrees(syntax in syntax(), field: Vec<u8>) {
        agree(syntax, &field);
    }

    #[test]
    fn nearly_right_fields_are_read_as_the_naive_reading_does(syntax in syntax(), field in nearly()) {
        agree(syntax, &field);
    }

    #[test]
    fn parameters_are_read_as_the_naive_reading_does(field in parameters()) {
        agree(Syntax::Strict, &field);
    }
}

#[test]
#[cfg_attr(miri, ignore = "it is about the generator, and five hundred of its trees take long")]
fn the_generated_parameters_are_some_right_and_some_wrong() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let right = (0..500)
        .filter(|_| {
            let field = parameters().new_tree(&mut runner).expect("a strategy without filters").current();
            Key::parse(Syntax::Strict, field).is_ok()
        })
        .count();
    assert!((100..400).contains(&right), "{right} of 500");
}

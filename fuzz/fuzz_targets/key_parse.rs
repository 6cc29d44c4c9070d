//! Any bytes as an idempotency key: refused with a reason, or a key that is the same however it is written.

#![no_main]

use buttress::key::{Invalid, Key, Syntax};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|field: &[u8]| {
    let lenient = Key::parse(Syntax::Lenient, field);
    let strict = Key::parse(Syntax::Strict, field);
    let raw = Key::parse(Syntax::Raw, field);

    for key in [&lenient, &strict, &raw].into_iter().flatten() {
        holds(key);
    }
    for invalid in [&lenient, &strict, &raw].into_iter().filter_map(|read| read.as_ref().err()) {
        assert!(invalid.to_string().is_ascii());
    }

    // Lenient is one of the other two, by the first byte behind the white space.
    let quoted = trimmed(field).first() == Some(&b'"');
    assert_eq!(lenient, if quoted { strict.clone() } else { raw.clone() });
    assert_eq!(Key::from_lines(Syntax::Lenient, [field]), lenient.clone().map(Some));
    assert_eq!(Key::from_lines(Syntax::Lenient, [field, field]), Err(Invalid::Repeated));

    // A raw key is its bytes, and nothing else.
    if let Ok(key) = &raw {
        assert_eq!(key.as_str().as_bytes(), trimmed(field));
    }
    // A least length only ever refuses what is shorter.
    match Key::parse(Syntax::Lenient.min_len(16), field) {
        Err(Invalid::TooShort { min: 16 }) => assert!(lenient.is_ok_and(|key| key.as_str().len() < 16)),
        read => assert_eq!(read, lenient),
    }
});

/// What is true of every key.
fn holds(key: &Key) {
    let text = key.as_str();
    assert!((1..=255).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
    assert_eq!(Key::new(text).as_ref(), Ok(key));

    // It comes back from either form.
    for syntax in [Syntax::Lenient, Syntax::Strict] {
        assert_eq!(Key::parse(syntax, key.quoted()).as_ref(), Ok(key));
    }
    if let Some(raw) = key.raw() {
        assert_eq!(raw, text);
        for syntax in [Syntax::Lenient, Syntax::Raw] {
            assert_eq!(Key::parse(syntax, raw).as_ref(), Ok(key));
        }
    }

    // What is shown is the hash.
    let hash: String = key.digest()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(key.to_string(), hash);

    // And a key of ours can stand wherever one is wanted.
    let child = key.children(text.as_bytes()).child(text);
    assert_eq!(child.raw().map(str::len), Some(37));
    assert_ne!(child, key.children(text.as_bytes()).child((text, 0)));
}

/// Without the white space that HTTP allows around a field.
fn trimmed(field: &[u8]) -> &[u8] {
    let is_inner = |byte: &u8| !b" \t".contains(byte);
    match (field.iter().position(is_inner), field.iter().rposition(is_inner)) {
        (Some(first), Some(last)) => &field[first..=last],
        _ => &[],
    }
}

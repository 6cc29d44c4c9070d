//! Idempotency keys, by a feature description of the IETF draft of the `Idempotency-Key` header (sections 2.1 and 2.7).

use buttress::key::{Invalid, Key, Syntax};

/// The part of it that is about the key; that the answer is a 400 with a problem document is the server layer's.
#[test]
fn id_01_an_empty_key_one_of_over_255_characters_and_one_with_commas_are_refused() {
    let lenient = |field: &str| Key::from_lines(Syntax::Lenient, [field]).map(|key| key.map(drop));
    assert_eq!(lenient(""), Err(Invalid::Empty));
    assert_eq!(lenient("\"\""), Err(Invalid::Empty));
    assert_eq!(lenient(&"k".repeat(255)), Ok(Some(())));
    assert_eq!(lenient(&"k".repeat(256)), Err(Invalid::TooLong));
    assert_eq!(lenient(&format!("\"{}\"", "k".repeat(256))), Err(Invalid::TooLong));
    assert_eq!(lenient("one,two"), Err(Invalid::Comma));
    assert_eq!(lenient("one, two"), Err(Invalid::Comma));
    assert_eq!(lenient("\"one\", \"two\""), Err(Invalid::Comma));
}

#[test]
fn id_01_no_key_at_all_is_told_apart_from_a_wrong_one() {
    assert_eq!(Key::from_lines(Syntax::Lenient, [""; 0]), Ok(None));
    assert_eq!(Key::from_lines(Syntax::Lenient, ["one", "two"]), Err(Invalid::Repeated));
    assert_eq!(Key::from_lines(Syntax::Lenient, ["one", "one"]), Err(Invalid::Repeated));
}

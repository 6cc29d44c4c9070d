//! The two ways of writing one key, and the reasons for which a field is none.

use super::*;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_key_comes_back_from_its_quoted_form(text in printable(), ows in "[ \t]{0,3}", syntax in syntax()) {
        let key = Key::new(&text).expect("printable");
        prop_assert_eq!(key.as_str(), &text);
        let field = format!("{ows}{}{ows}", key.quoted());
        match syntax {
            Syntax::Raw => prop_assert_ne!(Key::parse(syntax, field).ok(), Some(key)),
            _ => prop_assert_eq!(Key::parse(syntax, field), Ok(key)),
        }
    }

    #[test]
    fn a_raw_key_is_its_own_bytes_and_equal_to_the_quoted_one(token in token(), ows in "[ \t]{0,3}") {
        let raw = Key::parse(Syntax::Lenient, format!("{ows}{token}{ows}")).expect("a token");
        prop_assert_eq!(raw.as_str(), &token);
        prop_assert_eq!(raw.raw(), Some(&*token));
        prop_assert_eq!(Key::parse(Syntax::Raw, &token), Ok(raw.clone()));
        prop_assert_eq!(Key::parse(Syntax::Strict, raw.quoted()), Ok(raw));
    }

    #[test]
    fn a_raw_form_that_is_offered_is_read_back_as_the_same_key(text in printable(), syntax in syntax()) {
        let key = Key::new(text).expect("printable");
        if let (Some(raw), Syntax::Lenient | Syntax::Raw) = (key.raw(), syntax) {
            prop_assert_eq!(Key::parse(syntax, raw), Ok(key));
        }
    }

    #[test]
    fn neither_debug_nor_display_shows_the_key(text in "[g-z]{4,255}") {
        let key = Key::new(&text).expect("printable");
        let shown = format!("{key:?} {key} {:?}", key.children(text.as_bytes()));
        prop_assert!(!shown.contains(&text), "{}", shown);
    }
}

#[test]
fn every_fault_has_a_reason_of_its_own() {
    let long = "x".repeat(256);
    let quoted_long = format!("\"{long}\"");
    for (field, reason) in [
        ("", Invalid::Empty),
        (" \t ", Invalid::Empty),
        ("\"\"", Invalid::Empty),
        (&long, Invalid::TooLong),
        (&quoted_long, Invalid::TooLong),
        ("a,b", Invalid::Comma),
        ("\"a\",\"b\"", Invalid::Comma),
        ("a b", Invalid::Space),
        ("a\tb", Invalid::Space),
        ("a\0b", Invalid::Control),
        ("a\u{7f}", Invalid::Control),
        ("\"a\tb\"", Invalid::Control),
        ("é", Invalid::NotAscii),
        ("\"é\"", Invalid::NotAscii),
        ("\"a", Invalid::Unclosed),
        ("\"", Invalid::Unclosed),
        ("\"a\\\"", Invalid::Unclosed),
        ("\"a\\", Invalid::Unclosed),
        ("\"a\\n\"", Invalid::Escape),
        ("\"a\"b", Invalid::AfterQuote),
        ("\"a\" ;b", Invalid::AfterQuote),
        ("\"a\"\"b\"", Invalid::AfterQuote),
        ("\"a\";", Invalid::Parameter),
        ("\"a\";B=1", Invalid::Parameter),
    ] {
        assert_eq!(Key::parse(Syntax::Lenient, field), Err(reason), "{field:?}");
    }
    assert_eq!(Key::parse(Syntax::Strict, "a"), Err(Invalid::NotQuoted));
    assert_eq!(Key::from_lines(Syntax::Lenient, ["a", "a"]), Err(Invalid::Repeated));
    assert_eq!(Key::parse(Syntax::Raw.min_len(2), "a"), Err(Invalid::TooShort { min: 2 }));
}

#[test]
fn a_key_in_quotes_may_hold_what_a_raw_one_may_not() {
    for text in ["a,b", "a b", " ", ",", "\"", "\\"] {
        let key = Key::new(text).expect("printable");
        assert_eq!(Key::parse(Syntax::Lenient, key.quoted()), Ok(key), "{text:?}");
    }
}

#[test]
fn quotes_that_do_not_stand_in_front_are_bytes_of_a_raw_key() {
    for text in ["a\"", "a\"b\"", "a\\b", "a;b=1"] {
        assert_eq!(Key::parse(Syntax::Lenient, text).expect("raw").as_str(), text);
    }
}

#[test]
fn keys_that_differ_in_case_are_two_keys() {
    assert_ne!(Key::new("Order"), Key::new("order"));
}

#[test]
fn the_longest_key_has_255_bytes_however_it_is_written() {
    let longest = "\"".repeat(255);
    let key = Key::new(&longest).expect("255 bytes");
    assert_eq!(key.quoted().len(), 2 + 2 * 255);
    assert_eq!(Key::parse(Syntax::Strict, key.quoted()), Ok(key));
    assert_eq!(Key::new(longest + "x"), Err(Invalid::TooLong));
}

#[test]
fn a_least_length_out_of_range_is_put_into_it() {
    let parse = |min: usize, len: usize| Key::parse(Syntax::Lenient.min_len(min), "x".repeat(len)).map(drop);
    assert_eq!(parse(0, 1), Ok(()));
    assert_eq!(parse(0, 0), Err(Invalid::Empty));
    assert_eq!(parse(16, 16), Ok(()));
    assert_eq!(parse(16, 15), Err(Invalid::TooShort { min: 16 }));
    assert_eq!(parse(usize::MAX, 254), Err(Invalid::TooShort { min: 255 }));
    assert_eq!(parse(usize::MAX, 255), Ok(()));
    assert_eq!(Rules::default(), Syntax::Lenient.min_len(1));
    assert_eq!(Rules::default(), Syntax::Lenient.min_len(0));
}

#[test]
fn a_least_length_counts_the_key_and_not_its_quotes() {
    assert_eq!(Key::parse(Syntax::Lenient.min_len(3), "\"a\""), Err(Invalid::TooShort { min: 3 }));
}

#[test]
fn random_keys_differ_over_threads_and_are_uuids_of_version_4() {
    let each = if cfg!(miri) { 10 } else { 500 };
    let keys = move || (0..each).map(|_| Key::random()).collect::<Vec<_>>();
    let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(keys)).collect();
    let mut keys = std::collections::HashSet::new();
    for thread in threads {
        keys.extend(thread.join().expect("no panic"));
    }
    assert_eq!(keys.len(), 8 * each);
    for key in keys {
        let text = key.as_str();
        let dashes: Vec<_> = text.match_indices('-').map(|(at, _)| at).collect();
        assert_eq!((text.len(), dashes), (36, vec![8, 13, 18, 23]));
        assert!(text.as_bytes()[14] == b'4' && b"89ab".contains(&text.as_bytes()[19]), "{text}");
    }
}

#[test]
fn every_bit_of_a_random_key_is_drawn() {
    let bits = |key: &Key| u128::from_str_radix(&key.as_str().replace('-', ""), 16).expect("hex");
    let keys: Vec<_> = (0..200).map(|_| bits(&Key::random())).collect();
    let ones = keys.iter().fold(0, |all, bits| all | bits);
    let zeros = keys.iter().fold(0, |all, bits| all | !bits);
    // All but the six that say what kind of UUID it is.
    assert_eq!((ones & zeros).count_ones(), 122);
}

//! The formula of child keys: pinned, and free of collisions.

use super::*;
use crate::key::{Children, Secret, Step};

/// Worked out by a BLAKE3 of another language, from the formula as the docs state it.
#[test]
fn the_formula_gives_the_figures_that_were_worked_out_elsewhere() {
    let key = Key::new("8e03978e-40d5-43dd-bc93-6894a57f9324").expect("printable");
    let children = key.children(b"tenant 7");
    assert_eq!(children.child("charge").as_str(), "btr1-eqmx2t5wuyoo5jme2xfbwm7rfikstlgl");
    assert_eq!(children.child(("line", 258)).as_str(), "btr1-x345vsby5rdi2ovhnqwenbrqceyxoxxc");
    let secret = Secret::new("hush");
    assert_eq!(children.secret(&secret).child("charge").as_str(), "btr1-fjczqla26ugxsizqzebu5ln2d2mtge6d");
    assert_eq!(
        Key::new("a").expect("printable").children(b"").child("").as_str(),
        "btr1-4vrhjeuv6jgf5a76sfzk5m6k53yxbuut"
    );
}

#[test]
fn a_child_is_legal_raw_and_quoted_and_has_37_bytes() {
    let child = Key::random().children(b"").child("charge");
    assert_eq!(child.as_str().len(), 37);
    assert_eq!(child.raw(), Some(child.as_str()));
    assert_eq!(Key::parse(Syntax::Strict, child.quoted()), Ok(child));
}

#[test]
fn a_secret_changes_every_child_and_another_secret_changes_it_again() {
    let key = Key::new("a1").expect("printable");
    let plain = key.children(b"t");
    let [one, other, empty] = ["one", "other", ""].map(Secret::new);
    let all = [
        plain.child("x"),
        plain.secret(&one).child("x"),
        plain.secret(&other).child("x"),
        plain.secret(&empty).child("x"),
    ];
    let different: std::collections::HashSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len());
    assert_eq!(plain.secret(&Secret::new("one")).child("x"), plain.secret(&one).child("x"));
}

#[test]
fn a_child_can_have_children() {
    let grandchild =
        |step| Key::new("a1").expect("printable").children(b"t").child(step).children(b"t").child("x");
    assert_ne!(grandchild("a"), grandchild("b"));
}

/// Few letters, so that pieces of one triple can be moved into another.
fn piece() -> impl Strategy<Value = String> {
    "[ab\0]{0,3}"
}

fn step() -> impl Strategy<Value = (String, Option<u64>)> {
    let index = prop_oneof![0..3_u64, Just(u64::from_le_bytes(*b"aaaaaaaa"))];
    (piece(), proptest::option::of(index))
}

/// A key has no NUL and is never empty, so the piece is written into one in a way that keeps different pieces different.
fn child(scope: &str, key: &str, (name, index): &(String, Option<u64>)) -> Key {
    let key = Key::new(format!("k{}", key.replace('\0', "0"))).expect("printable");
    match index {
        None => key.children(scope.as_bytes()).child(name),
        Some(index) => key.children(scope.as_bytes()).child((name.as_str(), *index)),
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn different_scopes_keys_and_steps_never_run_together(
        one in (piece(), piece(), step()),
        other in (piece(), piece(), step()),
    ) {
        let same = child(&one.0, &one.1, &one.2) == child(&other.0, &other.1, &other.2);
        prop_assert_eq!(same, one == other);
    }

    #[test]
    fn bytes_moved_from_one_part_into_the_next_make_another_child(scope: Vec<u8>, digest: [u8; 32], name: String) {
        let child = |scope: &[u8], name: &str| Children::of(scope, digest).child(name);
        let longer = [&scope[..], name.as_bytes()].concat();
        prop_assert_eq!(child(&longer, "") == child(&scope, &name), name.is_empty());
    }

    #[test]
    fn no_name_is_taken_for_a_name_and_a_number(name: String, between in "[\0-\x7f]|\u{ff}", digits in "[a-z]{8}") {
        let index = u64::from_le_bytes(digits.as_bytes().try_into().expect("eight bytes"));
        let children = Children::of(b"t", [7; 32]);
        let numbered: Step<'_> = (name.as_str(), index).into();
        prop_assert_ne!(children.child(&name), children.child(numbered));
        // The nearest that a name can come to it: the bytes of the number written out, behind any separator.
        prop_assert_ne!(children.child(&format!("{name}{between}{digits}")), children.child(numbered));
    }
}

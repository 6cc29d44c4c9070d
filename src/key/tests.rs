//! Keys against a naive reading of the same rules, and the formula of child keys against figures from elsewhere.

mod children;
mod hashed;
mod naive;
mod written;

use super::{Invalid, Key, Rules, Syntax};
use proptest::prelude::*;

/// Enough cases to reach every branch of the grammar, and no file left behind.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 1_000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn syntax() -> impl Strategy<Value = Syntax> {
    prop_oneof![Just(Syntax::Lenient), Just(Syntax::Strict), Just(Syntax::Raw)]
}

/// A key as a program may have it.
fn printable() -> impl Strategy<Value = String> {
    "[ -~]{1,255}"
}

/// A raw key that lenient readers take for one.
fn token() -> impl Strategy<Value = String> {
    "[!#-+\\--~][!-+\\--~]{0,254}"
}

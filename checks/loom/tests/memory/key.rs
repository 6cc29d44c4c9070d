//! Keys, as far as records ask for them: the library's own files.

#[path = "../../../../src/key/base32.rs"]
mod base32;
#[path = "../../../../src/key/child.rs"]
mod child;
#[path = "../../../../src/key/hash.rs"]
mod hash;
#[path = "../../../../src/key/invalid.rs"]
mod invalid;
#[path = "../../../../src/key/parameters.rs"]
mod parameters;
#[path = "../../../../src/key/parse.rs"]
mod parse;
#[path = "../../../../src/key/random.rs"]
mod random;
#[path = "../../../../src/key/rules.rs"]
mod rules;
#[path = "../../../../src/key/step.rs"]
mod step;
#[path = "../../../../src/key/value.rs"]
mod value;

pub(crate) use child::Children;
pub(crate) use hash::{Context, context, named};
pub(crate) use invalid::Invalid;
pub(crate) use rules::{Rules, Syntax};
pub(crate) use step::Step;
pub(crate) use value::Key;

//! Which call of an operation a child key is for.

use super::hash::Parts;

/// A step of an operation: a name, and in a loop the name and a number.
///
/// `"charge"`, or `("line", 3)`. A name is the same in every attempt and every release, so it comes from the program and
/// not from the payload: a payload that has changed must meet the same key downstream and be refused there, not be charged
/// a second time.
///
/// ```
/// use buttress::key::{Key, Step};
///
/// enum Call {
///     Charge,
///     Mail,
/// }
///
/// impl From<Call> for Step<'static> {
///     fn from(call: Call) -> Self {
///         match call {
///             Call::Charge => "charge".into(),
///             Call::Mail => "mail".into(),
///         }
///     }
/// }
///
/// let order = Key::new("8e03978e")?;
/// let children = order.children(b"tenant 7");
/// assert_eq!(children.child(Call::Charge), children.child("charge"));
/// assert_ne!(children.child(Call::Mail), children.child("charge"));
/// assert_ne!(children.child(("line", 1)), children.child(("line", 2)));
/// # Ok::<(), buttress::key::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Step<'a> {
    name: &'a str,
    index: Option<u64>,
}

/// Between name and number. No UTF-8 holds this byte, so no name can pretend to be a name and a number.
const NUMBERED: u8 = 0xFF;

impl Step<'_> {
    /// The step as a part of what is hashed.
    pub(super) fn hash(self, parts: &mut Parts<'_>) {
        let name = self.name.as_bytes();
        match self.index {
            None => parts.add(&[name]),
            Some(index) => parts.add(&[name, &[NUMBERED], &index.to_le_bytes()]),
        };
    }
}

impl<'a> From<&'a str> for Step<'a> {
    fn from(name: &'a str) -> Self {
        Self { name, index: None }
    }
}

impl<'a> From<&'a String> for Step<'a> {
    fn from(name: &'a String) -> Self {
        Self { name, index: None }
    }
}

impl<'a> From<(&'a str, u64)> for Step<'a> {
    fn from((name, index): (&'a str, u64)) -> Self {
        Self { name, index: Some(index) }
    }
}

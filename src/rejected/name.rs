//! Which layer, or which host, a rejection or an event speaks of.

use std::{fmt, sync::Arc};

/// The name of a layer or of the host behind it: fixed in the program, or shared.
///
/// An empty name is replaced by the pattern's own (`"timeout"`, ..), so that no metric ever carries an empty label.
///
/// ```
/// use buttress::rejected::Name;
///
/// assert_eq!(Name::from("payments"), Name::from(String::from("payments")));
/// ```
#[derive(Clone)]
pub struct Name(Kind);

#[derive(Clone)]
enum Kind {
    /// Costs nothing to hand on: what a layer without a slot of its own uses.
    Fixed(&'static str),
    /// One per host: handing it on counts a reference.
    Shared(Arc<str>),
}

impl Name {
    /// A name known at compile time.
    #[must_use]
    pub const fn fixed(name: &'static str) -> Self {
        Self(Kind::Fixed(name))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Kind::Fixed(name) => name,
            Kind::Shared(name) => name,
        }
    }
}

impl From<&'static str> for Name {
    fn from(name: &'static str) -> Self {
        Self::fixed(name)
    }
}

impl From<String> for Name {
    fn from(name: String) -> Self {
        Self(Kind::Shared(name.into()))
    }
}

impl From<Arc<str>> for Name {
    fn from(name: Arc<str>) -> Self {
        Self(Kind::Shared(name))
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Name {}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! The error of the services of this room: one that can be told from every other.

use crate::rejected::{Rejectable, Rejected};
use std::{error::Error, fmt};

/// The error of a [`Probe`](super::Probe): either its own, with a number that no other error of that probe has, or a
/// rejection that a layer put in.
///
/// ```
/// use buttress::{Rejectable, Rejected, rejected::Reason, testing::Fault};
///
/// assert_eq!(Fault::new(7).id(), Some(7));
/// assert_eq!(Fault::new(7).as_rejected(), None);
/// let full = Fault::from(Rejected::new(Reason::Full, "orders", false));
/// assert_eq!((full.id(), full.as_rejected().unwrap().reason()), (None, Reason::Full));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Own(u64),
    Rejected(Rejected),
}

impl Fault {
    /// The service's own error of that number.
    #[must_use]
    pub const fn new(id: u64) -> Self {
        Self(Kind::Own(id))
    }

    /// The number, where it is the service's own error.
    #[must_use]
    pub const fn id(&self) -> Option<u64> {
        match self.0 {
            Kind::Own(id) => Some(id),
            Kind::Rejected(_) => None,
        }
    }
}

impl From<Rejected> for Fault {
    fn from(rejected: Rejected) -> Self {
        Self(Kind::Rejected(rejected))
    }
}

impl Rejectable for Fault {
    fn as_rejected(&self) -> Option<Rejected> {
        Rejected::find(self)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Own(id) => write!(f, "scripted fault {id}"),
            Kind::Rejected(rejected) => rejected.fmt(f),
        }
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Kind::Own(_) => None,
            Kind::Rejected(rejected) => rejected.source(),
        }
    }
}

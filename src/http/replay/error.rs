//! What a body says that cannot be given (any more).

use std::{error::Error, fmt};

/// Why a [`ReplayBody`](super::ReplayBody) broke off, where it was not the body inside that did.
///
/// An attempt whose body ends in this is cut off in the middle; never does a part of a body look like the whole of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoReplay {
    /// What was sent before is not kept: it was more than the cap, or nobody was there to ask for it again.
    NotKept,
    /// A later attempt gives the rest.
    Replaced,
    /// The body inside has failed, or panicked, in an attempt before.
    Broken,
}

impl fmt::Display for NoReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotKept => "the body was not kept, and cannot be sent again",
            Self::Replaced => "a later attempt sends the body",
            Self::Broken => "the body has failed before, and cannot be sent again",
        })
    }
}

impl Error for NoReplay {}

//! Bodies that can be sent again: what is kept of them, who gives the rest, and what cannot be had a second time.

mod beside;
mod body;
mod error;
mod kept;
mod remainder;
#[cfg(test)]
mod tests;
mod turns;

pub(super) use beside::beside;
pub use body::ReplayBody;
pub use error::NoReplay;
pub(super) use kept::CAP;

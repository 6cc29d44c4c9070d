//! What is true of every store, one function a fact. Each panics where it is not.
//!
//! Every one works with records of its own, so that all may run on one store, at once and again.

mod claims;
mod ends;
mod faults;
mod leases;
mod life;
mod parking;
mod races;
mod table;

pub use claims::*;
pub use ends::*;
pub use faults::*;
pub use leases::*;
pub use life::*;
pub use parking::*;
pub use races::*;
pub use table::key_store_facts;

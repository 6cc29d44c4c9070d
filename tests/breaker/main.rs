//! The breaker through its layer: what the judge of `tests/contract` cannot see.

mod drops;
mod late;
mod ready;
mod rig;

//! The breaker through its layer: what the judge of `tests/contract` cannot see.

mod allocated;
mod balanced;
mod drops;
mod faults;
mod late;
mod ready;
mod rig;
mod served;
mod told;

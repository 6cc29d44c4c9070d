//! The breaker through its layer: what the judge of `tests/contract` cannot see.

mod allocated;
mod balanced;
#[path = "../counting/mod.rs"]
mod counting;
mod drops;
mod faults;
mod hangs;
mod late;
mod ready;
mod rig;
mod served;
mod streams;
mod told;

#[expect(dead_code, reason = "its other steps are for the tests of bodies")]
#[path = "../http/frames.rs"]
mod frames;

// Made from tests/errors/proto/echo.proto; `checks/proto` keeps it true.
#[rustfmt::skip]
#[allow(missing_docs, unreachable_pub, unused_qualifications, dead_code, clippy::all, clippy::pedantic, reason = "generated")]
#[path = "../errors/echo.rs"]
mod echo;

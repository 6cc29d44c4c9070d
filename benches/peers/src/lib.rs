//! What a call through a layer costs, beside its peers, in one process and one run.
//!
//! A [`Row`] is a question ("timeout, the inner service is ready at once") and its [`Contender`]s are the answers. Three
//! benches ask every row the same way: `time` by interleaved batches, `instructions` under callgrind, `allocations` by a
//! counting allocator. The binary runs all three and prints one table. README.md says how to add a row.

mod batch;
pub mod cases;
mod row;
pub mod rows;
pub mod service;
pub mod table;

pub use batch::{
    Batch, answer, batch, calls, clones, pending_calls, plain, polled_on, requests, runtime, under_deadline,
};
pub use row::{Bar, Contender, Role, Row};

//! The runs: lost answers, duplicates over several nodes, nodes that are killed or stand still, servers of records that end, are replaced
//! and lose what they have said, disks that lose what was not synced, clocks that are off, leases that are too short; and the servers
//! that are wrong.
//!
//! Over a file of SQLite, over the server of PostgreSQL that `BUTTRESS_TEST_POSTGRES` names, and over servers that a run starts for
//! itself. `full_size` runs are for the night:
//!
//! ```sh
//! bash .ci/servers -- cargo test --release -p buttress-crash -- --ignored --nocapture full_size
//! ```
//!
//! `BUTTRESS_CRASH_SEED` draws another run than the usual one.

use buttress::idempotency::Effects;
use buttress_crash::{
    Op,
    orders::Faults,
    place::Over,
    run::{Run, Trouble},
};
use std::time::Duration;

mod clocks;
mod failover;
mod kills;
mod leases;
mod outages;
mod points;
mod power;
mod redis;
mod wrong;

const NODE: &str = env!("CARGO_BIN_EXE_node");

const OP: Op = Op { tenant: 0, number: 1 };

/// A run in which nothing happens.
fn calm() -> Run {
    Run {
        program: NODE,
        over: Over::File,
        effects: Effects::Plain,
        hows: &["", "", "", "refuse"],
        nodes: 3,
        clocks: &[],
        faults: Faults::default(),
        operations: 40,
        at_once: 48,
        lost: 0,
        trouble: Trouble::None,
        turns: 0,
        seed: seed(),
    }
}

fn seed() -> u64 {
    std::env::var("BUTTRESS_CRASH_SEED").map_or(7, |seed| seed.parse().expect("a number"))
}

/// Nodes that are killed at least that often, one about every so many milliseconds; and always somebody is at work there.
fn killed(turns: u32, millis: u64) -> Run {
    let hows = &["", "late=3", "late=3", "refuse"];
    Run { hows, turns, trouble: Trouble::Nodes(Duration::from_millis(millis)), ..calm() }
}

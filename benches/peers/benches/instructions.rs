//! Instructions a call, under callgrind: (count(2N) - count(N)) / N, which takes out what a batch costs once.
//!
//! Each case is one contender and one of the two lengths, and runs in a process of its own; `report` puts the pairs
//! together, by the number of the case.

use buttress_bench::{Batch, cases, runtime};
use gungraun::{Callgrind, prelude::*};
use tokio::runtime::Runtime;

struct Prepared {
    runtime: Runtime,
    batch: Batch,
    calls: u64,
}

fn prepare(case: usize) -> Prepared {
    let runtime = runtime();
    let (mut batch, calls) = {
        let _inside = runtime.enter();
        cases::make(case)
    };
    // What is made at the first call is no price of a call.
    batch(&runtime, 10);
    Prepared { runtime, batch, calls }
}

#[library_benchmark]
#[benches::case(iter = 0..cases::count(), setup = prepare)]
fn count(mut prepared: Prepared) -> Prepared {
    (prepared.batch)(&prepared.runtime, prepared.calls);
    prepared
}

library_benchmark_group!(name = calls, benchmarks = count);
main!(
    // Caches are not told apart: the table has no column for them.
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = calls
);

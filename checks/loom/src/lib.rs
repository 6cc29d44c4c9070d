//! Every interleaving of the cores of the circuit breaker, and of the tally behind quantiles, by loom: `bash .ci/run loom`. Those of
//! the bulkhead, of budgets and of the store in memory are in `tests`.
//!
//! The files are those of the library, word for word: they import only each other and a shim for their atomics. What is around
//! them there (probes, policies, events) is no matter of interleavings: it stands behind one lock. `gate` composes them as the
//! slot does.
#![cfg(loom)]
#![allow(dead_code, reason = "of each core the tests use what they are about")]

#[path = "../../../src/breaker/buckets.rs"]
mod buckets;
#[path = "../../../src/breaker/ring.rs"]
mod ring;
mod sync;
#[path = "../../../src/window/tally.rs"]
mod tally;
#[path = "../../../src/breaker/watchers.rs"]
mod watchers;
#[path = "../../../src/breaker/word.rs"]
mod word;

#[cfg(test)]
mod gate;
#[cfg(test)]
mod of_buckets;
#[cfg(test)]
mod of_the_gate;
#[cfg(test)]
mod of_the_ring;
#[cfg(test)]
mod of_the_tally;
#[cfg(test)]
mod of_the_word;
#[cfg(test)]
mod of_watchers;

/// All interleavings of the threads that `run` makes.
#[cfg(test)]
fn all(run: impl Fn() + Sync + Send + 'static) {
    loom::model(run);
}

/// All of them in which no more than so many threads are interrupted, where all would take too long. Three are known to be
/// enough for nearly every mistake.
#[cfg(test)]
fn most(preemptions: usize, run: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(run);
}

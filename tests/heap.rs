//! What circuits keep on the heap: bytes that are live, by an allocator that counts them. Exact.
//!
//! A binary of its own: a circuit takes the slot of one that is gone, if there is any, and then allocates less.

mod counting;

use buttress::{
    breaker::{Circuit, Policy, State, Trip},
    outcome::Outcome,
    telemetry::Event,
    window::Ratio,
};
use std::time::Duration;

const CIRCUITS: i64 = 64;

/// Bytes a circuit, over some that are there at once, and the circuits.
fn kept(policy: &Policy) -> (i64, Vec<Circuit>) {
    let mut circuits = Vec::with_capacity(CIRCUITS as usize);
    // What is made once in the process is no matter of a circuit.
    let first = Circuit::new("orders", policy);
    let before = counting::live();
    circuits.extend((0..CIRCUITS).map(|_| Circuit::new("orders", policy)));
    let bytes = counting::live() - before;
    assert_eq!(bytes % CIRCUITS, 0, "all are alike");
    circuits.push(first);
    (bytes / CIRCUITS, circuits)
}

#[test]
fn a_circuit_keeps_what_its_window_needs_and_little_more() {
    let slow = |trip: Trip| trip.slow_rate(Duration::from_secs(2), Ratio::percent(50));
    let time = |seconds| Trip::over_time(Duration::from_secs(seconds));
    let mut all = Vec::new();
    for (name, trip, bar) in [
        ("failures in a row", Trip::consecutive(5), 192),
        ("the last 100 calls", Trip::over_calls(100), 192),
        ("the last 1000 calls", Trip::over_calls(1000), 320),
        ("the last 100 calls, and slow ones", slow(Trip::over_calls(100)), 256),
        ("the last 1000 calls, and slow ones", slow(Trip::over_calls(1000)), 512),
        ("the default rules", Trip::default(), 384),
        ("an hour", time(3600), 384),
        ("10 s, and slow calls", slow(time(10)), 384),
    ] {
        let (bytes, circuits) = kept(&Policy::new().trip(trip));
        assert!((1..=bar).contains(&bytes), "{name}: {bytes} bytes");
        // It does not grow with its calls, and comes back to that once it has opened and closed again.
        let before = counting::live();
        for circuit in &circuits {
            (0..500).for_each(|n| circuit.admit().expect("closed").record(outcome(n % 10 == 0)));
        }
        assert_eq!(counting::live(), before, "{name}: grew by its calls");
        for circuit in &circuits {
            circuit.trip();
        }
        let open = (counting::live() - before) / circuits.len() as i64;
        for circuit in &circuits {
            circuit.reset();
        }
        assert_eq!(counting::live(), before, "{name}: keeps what it needed while it was open");
        // Not before: the harness keeps what is printed.
        println!("{name}: {bytes} bytes, {open} more while open");
        // So that nobody gets their slots.
        all.push(circuits);
    }
}

#[test]
fn a_limit_for_calls_that_were_given_up_costs_two_words_beside_a_ring_and_nothing_elsewhere() {
    let mut all = Vec::new();
    let mut more = |trip: Trip| {
        let policy = Policy::new().trip(trip);
        let (without, circuits) = kept(&policy);
        let (with, others) = kept(&policy.abandoned_after(Duration::from_secs(3)));
        all.push((circuits, others));
        with - without
    };
    assert_eq!(more(Trip::over_calls(11)), 16);
    assert_eq!(more(Trip::over_calls(12).slow_rate(Duration::from_secs(2), Ratio::percent(50))), 0);
}

#[test]
fn what_is_rare_is_there_while_it_is_needed_and_gone_after_it() {
    // A window that no other test of this binary has.
    let policy = Policy::new().trip(Trip::over_calls(7)).open_for(Duration::ZERO).probes(3);
    let (_, circuits) = kept(&policy);
    let [circuit, ..] = &circuits[..] else { panic!("there are some") };
    let before = counting::live();

    circuit.trip();
    while circuit.state() != State::HalfOpen {
        // real: the shortest open time is a millisecond of the clock
        let _ = circuit.admit();
    }
    assert!((1..=512).contains(&(counting::live() - before)), "{}", counting::live() - before);
    while circuit.state() != State::Closed {
        circuit.admit().expect("a probe").record(Outcome::OK);
    }
    assert_eq!(counting::live(), before, "closed by its probes");

    drop(circuit.watch());
    assert_eq!(counting::live(), before, "watched no more");
}

#[test]
fn a_circuit_that_is_told_of_keeps_no_news() {
    let policy = Policy::new().trip(Trip::over_calls(8)).observe(|_: &Event<'_>| {});
    let (_, circuits) = kept(&policy);
    let before = counting::live();
    for circuit in &circuits {
        circuit.force_open();
        circuit.auto();
    }
    assert_eq!(counting::live(), before);
}

#[test]
fn a_circuit_that_is_gone_leaves_its_slot_to_the_next_and_nothing_else() {
    let policy = Policy::new().trip(Trip::over_calls(9));
    let make = || drop(Circuit::new(String::from("made at run time"), &policy));
    make();
    let before = counting::live();
    for _ in 0..100 {
        make();
    }
    assert_eq!(counting::live(), before);
}

fn outcome(failed: bool) -> Outcome {
    if failed { Outcome::FAILED } else { Outcome::OK }
}

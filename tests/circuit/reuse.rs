//! Slots are used again: what calls of a former owner say reaches nobody.

use crate::ties::{SECOND, say};
use buttress::{
    breaker::{Circuit, Permit, Policy, State, Trip},
    outcome::Outcome,
    telemetry::Event,
};
use std::{
    sync::{Arc, Barrier, Mutex},
    thread,
    time::Duration,
};

const S: Outcome = Outcome::OK;
const F: Outcome = Outcome::FAILED;

/// One policy for each make of window, each of a size that nobody else in this binary asks for: their slots are ours.
fn policies() -> Vec<Policy> {
    let slow = (Duration::from_secs(9), buttress::window::Ratio::ONE);
    [
        Trip::consecutive(2).or_rule(crate::plan::ThirdTimeout::default),
        Trip::over_calls(3_001).min_calls(1),
        Trip::over_calls(3_002).min_calls(1).slow_rate(slow.0, slow.1).failure_rate(slow.1),
        Trip::over_time(17 * SECOND).min_calls(1),
        Trip::over_time(17 * SECOND).min_calls(1).slow_rate(slow.0, slow.1).failure_rate(slow.1),
    ]
    .into_iter()
    .map(|trip| Policy::new().trip(trip).open_for(10 * SECOND))
    .collect()
}

#[test]
fn late_results_of_a_former_owner_move_nothing_of_the_next() {
    for policy in policies() {
        // Turned so often that a tag of four bits would have come round, for each distance.
        for turns in 0..40 {
            let first = Circuit::new("first", &policy);
            let late: Vec<Permit> = (0..4).map(|_| first.admit().expect("closed")).collect();
            drop(first);
            // Whoever has the slot, it is one of these.
            let next: Vec<Circuit> = (0..8).map(|_| Circuit::new("next", &policy)).collect();
            for circuit in &next {
                (0..turns).for_each(|_| circuit.reset());
            }
            for (permit, outcome) in late.into_iter().zip([F, S, Outcome::THROTTLED, F]) {
                permit.record(outcome);
            }
            for circuit in &next {
                let seen = circuit.snapshot();
                assert_eq!(
                    (seen.state, seen.calls, seen.failed),
                    (State::Closed, 0, 0),
                    "{turns}: {policy:?}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_probe_of_a_former_owner_moves_nothing_of_the_next() {
    for policy in policies() {
        let first = Circuit::new("first", &policy);
        first.trip();
        tokio::time::advance(10 * SECOND).await;
        let late = first.admit().expect("a probe");
        drop(first);
        let next: Vec<Circuit> = (0..8).map(|_| Circuit::new("next", &policy)).collect();
        for circuit in &next {
            circuit.trip();
        }
        tokio::time::advance(10 * SECOND).await;
        let probes: Vec<Permit> = next.iter().map(|circuit| circuit.admit().expect("a probe")).collect();
        late.record(F);
        for (circuit, probe) in next.iter().zip(probes) {
            assert_eq!(circuit.state(), State::HalfOpen);
            assert!(circuit.admit().is_err(), "its place is the own probe's");
            probe.record(S);
            assert_eq!(circuit.state(), State::Closed);
        }
    }
}

#[test]
fn a_new_owner_begins_with_nothing_of_the_former_one() {
    for policy in policies() {
        for _ in 0..20 {
            let circuit = Circuit::new("x", &policy);
            let seen = circuit.snapshot();
            assert_eq!((seen.state, seen.calls, seen.failed, seen.slow), (State::Closed, 0, 0, 0));
            assert_eq!((seen.failures_in_a_row, seen.openings_in_a_row, seen.rejected), (0, 0, 0));
            circuit.trip();
            assert!(circuit.admit().is_err());
        }
    }
}

#[test]
fn calls_that_outlive_their_circuit_are_told_to_nobody() {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard_by = |name: &'static str| {
        let ear = Arc::clone(&told);
        Policy::new().trip(Trip::over_calls(3_003)).observe(move |event: &Event<'_>| {
            if let Event::Call { .. } = event {
                ear.lock().expect("not poisoned").push(format!("{} of {name}", event.name()));
            }
        })
    };
    let (first, second) = (heard_by("first"), heard_by("second"));
    let circuit = Circuit::new("first", &first);
    let mut late: Vec<Permit> = (0..3).map(|_| circuit.admit().expect("closed")).collect();
    let mut next = || late.pop().expect("three");
    next().record(S);
    drop(circuit);
    next().record(S);
    let circuit = Circuit::new("second", &second);
    next().record(S);
    say(&circuit, &[S]);
    assert_eq!(*told.lock().expect("not poisoned"), ["first of first", "second of second"]);
}

/// Real threads, as far as they come: owners come and go while calls of all of them end.
#[test]
fn owners_come_and_go_while_calls_end_and_nobody_is_moved_by_anothers() {
    let policy = Policy::new().trip(Trip::over_calls(3_004).min_calls(1)).open_for(1_000 * SECOND);
    let start = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                start.wait();
                for _ in 0..3_000 {
                    // Its failing call ends after it has gone.
                    let gone = Circuit::new("gone", &policy).admit().expect("closed");
                    gone.record(F);
                }
            });
            scope.spawn(|| {
                start.wait();
                for _ in 0..3_000 {
                    let circuit = Circuit::new("here", &policy);
                    say(&circuit, &[S, S]);
                    let seen = circuit.snapshot();
                    assert_eq!((seen.state, seen.calls, seen.failed), (State::Closed, 2, 0));
                }
            });
        }
    });
}

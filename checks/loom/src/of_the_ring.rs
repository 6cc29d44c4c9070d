//! The ring: its counts are those of its bits, whoever races for whatever place, and nobody misses what makes a rate.

use crate::{all, gate::is_sound, most, ring::Ring};
use loom::{sync::Arc, thread};

const G: u32 = 7;

fn ring(slow: bool) -> Arc<Ring> {
    ring_of(2, slow)
}

fn ring_of(size: u32, slow: bool) -> Arc<Ring> {
    let ring = Ring::new(size, slow, 0);
    ring.clear(G);
    Arc::new(ring)
}

/// In a ring of one, each record is a lap.
#[test]
fn the_counts_are_those_of_the_bits_when_threads_race_for_one_place() {
    all(|| {
        let ring = ring_of(1, false);
        let other = thread::spawn({
            let ring = Arc::clone(&ring);
            move || {
                ring.record(G, true, false);
                ring.record(G, false, false);
            }
        });
        ring.record(G, true, false);
        other.join().expect("no panic");
        is_sound(&ring, G);
    });
}

#[test]
fn the_counts_are_those_of_the_bits_when_threads_race_for_a_lap() {
    most(3, || {
        let ring = ring(false);
        let other = thread::spawn({
            let ring = Arc::clone(&ring);
            move || {
                ring.record(G, true, false);
                ring.record(G, false, false);
            }
        });
        ring.record(G, true, false);
        ring.record(G, true, false);
        other.join().expect("no panic");
        is_sound(&ring, G);
    });
}

#[test]
fn the_counts_are_those_of_the_bits_in_both_planes() {
    most(3, || {
        let ring = ring_of(1, true);
        let other = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.record(G, true, true)
        });
        ring.record(G, true, false);
        ring.record(G, false, true);
        other.join().expect("no panic");
        is_sound(&ring, G);
    });
}

#[test]
fn the_counts_are_those_of_the_bits_for_three_threads_and_slow_calls() {
    most(2, || {
        let ring = ring(true);
        let record = |failed, slow| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || ring.record(G, failed, slow))
        };
        let threads = [record(true, true), record(false, true)];
        ring.record(G, true, false);
        threads.into_iter().for_each(|thread| _ = thread.join().expect("no panic"));
        is_sound(&ring, G);
    });
}

#[test]
fn a_quiet_success_beside_a_failure_loses_neither() {
    all(|| {
        let ring = ring(false);
        let quiet = thread::spawn({
            let ring = Arc::clone(&ring);
            move || {
                if !ring.record_quietly(G) {
                    ring.record(G, false, false);
                }
            }
        });
        let seen = ring.record(G, true, false).expect("of this generation");
        quiet.join().expect("no panic");
        assert_eq!((ring.totals().calls, ring.totals().failed), (2, 1));
        assert_eq!(seen.failed, 1);
        is_sound(&ring, G);
    });
}

#[test]
fn whoever_is_last_sees_all_so_that_no_rate_is_missed() {
    all(|| {
        let ring = ring(false);
        let other = thread::spawn({
            let ring = Arc::clone(&ring);
            move || ring.record(G, true, false).expect("of this generation")
        });
        let one = ring.record(G, true, false).expect("of this generation");
        let other = other.join().expect("no panic");
        assert!([one, other].iter().any(|seen| (seen.calls, seen.failed) == (2, 2)), "{one:?} {other:?}");
    });
}

#[test]
fn a_turn_takes_no_result_of_the_old_generation_and_loses_none_of_the_new() {
    all(|| {
        let ring = ring(false);
        let late = thread::spawn({
            let ring = Arc::clone(&ring);
            move || {
                ring.record(G, true, false);
                ring.record_quietly(G);
            }
        });
        ring.clear(G + 1);
        ring.record(G + 1, true, false).expect("of the new generation");
        late.join().expect("no panic");
        assert_eq!((ring.totals().calls, ring.totals().failed), (1, 1));
        is_sound(&ring, G + 1);
    });
}

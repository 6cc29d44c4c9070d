//! The buckets: each call is counted once, also where the lap changes under it.

use crate::{
    all,
    buckets::{BUCKETS, Buckets, Found},
    most,
};
use loom::{sync::Arc, thread};

const G: u32 = 7;
const START: u64 = 2 * BUCKETS;

fn buckets() -> Arc<Buckets> {
    let buckets = Buckets::new(false);
    buckets.clear(G, START);
    Arc::new(buckets)
}

fn record(buckets: &Arc<Buckets>, now: u64, failed: bool) -> thread::JoinHandle<Found> {
    let buckets = Arc::clone(buckets);
    thread::spawn(move || buckets.record(G, now, failed, false))
}

#[test]
fn in_one_bucket_each_call_is_counted_once() {
    most(3, || {
        let buckets = buckets();
        let threads = [record(&buckets, START, true), record(&buckets, START, false)];
        buckets.record(G, START, true, false);
        threads.into_iter().for_each(|thread| _ = thread.join().expect("no panic"));
        let seen = buckets.totals(G, START);
        assert_eq!((seen.calls, seen.failed), (3, 2));
    });
}

/// Each thread's first record of a lap clears what is old; nobody's first record may clear what another has just counted.
#[test]
fn at_a_change_of_lap_each_call_of_the_new_lap_is_counted_once() {
    most(3, || {
        let buckets = buckets();
        buckets.record(G, START + 1, true, false);
        let now = START + BUCKETS + 1;
        let other = record(&buckets, now, true);
        buckets.record(G, now, false, false);
        other.join().expect("no panic");
        let seen = buckets.totals(G, now);
        assert_eq!((seen.calls, seen.failed), (2, 1));
    });
}

#[test]
fn after_a_long_pause_too_and_nothing_of_before_comes_back() {
    most(3, || {
        let buckets = buckets();
        buckets.record(G, START + 1, true, false);
        // Half of the laps that the mark has numbers for: the old bucket looks newer than today.
        let now = START + 1 + BUCKETS * ((1 << 23) + 3);
        let other = record(&buckets, now, true);
        buckets.record(G, now, false, false);
        other.join().expect("no panic");
        let seen = buckets.totals(G, now);
        assert_eq!((seen.calls, seen.failed), (2, 1));
    });
}

#[test]
fn a_thread_that_is_a_lap_behind_wipes_nothing() {
    most(3, || {
        let buckets = buckets();
        let behind = record(&buckets, START + 1, true);
        let now = START + BUCKETS + 1;
        buckets.record(G, now, true, false);
        behind.join().expect("no panic");
        let seen = buckets.totals(G, now);
        // Its own call has left the window, or counts in the bucket that runs.
        assert!((1..=2).contains(&seen.calls) && seen.calls == seen.failed, "{seen:?}");
    });
}

#[test]
fn of_a_failure_and_a_success_the_last_sees_both() {
    all(|| {
        let buckets = buckets();
        let other = record(&buckets, START, true);
        let success = buckets.record(G, START, false, false);
        let failure = other.join().expect("no panic");
        let saw_both = |found| matches!(found, Found::Uneasy(seen) if (seen.calls, seen.failed) == (2, 1));
        assert!(saw_both(success) || saw_both(failure), "{success:?} {failure:?}");
    });
}

#[test]
fn a_quiet_success_is_counted_once_beside_a_failure() {
    all(|| {
        let buckets = buckets();
        let other = record(&buckets, START, true);
        if !buckets.record_quietly(G, START) {
            buckets.record(G, START, false, false);
        }
        other.join().expect("no panic");
        let seen = buckets.totals(G, START);
        assert_eq!((seen.calls, seen.failed), (2, 1));
    });
}

#[test]
fn a_turn_takes_no_result_of_the_old_generation_and_loses_none_of_the_new() {
    all(|| {
        let buckets = buckets();
        let late = record(&buckets, START, true);
        buckets.clear(G + 1, START);
        assert_ne!(buckets.record(G + 1, START, true, false), Found::Stale);
        late.join().expect("no panic");
        let seen = buckets.totals(G + 1, START);
        assert_eq!((seen.calls, seen.failed), (1, 1));
    });
}

//! The tally: turns begin under the hands of those who record, and no sample of a turn that counts is lost.

use crate::{all, most, tally::Tally};
use loom::{sync::Arc, thread};

#[test]
fn no_sample_is_lost_where_two_threads_begin_a_turn() {
    all(|| {
        let tally = Arc::new(Tally::new(2, 1));
        // One of the first turn, and the next sample begins the second.
        tally.record(1);
        let other = thread::spawn({
            let tally = Arc::clone(&tally);
            move || tally.record(1)
        });
        tally.record(1);
        other.join().expect("no panic");
        assert_eq!(tally.recorded(), 3);
        assert_eq!(tally.counted(), 3, "both turns count");
    });
}

#[test]
fn the_words_of_an_old_turn_are_begun_anew_by_whoever_comes_first() {
    all(|| {
        let tally = Arc::new(Tally::new(1, 1));
        // Two turns have filled both words, and two threads share the third.
        (0..4).for_each(|_| tally.record(0));
        let other = thread::spawn({
            let tally = Arc::clone(&tally);
            move || tally.record(0)
        });
        tally.record(0);
        other.join().expect("no panic");
        // The third turn is over, so that the fourth counts beside it.
        assert_eq!(tally.recorded(), 6);
        tally.record(0);
        assert_eq!(tally.counted(), 3);
    });
}

#[test]
fn one_that_was_held_up_for_two_turns_counts_for_nothing_and_harms_nothing() {
    most(2, || {
        let tally = Arc::new(Tally::new(1, 0));
        let others: Vec<_> = (0..2)
            .map(|_| {
                let tally = Arc::clone(&tally);
                thread::spawn(move || tally.record(0))
            })
            .collect();
        tally.record(0);
        others.into_iter().for_each(|other| other.join().expect("no panic"));
        // A turn is one sample, and the last that is over counts, whoever was how late.
        assert_eq!((tally.recorded(), tally.counted()), (3, 1));
        assert_eq!(tally.lowest(|_| 0), Some(0));
    });
}

#[test]
fn who_looks_meanwhile_sees_a_step_that_somebody_recorded() {
    most(2, || {
        let tally = Arc::new(Tally::new(3, 1));
        tally.record(1);
        let other = thread::spawn({
            let tally = Arc::clone(&tally);
            move || {
                tally.record(1);
                tally.record(1);
            }
        });
        assert_eq!(tally.lowest(|_| 0), Some(1));
        other.join().expect("no panic");
    });
}

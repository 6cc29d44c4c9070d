//! The word: a late result moves nothing, and no count is lost.

use crate::{
    all,
    word::{Counted, Phase, StateWord},
};
use loom::{sync::Arc, thread};

fn closed() -> (Arc<StateWord>, u32) {
    let word = Arc::new(StateWord::new());
    let generation = word.turn(Phase::Closed).generation();
    (word, generation)
}

#[test]
fn a_failure_and_a_success_of_an_earlier_generation_move_nothing() {
    all(|| {
        let (word, old) = closed();
        let threads = [
            thread::spawn({
                let word = Arc::clone(&word);
                move || word.grow_run(old) == Counted::Stale
            }),
            thread::spawn({
                let word = Arc::clone(&word);
                move || word.end_run(old)
            }),
        ];
        let new = word.turn(Phase::HalfOpen);
        threads.into_iter().for_each(|thread| _ = thread.join().expect("no panic"));
        assert_eq!(word.load(), new);
    });
}

#[test]
fn of_failures_at_once_each_is_counted_and_one_is_the_last() {
    all(|| {
        let (word, generation) = closed();
        let fail = |word: &Arc<StateWord>| {
            let word = Arc::clone(word);
            thread::spawn(move || word.grow_run(generation))
        };
        let threads = [fail(&word), fail(&word)];
        let mut runs = vec![word.grow_run(generation)];
        runs.extend(threads.map(|thread| thread.join().expect("no panic")));
        runs.sort_by_key(|counted| format!("{counted:?}"));
        assert_eq!(runs, [Counted::Run(1), Counted::Run(2), Counted::Run(3)]);
        assert_eq!(word.load().run(), 3);
    });
}

#[test]
fn a_success_ends_the_run_that_it_finds_and_no_later_failure() {
    all(|| {
        let (word, generation) = closed();
        word.grow_run(generation);
        let success = thread::spawn({
            let word = Arc::clone(&word);
            move || word.end_run(generation)
        });
        let counted = word.grow_run(generation);
        assert!(success.join().expect("no panic"), "it counts");
        let run = word.load().run();
        // Before the failure or after it.
        assert!(
            (counted, run) == (Counted::Run(1), 1) || (counted, run) == (Counted::Run(2), 0),
            "{counted:?} {run}"
        );
    });
}

#[test]
fn the_end_of_a_ramp_keeps_the_run_and_undoes_no_turn() {
    all(|| {
        let word = Arc::new(StateWord::new());
        let generation = word.turn(Phase::Ramping).generation();
        let ramp = thread::spawn({
            let word = Arc::clone(&word);
            move || word.end_ramp(generation)
        });
        assert_eq!(word.grow_run(generation), Counted::Run(1));
        ramp.join().expect("no panic");
        assert_eq!((word.load().phase(), word.load().run()), (Phase::Closed, 1));

        let word = Arc::new(StateWord::new());
        let generation = word.turn(Phase::Ramping).generation();
        let ramp = thread::spawn({
            let word = Arc::clone(&word);
            move || word.end_ramp(generation)
        });
        let open = word.turn(Phase::Open);
        ramp.join().expect("no panic");
        assert_eq!(word.load(), open);
    });
}

#[test]
fn failures_that_are_counted_while_rules_change_are_neither_lost_nor_hide_the_change() {
    all(|| {
        let (word, generation) = closed();
        let fail = |word: &Arc<StateWord>| {
            let word = Arc::clone(word);
            thread::spawn(move || word.grow_run(generation))
        };
        let threads = [fail(&word), fail(&word)];
        word.attend(true);
        threads.into_iter().for_each(|thread| _ = thread.join().expect("no panic"));
        assert_eq!((word.load().run(), word.load().is_attended()), (2, true));
    });
}

//! The composition: one turn for one cause, and whatever was let through before a turn is nothing after it.

use crate::{all, gate::Gate, most, word::Phase};
use loom::{sync::Arc, thread};

#[test]
fn two_failures_at_once_open_it_once() {
    most(3, || {
        let gate = Arc::new(Gate::new(2, 2));
        let generation = gate.admit().expect("closed");
        let other = thread::spawn({
            let gate = Arc::clone(&gate);
            move || gate.fail(generation)
        });
        gate.fail(generation);
        other.join().expect("no panic");
        assert_eq!(gate.lock().turns, [(Phase::Closed, 1), (Phase::Open, 2)]);
        assert_eq!((gate.word.load().phase(), gate.word.load().generation()), (Phase::Open, 2));
    });
}

#[test]
fn a_late_failure_does_not_open_what_was_closed_anew() {
    all(|| {
        let gate = Arc::new(Gate::new(2, 1));
        let generation = gate.admit().expect("closed");
        let late = thread::spawn({
            let gate = Arc::clone(&gate);
            move || gate.fail(generation)
        });
        let last = gate.by_hand(Phase::Closed);
        late.join().expect("no panic");
        // Either it came first and opened, or it did nothing: what was turned by hand is last in any case.
        let word = gate.word.load();
        assert_eq!((word.phase(), word.generation(), word.run()), (Phase::Closed, last, 0));
        assert_eq!(gate.ring.totals().calls, 0);
        gate.is_sound();
    });
}

#[test]
fn what_is_counted_in_the_end_was_let_through_by_the_last_turn() {
    most(2, || {
        let gate = Arc::new(Gate::new(2, 9));
        let call = |failed| {
            let gate = Arc::clone(&gate);
            thread::spawn(move || {
                let generation = gate.admit().expect("closed");
                if failed {
                    gate.fail(generation)
                } else {
                    gate.succeed(generation)
                }
                (generation, failed)
            })
        };
        let threads = [call(true), call(false)];
        let last = gate.by_hand(Phase::Closed);
        let calls = threads.map(|thread| thread.join().expect("no panic"));
        let counted =
            |failed: bool| calls.iter().filter(|call| call.0 == last && (call.1 || !failed)).count() as u32;
        let seen = gate.ring.totals();
        assert_eq!((seen.calls, seen.failed), (counted(false), counted(true)));
        gate.is_sound();
    });
}

#[test]
fn a_slot_that_changes_its_owner_between_a_call_and_its_end_takes_nothing_along() {
    most(3, || {
        let gate = Arc::new(Gate::new(2, 1));
        let generation = gate.admit().expect("closed");
        let late = thread::spawn({
            let gate = Arc::clone(&gate);
            move || gate.fail(generation)
        });
        // The owner goes: one turn under the lock, the window stays as it is. Then comes the next.
        let cold = gate.lock();
        gate.word.turn(Phase::Closed);
        drop(cold);
        let mine = gate.by_hand(Phase::Closed);
        assert_eq!(gate.admit(), Some(mine));
        gate.succeed(mine);
        late.join().expect("no panic");
        let (word, seen) = (gate.word.load(), gate.ring.totals());
        assert_eq!((word.phase(), word.generation()), (Phase::Closed, mine));
        assert_eq!((seen.calls, seen.failed), (1, 0));
        gate.is_sound();
    });
}

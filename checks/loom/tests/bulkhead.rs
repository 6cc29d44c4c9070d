//! Every interleaving of the bulkhead's core: the word that all swap, and the line that is handed over under a lock.
//!
//! A wake that is lost shows as a deadlock, a place that is given twice as two inside.
#![cfg(loom)]

// The core is taken as it stands.
#[expect(dead_code, reason = "what only the layer needs is unused here")]
#[path = "../../../src/bulkhead/compartment.rs"]
mod compartment;
#[path = "../../../src/bulkhead/line.rs"]
mod line;
#[path = "../../../src/bulkhead/sync.rs"]
mod sync;
#[path = "../../../src/bulkhead/word.rs"]
mod word;

use compartment::{Compartment, Join, Take};
use loom::{
    cell::UnsafeCell,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, JoinHandle, Thread},
};
use std::task::{Wake, Waker};

/// Wakes a thread that is parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }
}

/// A compartment, and something that only one may touch at once.
struct Stage {
    compartment: Compartment,
    /// With a limit of one: loom panics where two touch it at once, or where one does not see that the former has left.
    alone: UnsafeCell<()>,
    over: AtomicUsize,
}

impl Stage {
    fn new(limit: u32) -> Arc<Self> {
        let compartment = Compartment::new();
        compartment.renew(limit);
        Arc::new(Self { compartment, alone: UnsafeCell::new(()), over: AtomicUsize::new(0) })
    }

    fn touch(&self) {
        self.alone.with_mut(|_| ());
    }

    fn take(&self) -> bool {
        self.compartment.take_quietly() || self.compartment.take() == Take::In
    }

    fn give_back(&self) {
        let word = self.compartment.give_back();
        if !word.is_quiet() {
            self.call_up();
        }
        if word.is_over() {
            self.over.fetch_add(1, SeqCst);
        }
    }

    fn call_up(&self) {
        while let Some(waker) = self.compartment.call_up() {
            waker.wake();
        }
    }

    /// Waits for a place, however long it takes.
    fn wait(&self) {
        let waker = || Waker::from(std::sync::Arc::new(Unpark(thread::current())));
        match self.compartment.join(8, waker()) {
            Join::In => {}
            Join::Waits(seat) => {
                while !self.compartment.is_called(&seat, waker()) {
                    thread::park();
                }
            }
            other => panic!("{other:?}"),
        }
    }

    fn touch_and_go(&self) {
        self.touch();
        self.give_back();
    }

    fn take_turn(&self) {
        self.wait();
        self.touch_and_go();
    }

    fn wait_and_go(&self) {
        self.wait();
        self.give_back();
    }

    /// Joins and leaves at once.
    fn come_and_go(&self) {
        match self.compartment.join(8, Waker::noop().clone()) {
            Join::In => self.give_back(),
            Join::Waits(seat) => {
                if self.compartment.leave(&seat) {
                    self.give_back();
                }
            }
            other => panic!("{other:?}"),
        }
    }

    fn is_empty(&self) -> bool {
        let word = self.compartment.word();
        (word.taken(), word.waiting()) == (0, 0)
    }
}

/// On a thread beside.
fn aside(stage: &Arc<Stage>, run: impl FnOnce(&Stage) + 'static) -> JoinHandle<()> {
    let stage = Arc::clone(stage);
    thread::spawn(move || run(&stage))
}

#[test]
fn one_place_is_never_given_to_two() {
    loom::model(|| {
        let stage = Stage::new(1);
        let threads: Vec<_> = (0..2)
            .map(|_| {
                aside(&stage, |stage| {
                    if stage.take() {
                        stage.touch_and_go();
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        assert!(stage.is_empty());
    });
}

#[test]
fn who_joins_while_the_last_one_leaves_comes_to_his_turn() {
    loom::model(|| {
        let stage = Stage::new(1);
        assert!(stage.take());
        let waits = aside(&stage, Stage::take_turn);
        stage.touch_and_go();
        waits.join().expect("no panic");
        assert!(stage.is_empty());
    });
}

#[test]
fn two_who_wait_both_come_to_their_turn() {
    loom::model(|| {
        let stage = Stage::new(1);
        let waits = aside(&stage, Stage::take_turn);
        stage.take_turn();
        waits.join().expect("no panic");
        assert!(stage.is_empty());
    });
}

#[test]
fn who_leaves_the_queue_as_its_turn_comes_takes_no_turn_along() {
    let mut bounded = loom::model::Builder::new();
    bounded.preemption_bound = Some(3);
    bounded.check(|| {
        let stage = Stage::new(1);
        assert!(stage.take());
        let goes = aside(&stage, Stage::come_and_go);
        let waits = aside(&stage, Stage::take_turn);
        stage.touch_and_go();
        goes.join().expect("no panic");
        waits.join().expect("no panic");
        assert!(stage.is_empty());
    });
}

#[test]
fn a_limit_that_grows_lets_in_who_joined_at_that_instant() {
    loom::model(|| {
        let stage = Stage::new(1);
        assert!(stage.take());
        let waits = aside(&stage, Stage::wait_and_go);
        stage.compartment.set_limit(2);
        stage.call_up();
        waits.join().expect("no panic");
        stage.give_back();
        assert!(stage.is_empty());
    });
}

#[test]
fn a_limit_that_grows_and_one_who_leaves_call_up_both_who_wait() {
    let mut bounded = loom::model::Builder::new();
    bounded.preemption_bound = Some(3);
    bounded.check(|| {
        let stage = Stage::new(1);
        assert!(stage.take());
        let (one, two) = (aside(&stage, Stage::wait_and_go), aside(&stage, Stage::wait_and_go));
        stage.compartment.set_limit(2);
        stage.call_up();
        stage.give_back();
        one.join().expect("no panic");
        two.join().expect("no panic");
        assert!(stage.is_empty());
    });
}

#[test]
fn a_limit_that_shrinks_keeps_all_but_one_out_and_loses_nobody() {
    loom::model(|| {
        let stage = Stage::new(2);
        assert!(stage.take() && stage.take());
        let waits = aside(&stage, Stage::take_turn);
        stage.compartment.set_limit(1);
        stage.call_up();
        // Until the second has left, nobody may come in: there is one place, and it is taken.
        stage.give_back();
        stage.touch_and_go();
        waits.join().expect("no panic");
        assert!(stage.is_empty());
    });
}

#[test]
fn nobody_overtakes_who_waits() {
    loom::model(|| {
        let stage = Stage::new(1);
        assert!(stage.take());
        let Join::Waits(seat) = stage.compartment.join(8, Waker::noop().clone()) else {
            panic!("it is full")
        };
        let newcomer = aside(&stage, |stage| assert!(!stage.take(), "overtook"));
        stage.give_back();
        newcomer.join().expect("no panic");
        assert!(stage.compartment.is_called(&seat, Waker::noop().clone()));
    });
}

#[test]
fn the_last_of_handle_and_calls_finds_it_over_and_nobody_else() {
    loom::model(|| {
        let stage = Stage::new(2);
        assert!(stage.take() && stage.take());
        let threads: Vec<_> = (0..2).map(|_| aside(&stage, Stage::give_back)).collect();
        if stage.compartment.abandon().is_over() {
            stage.over.fetch_add(1, SeqCst);
        }
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        assert_eq!(stage.over.load(SeqCst), 1);
    });
}

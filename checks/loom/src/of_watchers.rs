//! Those who watch: a turn between the look and the waiting is not missed.

use crate::{all, gate::Gate, word::Phase};
use loom::{sync::Arc, thread};
use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    task::{Poll, Wake, Waker},
};

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

#[test]
fn a_turn_is_seen_or_wakes() {
    all(|| {
        let gate = Arc::new(Gate::new(1, 1));
        let id = gate.lock().watchers.join();
        let mut seen = None;
        assert!(gate.lock().watchers.poll(id, &mut seen, Waker::noop()).0.is_ready());
        let turns = thread::spawn({
            let gate = Arc::clone(&gate);
            move || {
                let mut cold = gate.lock();
                gate.word.turn(Phase::Open);
                let waiting = cold.watchers.turned();
                drop(cold);
                waiting.into_iter().for_each(Waker::wake);
            }
        });
        let woken = std::sync::Arc::new(Woken(AtomicBool::new(false)));
        let waker = Waker::from(std::sync::Arc::clone(&woken));
        let look = || {
            let mut cold = gate.lock();
            let polled = cold.watchers.poll(id, &mut seen, &waker).0;
            (polled, gate.word.load().phase())
        };
        let (polled, phase) = { look }();
        turns.join().expect("no panic");
        match polled {
            Poll::Ready(()) => assert_eq!(phase, Phase::Open),
            Poll::Pending => assert!(woken.0.load(SeqCst), "nobody has told it"),
        }
    });
}

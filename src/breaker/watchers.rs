//! Who waits for the next state of a circuit.

use std::task::{Poll, Waker};

/// Behind the slot's lock: a turn that is made between a look and the waiting would be missed otherwise. Bounded by the
/// streams that live.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    /// How many turns there were.
    turns: u64,
    waiting: Vec<(u64, Waker)>,
    next: u64,
    /// How many there are that may wait.
    here: u32,
}

impl Watchers {
    /// A number for one who will wait.
    pub(super) const fn join(&mut self) -> u64 {
        self.next += 1;
        self.here += 1;
        self.next
    }

    /// Whether there is nobody.
    pub(super) const fn is_empty(&self) -> bool {
        self.here == 0
    }

    /// A turn was made: the wakers of those who wait, to be woken once the lock is free.
    pub(super) fn turned(&mut self) -> Vec<Waker> {
        self.turns += 1;
        self.moved()
    }

    /// No turn, but what was full may have room, or sooner than was said: those who wait look again, and streams of states
    /// find nothing new.
    pub(super) fn moved(&mut self) -> Vec<Waker> {
        self.waiting.drain(..).map(|(_, waker)| waker).collect()
    }

    /// Whether there was a turn since the one that was `seen`, which is brought up to date; else notes who is to be woken.
    ///
    /// What is given back with that is dropped once the lock is free: with the last waker of a task goes the task, and with
    /// that a permit of this very circuit, maybe.
    pub(super) fn poll(
        &mut self,
        id: u64,
        seen: &mut Option<u64>,
        waker: &Waker,
    ) -> (Poll<()>, Option<Waker>) {
        if seen.replace(self.turns) != Some(self.turns) {
            return (Poll::Ready(()), None);
        }
        let former = match self.waiting.iter_mut().find(|(waits, _)| *waits == id) {
            Some((_, waits)) if waits.will_wake(waker) => None,
            Some((_, waits)) => Some(std::mem::replace(waits, waker.clone())),
            None => {
                self.waiting.push((id, waker.clone()));
                None
            }
        };
        (Poll::Pending, former)
    }

    /// Waits no more. What is given back is dropped once the lock is free.
    #[must_use = "dropped once the lock is free"]
    pub(super) fn leave(&mut self, id: u64) -> Option<Waker> {
        self.here -= 1;
        let at = self.waiting.iter().position(|(waits, _)| *waits == id)?;
        Some(self.waiting.swap_remove(at).1)
    }
}

//! Following the state of a circuit.

use super::{Circuit, State};
use futures_core::Stream;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, Waker},
};

/// Who waits for the next state, behind the slot's lock. Bounded by the streams that live.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    /// How many turns there were.
    turns: u64,
    waiting: Vec<(u64, Waker)>,
    next: u64,
}

impl Watchers {
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

    /// Notes who is to be woken. What is given back is dropped once the lock is free: with the last waker of a task goes the
    /// task, and with that a permit of this very circuit, maybe.
    #[must_use = "dropped once the lock is free"]
    fn wait(&mut self, id: u64, waker: &Waker) -> Option<Waker> {
        match self.waiting.iter_mut().find(|(waits, _)| *waits == id) {
            Some((_, waits)) if waits.will_wake(waker) => None,
            Some((_, waits)) => Some(std::mem::replace(waits, waker.clone())),
            None => {
                self.waiting.push((id, waker.clone()));
                None
            }
        }
    }

    #[must_use = "dropped once the lock is free"]
    fn leave(&mut self, id: u64) -> Option<Waker> {
        let at = self.waiting.iter().position(|(waits, _)| *waits == id)?;
        Some(self.waiting.swap_remove(at).1)
    }
}

/// The states of a circuit as they come, the present one first: a [`Stream`] that never ends.
///
/// Turns that follow each other faster than the stream is polled are seen as one: it always gives the present state, and
/// never the same one for the same turn twice.
///
/// ```
/// use buttress::breaker::{Circuit, Policy, State};
/// use futures_util::StreamExt;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let circuit = Circuit::new("payments", &Policy::new());
/// let mut states = circuit.watch();
/// assert_eq!(states.next().await, Some(State::Closed));
/// circuit.trip();
/// assert_eq!(states.next().await, Some(State::Open));
/// # }
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct Watch {
    circuit: Circuit,
    id: u64,
    /// The turn that was given last.
    seen: Option<u64>,
}

impl Watch {
    pub(super) fn new(circuit: Circuit) -> Self {
        let mut cold = circuit.slot().cold();
        let id = cold.watchers.next;
        cold.watchers.next += 1;
        drop(cold);
        Self { circuit, id, seen: None }
    }
}

impl Stream for Watch {
    type Item = State;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<State>> {
        let slot = self.circuit.slot();
        let mut cold = slot.cold();
        let turns = cold.watchers.turns;
        let id = self.id;
        if self.seen != Some(turns) {
            let state = slot.state();
            drop(cold);
            self.seen = Some(turns);
            return Poll::Ready(Some(state));
        }
        let former = cold.watchers.wait(id, cx.waker());
        drop(cold);
        drop(former);
        Poll::Pending
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut cold = self.circuit.slot().cold();
        let waker = cold.watchers.leave(self.id);
        drop(cold);
        drop(waker);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("circuit", &self.circuit).finish_non_exhaustive()
    }
}

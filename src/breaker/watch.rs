//! Following the state of a circuit.

use super::{Circuit, State};
use futures_core::Stream;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

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
        let id = circuit.cold().more().1.watchers.join();
        Self { circuit, id, seen: None }
    }
}

impl Stream for Watch {
    type Item = State;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<State>> {
        let Self { circuit, id, seen } = self.get_mut();
        let mut cold = circuit.cold();
        let (turned, former) = cold.more().1.watchers.poll(*id, seen, cx.waker());
        // Read under the lock: the state of that very turn.
        let state = circuit.slot().state();
        drop(cold);
        drop(former);
        turned.map(|()| Some(state))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut cold = self.circuit.cold();
        let waker = cold.rare().and_then(|more| more.watchers.leave(self.id));
        cold.tidy();
        drop(cold);
        drop(waker);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("circuit", &self.circuit).finish_non_exhaustive()
    }
}

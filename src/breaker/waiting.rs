//! A service that is not ready while its circuit is open: what wakes it.

use super::{Circuit, Watch, admit::Refused, permit::now};
use crate::clock;
use futures_core::Stream;
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tokio::time::{Sleep, sleep_until};

pin_project! {
    /// Waits until a call would be let through. Lives from the first refusal to that moment, in one allocation.
    pub(super) struct Waiting {
        // Of turns, and of places among the probes that come free.
        watch: Watch,
        #[pin]
        timer: Sleep,
    }
}

impl Waiting {
    pub(super) fn new(circuit: &Circuit, refused: Refused) -> Self {
        Self { watch: circuit.watch(), timer: sleep_until(end(refused)) }
    }

    /// Ready once a call would be let through. The open state is left as it is: the call turns it.
    pub(super) fn poll_admitted(self: Pin<&mut Self>, cx: &mut Context<'_>, circuit: &Circuit) -> Poll<()> {
        let mut this = self.project();
        loop {
            // First the ear, then the look: what turns in between is heard.
            while Pin::new(&mut *this.watch).poll_next(cx).is_ready() {}
            let Some(refused) = circuit.slot().would_refuse(now) else { return Poll::Ready(()) };
            this.timer.as_mut().reset(end(refused));
            if this.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

/// When to look again, never at once. A circuit that is forced open says nothing, and is only watched.
fn end(refused: Refused) -> clock::Instant {
    clock::from_nanos(now().saturating_add(refused.wait.max(1)))
}

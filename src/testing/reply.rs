//! The future of a scripted call: waits as it was told, then ends as it was told.

use super::seen::Flight;
use pin_project_lite::pin_project;
use std::{
    panic::resume_unwind,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::Sleep;

/// The payload of every scripted panic.
///
/// The panic is raised without the panic hook: it unwinds like any other and prints nothing.
pub const PANIC: &str = "a scripted panic";

/// How long a call waits before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// So many Pendings, each with its wake.
    Polls(u32),
    /// So long, by tokio's clock.
    For(Duration),
    Never,
}

/// How a call ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End<T, E> {
    Ok(T),
    Err(E),
    Panic,
    /// Not even a future: `call` itself panics.
    PanicInCall,
}

pub(super) fn panic() -> ! {
    resume_unwind(Box::new(PANIC))
}

pin_project! {
    /// The answer of a [`Probe`](super::Probe) or a [`Script`](super::Script).
    #[derive(Debug)]
    pub struct Reply<T, E> {
        flight: Flight,
        polls_left: u32,
        never: bool,
        #[pin]
        sleep: Option<Sleep>,
        // `None` once it has ended.
        end: Option<End<T, E>>,
    }
}

impl<T, E> Reply<T, E> {
    /// Starts the call; panics if that is its script.
    pub(super) fn start(mut flight: Flight, wait: Wait, end: End<T, E>) -> Self {
        if matches!(end, End::PanicInCall) {
            flight.panicked();
            panic();
        }
        let (polls_left, never, sleep) = match wait {
            Wait::Polls(polls) => (polls, false, None),
            Wait::For(time) => (0, false, Some(tokio::time::sleep(time))),
            Wait::Never => (0, true, None),
        };
        Self { flight, polls_left, never, sleep, end: Some(end) }
    }
}

impl<T, E> Future for Reply<T, E> {
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if !this.flight.polled() || *this.never {
            return Poll::Pending;
        }
        if *this.polls_left > 0 {
            *this.polls_left -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(sleep) = this.sleep.as_pin_mut() {
            ready!(sleep.poll(cx));
        }
        match this.end.take() {
            Some(End::Ok(value)) => {
                this.flight.answered();
                Poll::Ready(Ok(value))
            }
            Some(End::Err(error)) => {
                this.flight.answered();
                Poll::Ready(Err(error))
            }
            Some(End::Panic | End::PanicInCall) => {
                this.flight.panicked();
                panic();
            }
            // Not reached: a flight that has ended was turned away above.
            None => Poll::Pending,
        }
    }
}

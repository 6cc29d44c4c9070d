//! One future through a circuit, without tower.

use super::{Circuit, Permit};
use crate::{outcome::Outcome, rejected::Lifted};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

pin_project! {
    /// The answer of [`Circuit::call`]: the circuit is asked at the first poll.
    #[must_use = "futures do nothing unless polled"]
    pub struct Call<F> {
        #[pin]
        future: F,
        circuit: Circuit,
        state: State,
    }
}

enum State {
    Asking,
    Calling(Permit),
    Answered,
}

impl<F> Call<F> {
    pub(super) fn new(circuit: &Circuit, future: F) -> Self {
        Self { future, circuit: circuit.clone(), state: State::Asking }
    }
}

impl<F, T, E> Future for Call<F>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, Lifted<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if matches!(this.state, State::Asking) {
            match this.circuit.admit() {
                Ok(permit) => *this.state = State::Calling(permit),
                Err(rejected) => {
                    *this.state = State::Answered;
                    return Poll::Ready(Err(Lifted::Rejected(rejected)));
                }
            }
        }
        let State::Calling(permit) = this.state else { return Poll::Pending };
        let answer = ready!(permit.around(|| this.future.poll(cx)));
        if let State::Calling(permit) = std::mem::replace(this.state, State::Answered) {
            permit.record(if answer.is_ok() { Outcome::OK } else { Outcome::FAILED });
        }
        Poll::Ready(answer.map_err(Lifted::Inner))
    }
}

impl<F> fmt::Debug for Call<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("circuit", &self.circuit).finish_non_exhaustive()
    }
}

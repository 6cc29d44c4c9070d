//! The future: waits for the answer or the limit, whichever comes first.

use crate::{
    cause::{self, Cause},
    clock,
    deadline::Deadline,
    rejected::{Name, Reason, Rejectable, Rejected},
    telemetry::{Event, Limit, Observed},
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    task::unconstrained,
    time::{Sleep, sleep_until},
};

pin_project! {
    /// The answer of a [`Timeout`](super::Timeout).
    pub struct ResponseFuture<F> {
        #[pin]
        state: State<F>,
        name: &'static str,
        observed: Observed,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        // The deadline had passed before the call began.
        Refused,
        Calling {
            #[pin]
            call: F,
            #[pin]
            end: End,
        },
        Answered,
    }
}

pin_project! {
    /// The end of a call: the layer's own limit or the deadline, armed at the first Pending.
    struct End {
        #[pin]
        timer: Option<Sleep>,
        limit: Duration,
        deadline: Option<Deadline>,
        // Which of the two the timer stands for.
        by: Limit,
    }
}

impl<F> ResponseFuture<F> {
    #[cold]
    pub(super) fn refused(name: &'static str, observed: &Observed) -> Self {
        Self { state: State::Refused, name, observed: observed.clone() }
    }

    #[inline]
    pub(super) fn calling(
        call: F,
        limit: Duration,
        deadline: Option<Deadline>,
        name: &'static str,
        observed: &Observed,
    ) -> Self {
        let state = State::Calling { call, end: End { timer: None, limit, deadline, by: Limit::Call } };
        Self { state, name, observed: observed.clone() }
    }
}

impl<F, T, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Rejectable,
{
    type Output = Result<T, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        match this.state.as_mut().project() {
            StateProj::Calling { call, end } => {
                // The answer first: one that comes at the very instant of the limit is an answer.
                if let Poll::Ready(answer) = call.poll(cx) {
                    return Poll::Ready(answer);
                }
                let by = ready!(end.poll_passed(cx));
                // Inside goes first, and is told why; then the answer is given.
                cause::during(Cause::Cut, || this.state.set(State::Answered));
                Poll::Ready(Err(cut(this.name, this.observed, by).into()))
            }
            StateProj::Refused => {
                this.state.set(State::Answered);
                Poll::Ready(Err(refuse(this.name, this.observed).into()))
            }
            // Polled after its end, which breaks the contract of futures: it stays pending.
            StateProj::Answered => Poll::Pending,
        }
    }
}

impl End {
    /// Ready once the call has run out of time, with the limit that has passed.
    fn poll_passed(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Limit> {
        let mut this = self.project();
        if this.timer.is_none() {
            if *this.limit == Duration::MAX && this.deadline.is_none() {
                return Poll::Pending;
            }
            let own = clock::after(clock::now(), (*this.limit).max(clock::GRAIN));
            let end = match *this.deadline {
                Some(deadline) if deadline.instant() < own => {
                    *this.by = Limit::Deadline;
                    deadline.instant()
                }
                _ => own,
            };
            this.timer.set(Some(sleep_until(end)));
        }
        match this.timer.as_pin_mut() {
            // An inside that uses up the task's budget at every poll must not starve the timer.
            Some(timer) => pin!(unconstrained(timer)).poll(cx).map(|()| *this.by),
            None => Poll::Pending,
        }
    }
}

#[cold]
fn cut(name: &'static str, observed: &Observed, by: Limit) -> Rejected {
    observed.emit(|| Event::timed_out(name, by));
    let reason = if by == Limit::Deadline { Reason::DeadlinePassed } else { Reason::TimedOut };
    Rejected::new(reason, Name::fixed(name), true)
}

#[cold]
fn refuse(name: &'static str, observed: &Observed) -> Rejected {
    observed.emit(|| Event::rejected(name, Reason::DeadlinePassed));
    Rejected::new(Reason::DeadlinePassed, Name::fixed(name), false)
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Refused => "Refused",
            State::Calling { .. } => "Calling",
            State::Answered => "Answered",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish_non_exhaustive()
    }
}

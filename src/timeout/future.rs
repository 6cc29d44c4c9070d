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
    task::coop::{has_budget_remaining, unconstrained},
    time::{Sleep, sleep, sleep_until},
};

pin_project! {
    /// The answer of a [`Timeout`](super::Timeout).
    pub struct ResponseFuture<F> {
        // `None` once it is refused, cut or answered.
        #[pin]
        call: Option<F>,
        #[pin]
        timer: Option<Sleep>,
        limit: Duration,
        deadline: Option<Deadline>,
        // Which of the two the timer stands for.
        by: Limit,
        refused: bool,
        name: &'static str,
        observed: Observed,
    }
}

impl<F> ResponseFuture<F> {
    #[cold]
    pub(super) fn refused(name: &'static str, observed: &Observed) -> Self {
        Self {
            call: None,
            timer: None,
            limit: Duration::ZERO,
            deadline: None,
            by: Limit::Call,
            refused: true,
            name,
            observed: observed.clone(),
        }
    }

    #[inline]
    pub(super) fn calling(
        call: F,
        limit: Duration,
        deadline: Option<Deadline>,
        name: &'static str,
        observed: &Observed,
    ) -> Self {
        Self {
            call: Some(call),
            timer: None,
            limit,
            deadline,
            by: Limit::Call,
            refused: false,
            name,
            observed: observed.clone(),
        }
    }
}

impl<F, T, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Rejectable,
{
    type Output = Result<T, E>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(call) = self.as_mut().project().call.as_pin_mut() {
            // The answer first: one that comes at the very instant of the limit is an answer.
            if let Poll::Ready(answer) = call.poll(cx) {
                return Poll::Ready(answer);
            }
            return self.poll_end(cx).map(|rejected| Err(rejected.into()));
        }
        self.poll_ended().map(|rejected| Err(rejected.into()))
    }
}

impl<F> ResponseFuture<F> {
    #[cold]
    fn poll_ended(self: Pin<&mut Self>) -> Poll<Rejected> {
        let this = self.project();
        if !std::mem::take(this.refused) {
            return Poll::Pending;
        }
        Poll::Ready(refuse(this.name, this.observed))
    }

    /// Ready once the call has run out of time, with the limit that has passed.
    fn poll_end(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Rejected> {
        let mut this = self.project();
        if this.timer.is_none() {
            if *this.limit == Duration::MAX && this.deadline.is_none() {
                return Poll::Pending;
            }
            let limit = (*this.limit).max(clock::GRAIN);
            let timer = match *this.deadline {
                None => sleep(limit),
                Some(deadline) => sleep_until(earlier(limit, deadline, this.by)),
            };
            this.timer.set(Some(timer));
        }
        if let Some(timer) = this.timer.as_pin_mut() {
            // An inside that uses up the task's budget at every poll must not starve the timer.
            let poll =
                if has_budget_remaining() { timer.poll(cx) } else { pin!(unconstrained(timer)).poll(cx) };
            ready!(poll);
        }
        // Inside goes first, and is told why; then the answer is given.
        cause::during(Cause::Cut, || this.call.set(None));
        Poll::Ready(cut(this.name, this.observed, *this.by))
    }
}

fn earlier(limit: Duration, deadline: Deadline, by: &mut Limit) -> clock::Instant {
    let own = clock::after(clock::now(), limit);
    if deadline.instant() < own {
        *by = Limit::Deadline;
        deadline.instant()
    } else {
        own
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
        let state = match self.call {
            Some(_) => "Calling",
            None if self.refused => "Refused",
            None => "Ended",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish_non_exhaustive()
    }
}

//! The future: waits for the answer or the limit, whichever comes first.

use super::{Unwatched, Watch};
use crate::{
    cause::{self, Cause},
    clock,
    deadline::{Alarm, Deadline},
    rejected::{Name, Reason, Rejectable, Rejected},
    telemetry::{Event, Limit, Observed},
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::sleep;

pin_project! {
    /// The answer of a [`Timeout`](super::Timeout).
    pub struct ResponseFuture<F, W = Unwatched> {
        // `None` once it is refused, cut or answered.
        #[pin]
        call: Option<F>,
        #[pin]
        timer: Option<Alarm>,
        limit: Duration,
        watch: W,
        deadline: Option<Deadline>,
        // Which of the two the timer stands for.
        by: Limit,
        refused: bool,
        name: &'static str,
        observed: Observed,
    }
}

impl<F, W> ResponseFuture<F, W> {
    #[cold]
    pub(super) fn refused(watch: W, name: &'static str, observed: &Observed) -> Self {
        Self {
            call: None,
            timer: None,
            limit: Duration::ZERO,
            watch,
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
        watch: W,
        deadline: Option<Deadline>,
        name: &'static str,
        observed: &Observed,
    ) -> Self {
        Self {
            call: Some(call),
            timer: None,
            limit,
            watch,
            deadline,
            by: Limit::Call,
            refused: false,
            name,
            observed: observed.clone(),
        }
    }
}

impl<F, W, T, E> Future for ResponseFuture<F, W>
where
    F: Future<Output = Result<T, E>>,
    E: Rejectable,
    W: Watch<T, E>,
{
    type Output = Result<T, E>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        if let Some(call) = this.call.as_pin_mut() {
            // The answer first: one that comes at the very instant of the limit is an answer.
            if let Poll::Ready(answer) = call.poll(cx) {
                this.watch.answered(answer.as_ref());
                return Poll::Ready(answer);
            }
            return self.poll_end(cx).map(|rejected| Err(rejected.into()));
        }
        self.poll_ended().map(|rejected| Err(rejected.into()))
    }
}

impl<F, W> ResponseFuture<F, W> {
    #[cold]
    fn poll_ended(self: Pin<&mut Self>) -> Poll<Rejected> {
        let this = self.project();
        if !std::mem::take(this.refused) {
            return Poll::Pending;
        }
        Poll::Ready(refuse(this.name, this.observed))
    }

    /// Ready once the call has run out of time, with the limit that has passed.
    fn poll_end<T, E>(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Rejected>
    where
        W: Watch<T, E>,
    {
        let mut this = self.project();
        if this.timer.is_none() {
            let timer = if W::TIMED {
                let now = clock::now();
                let limit = this.watch.pends(now, *this.limit).max(clock::GRAIN);
                Alarm::at(earlier(clock::after(now, limit), *this.deadline, this.by))
            } else {
                if *this.limit == Duration::MAX && this.deadline.is_none() {
                    return Poll::Pending;
                }
                let limit = (*this.limit).max(clock::GRAIN);
                match *this.deadline {
                    None => Alarm::new(sleep(limit)),
                    deadline => Alarm::at(earlier(clock::after(clock::now(), limit), deadline, this.by)),
                }
            };
            this.timer.set(Some(timer));
        }
        if let Some(timer) = this.timer.as_pin_mut() {
            ready!(timer.poll(cx));
        }
        if *this.by == Limit::Call {
            this.watch.cut();
        }
        // Inside goes first, and is told why; then the answer is given.
        cause::during(Cause::Cut, || this.call.set(None));
        Poll::Ready(cut(this.name, this.observed, *this.by))
    }
}

fn earlier(own: clock::Instant, deadline: Option<Deadline>, by: &mut Limit) -> clock::Instant {
    match deadline {
        Some(deadline) if deadline.instant() < own => {
            *by = Limit::Deadline;
            deadline.instant()
        }
        _ => own,
    }
}

/// The limit has passed; the inside has gone.
#[cold]
pub(super) fn cut(name: &'static str, observed: &Observed, by: Limit) -> Rejected {
    observed.emit(|| Event::timed_out(name, by));
    let reason = if by == Limit::Deadline { Reason::DeadlinePassed } else { Reason::TimedOut };
    Rejected::new(reason, Name::fixed(name), true)
}

/// It is too late to begin.
#[cold]
pub(super) fn refuse(name: &'static str, observed: &Observed) -> Rejected {
    observed.emit(|| Event::rejected(name, Reason::DeadlinePassed));
    Rejected::new(Reason::DeadlinePassed, Name::fixed(name), false)
}

impl<F, W> fmt::Debug for ResponseFuture<F, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.call {
            Some(_) => "Calling",
            None if self.refused => "Refused",
            None => "Ended",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish_non_exhaustive()
    }
}

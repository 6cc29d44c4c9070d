//! The future: the call under its deadline, and a timer where nobody inside has one.

use crate::{
    cause::{self, Cause},
    deadline::{Alarm, Deadline, Promise, round},
    rejected::{Rejectable, Rejected},
    telemetry::{Limit, Observed},
    timeout::future::{cut, refuse},
};
use pin_project_lite::pin_project;
use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

pin_project! {
    /// The answer of a [`Total`](super::Total).
    pub struct TotalFuture<F> {
        // `None` once it is refused, cut or answered.
        #[pin]
        call: Option<F>,
        // Only where it was pending, and nobody inside was going to wake it in time.
        #[pin]
        timer: Option<Alarm>,
        // To whoever is outside and relies on those inside in turn.
        promise: Promise,
        deadline: Option<Deadline>,
        refused: bool,
        name: &'static str,
        observed: Observed,
    }

    impl<F> PinnedDrop for TotalFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.call.is_some() {
                // A guard inside reads the deadline in its drop.
                under(*this.deadline, || this.call.set(None));
            }
        }
    }
}

#[inline]
fn under<T>(deadline: Option<Deadline>, run: impl FnOnce() -> T) -> T {
    match deadline {
        Some(deadline) => deadline.sync_scope(run),
        None => run(),
    }
}

impl<F> TotalFuture<F> {
    #[inline]
    pub(super) fn calling(
        call: F,
        deadline: Option<Deadline>,
        name: &'static str,
        observed: &Observed,
    ) -> Self {
        Self {
            call: Some(call),
            timer: None,
            promise: Promise::default(),
            deadline,
            refused: false,
            name,
            observed: observed.clone(),
        }
    }

    #[cold]
    pub(super) fn refused(name: &'static str, observed: &Observed) -> Self {
        Self {
            call: None,
            timer: None,
            promise: Promise::default(),
            deadline: None,
            refused: true,
            name,
            observed: observed.clone(),
        }
    }
}

impl<F, T, E> Future for TotalFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Rejectable,
{
    type Output = Result<T, E>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.as_mut().project();
        let Some(call) = this.call.as_mut().as_pin_mut() else {
            return self.poll_ended().map(|rejected| Err(rejected.into()));
        };
        let Some(deadline) = *this.deadline else { return call.poll(cx) };
        let poll = || {
            let answer = this.call.as_mut().as_pin_mut().map_or(Poll::Pending, |call| call.poll(cx));
            // It goes here and now, where it can still read the deadline.
            if answer.is_ready() {
                this.call.set(None);
            }
            answer
        };
        let (answer, promised) = round(deadline.instant(), || deadline.sync_scope(poll));
        // The answer first: one that comes at the very instant of the deadline is an answer.
        if answer.is_ready() {
            return answer;
        }
        if promised && this.timer.is_none() {
            this.promise.make(deadline.instant());
            return Poll::Pending;
        }
        self.poll_end(cx, deadline).map(|rejected| Err(rejected.into()))
    }
}

impl<F> TotalFuture<F> {
    #[cold]
    fn poll_ended(self: Pin<&mut Self>) -> Poll<Rejected> {
        let this = self.project();
        if !mem::take(this.refused) {
            return Poll::Pending;
        }
        Poll::Ready(refuse(this.name, this.observed))
    }

    #[cfg(test)]
    pub(super) const fn has_timer(&self) -> bool {
        self.timer.is_some()
    }

    /// Ready once the time is over; nobody inside has seen to it.
    fn poll_end(self: Pin<&mut Self>, cx: &mut Context<'_>, deadline: Deadline) -> Poll<Rejected> {
        let mut this = self.project();
        ready!(Alarm::until(this.timer.as_mut(), deadline, cx));
        // Inside goes first, and is told why; then the answer is given.
        cause::during(Cause::Cut, || deadline.sync_scope(|| this.call.set(None)));
        Poll::Ready(cut(this.name, this.observed, Limit::Deadline))
    }
}

impl<F> fmt::Debug for TotalFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.call {
            Some(_) => "Calling",
            None if self.refused => "Refused",
            None => "Ended",
        };
        f.debug_struct("TotalFuture").field("state", &state).finish_non_exhaustive()
    }
}

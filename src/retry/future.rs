//! The future of a call: attempts, and the waits between them.

use super::{
    Dispose,
    decide::{Ended, Pace, decide},
    dispose::{Answer, Sent},
    shared::Shared,
};
use crate::{
    backoff::Rng,
    budget::{Extra, Purse},
    clock,
    deadline::{Alarm, Deadline},
    outcome::{Class, Classify, Outcome, Verdict, judge},
    rejected::{Reason, Rejectable, Rejected},
    replay::{Payer, Replay},
    telemetry::RetryResult,
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::task::coop::has_budget_remaining;
use tower_service::Service;

pin_project! {
    /// The answer of a [`Retry`](super::Retry).
    pub struct ResponseFuture<S, Req, C, R>
    where
        S: Service<Sent<R, Req>>,
        R: Replay<Req>,
        R: Dispose<Answer<S, R, Req>>,
    {
        #[pin]
        state: State<S::Future, R::Sent, R::Disposal>,
        service: S,
        line: Line<C, R, R::Kept>,
    }
}

/// All of a call but the attempt that runs and the service that runs it.
struct Line<C, R, K> {
    /// `None` where it is sent once.
    kept: Option<K>,
    purse: Purse<Payer<Shared<C, R>>>,
    deadline: Option<Deadline>,
    /// Which attempt runs, or comes next; the first is 1.
    attempt: u32,
    /// An attempt has reached the service, or may have.
    reached: bool,
    /// From the first failure on.
    pace: Option<Pace>,
}

pin_project! {
    #[project = StateProj]
    enum State<F, Q, D> {
        Calling {
            #[pin]
            call: F,
        },
        Waiting {
            #[pin]
            wait: Alarm,
            // Of the response of the last attempt, until it is done.
            #[pin]
            disposal: Option<D>,
            next: Option<Q>,
        },
        Readying {
            // Until the deadline, where there is one.
            #[pin]
            limit: Option<Alarm>,
            next: Option<Q>,
        },
        // Polled after its end, which breaks the contract of futures, it stays pending.
        Done,
    }
}

impl<S, Req, C, R> ResponseFuture<S, Req, C, R>
where
    S: Service<Sent<R, Req>>,
    R: Replay<Req> + Dispose<Answer<S, R, Req>>,
{
    #[inline]
    pub(super) const fn new(
        call: S::Future,
        service: S,
        kept: Option<R::Kept>,
        purse: Purse<Payer<Shared<C, R>>>,
        deadline: Option<Deadline>,
    ) -> Self {
        let line = Line { kept, purse, deadline, attempt: 1, reached: false, pace: None };
        Self { state: State::Calling { call }, service, line }
    }
}

impl<S, Req, C, R> Future for ResponseFuture<S, Req, C, R>
where
    S: Service<Sent<R, Req>, Error: Rejectable>,
    C: Classify<Answer<S, R, Req>, S::Error>,
    R: Replay<Req> + Dispose<Answer<S, R, Req>>,
{
    type Output = Result<S::Response, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProj::Calling { call } => {
                    let result = ready!(this.line.purse.around(|| call.poll(cx)));
                    let outcome = this.line.read(&result);
                    if outcome.class() == Class::Ok {
                        this.line.succeeded();
                        this.state.set(State::Done);
                        return Poll::Ready(result);
                    }
                    this.state.set(State::Done);
                    match this.line.failed::<Req, _, _>(outcome, result) {
                        Next::End(result) => return Poll::Ready(result),
                        Next::Wait(wait, next, disposal) => {
                            let wait = Alarm::at(clock::after(clock::now(), wait));
                            this.state.set(State::Waiting { wait, disposal, next: Some(next) });
                        }
                    }
                }
                StateProj::Waiting { wait, mut disposal, next } => {
                    if disposal.as_mut().as_pin_mut().is_some_and(|disposal| disposal.poll(cx).is_ready()) {
                        disposal.set(None);
                    }
                    ready!(wait.poll(cx));
                    let next = next.take();
                    // A wait of no time over an inside that answers at once would go on for ever in one poll.
                    let others_first = !has_budget_remaining();
                    // Where nothing has to be waited for, no timer is made.
                    this.state.set(State::Readying { limit: None, next });
                    if others_first {
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                }
                StateProj::Readying { limit, next } => {
                    match this.service.poll_ready(cx) {
                        Poll::Ready(Ok(())) => {
                            let Some(request) = next.take() else { return Poll::Pending };
                            let call = this.line.purse.around(|| this.service.call(request));
                            this.state.set(State::Calling { call });
                        }
                        // A service that is not to be readied again is done with, and so is the call.
                        Poll::Ready(Err(error)) => {
                            this.line.ended(RetryResult::Final);
                            this.state.set(State::Done);
                            return Poll::Ready(Err(error));
                        }
                        Poll::Pending => {
                            let Some(deadline) = this.line.deadline else { return Poll::Pending };
                            ready!(Alarm::until(limit, deadline, cx));
                            this.state.set(State::Done);
                            return Poll::Ready(Err(this.line.too_late().into()));
                        }
                    }
                }
                StateProj::Done => return Poll::Pending,
            }
        }
    }
}

/// What follows an attempt that did not succeed.
enum Next<T, Q, D> {
    End(T),
    Wait(Duration, Q, Option<D>),
}

impl<C, R, K> Line<C, R, K> {
    /// What the answer of an attempt means, as far as its head tells; the budget is told.
    #[inline(always)]
    fn read<Res, E>(&mut self, result: &Result<Res, E>) -> Outcome
    where
        C: Classify<Res, E>,
        E: Rejectable,
    {
        let outcome = match judge(&self.purse.holder().layer.classify, result.as_ref()) {
            Verdict::Now(outcome) => outcome,
            Verdict::AtEnd(_) => Outcome::OK,
        };
        self.purse.answered(&outcome);
        if self.attempt > 1 {
            self.purse.ended();
        }
        outcome
    }

    #[inline]
    fn succeeded(&self) {
        self.ended(if self.attempt == 1 { RetryResult::First } else { RetryResult::Recovered });
    }

    #[inline]
    fn ended(&self, result: RetryResult) {
        self.purse.holder().layer.ended(result, self.attempt);
    }

    /// An attempt did not succeed: the next request, made and paid for, or the end.
    #[cold]
    fn failed<Req, Res, E>(
        &mut self,
        outcome: Outcome,
        result: Result<Res, E>,
    ) -> Next<Result<Res, E>, R::Sent, R::Disposal>
    where
        R: Replay<Req, Kept = K> + Dispose<Res>,
    {
        self.reached |= outcome.reached();
        match self.next(&outcome) {
            Ok((wait, next)) => {
                let shared = &self.purse.holder().layer;
                let disposal = result.ok().map(|response| shared.replay.dispose(response));
                shared.retrying(self.attempt, outcome, wait);
                self.attempt += 1;
                Next::Wait(wait, next, disposal)
            }
            Err(why) => {
                self.ended(why);
                Next::End(result)
            }
        }
    }

    /// The budget pays last, so that it pays for nothing that is not sent.
    fn next<Req>(&mut self, outcome: &Outcome) -> Result<(Duration, R::Sent), RetryResult>
    where
        R: Replay<Req, Kept = K>,
    {
        let shared = &self.purse.holder().layer;
        let rules = shared.rules();
        let pace = self.pace.get_or_insert_with(|| Pace::new(&rules));
        let left = self.deadline.map(|deadline| deadline.remaining(clock::now()));
        let ended = Ended { attempt: self.attempt, outcome, left };
        // What was not kept is not sent again, safe or not: that is the reason then.
        let is_safe = || self.kept.as_ref().is_none_or(|kept| shared.replay.is_safe(kept, outcome));
        let wait = decide(&rules, pace, &ended, is_safe, &mut Rng::new())?;
        let attempt = self.attempt.saturating_add(1);
        let next = self.kept.as_mut().and_then(|kept| shared.replay.again(kept, attempt));
        let next = next.ok_or(RetryResult::Unkept)?;
        if self.purse.take(Extra::Retry) { Ok((wait, next)) } else { Err(RetryResult::NoBudget) }
    }

    /// The deadline has passed while the service was not ready for another attempt. The answer before is gone, since it was
    /// not to be held over the wait.
    #[cold]
    fn too_late(&self) -> Rejected {
        self.ended(RetryResult::NoTime);
        Rejected::new(Reason::DeadlinePassed, self.purse.holder().layer.name.clone(), self.reached)
    }
}

impl<S, Req, C, R> fmt::Debug for ResponseFuture<S, Req, C, R>
where
    S: Service<Sent<R, Req>>,
    R: Replay<Req> + Dispose<Answer<S, R, Req>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Calling { .. } => "Calling",
            State::Waiting { .. } => "Waiting",
            State::Readying { .. } => "Readying",
            State::Done => "Done",
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .field("attempt", &self.line.attempt)
            .finish_non_exhaustive()
    }
}

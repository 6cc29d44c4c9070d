//! The future: waits for the first answer that is one, and starts another attempt where none comes.

use super::{others::Others, spare::Spare};
use crate::{
    cause::{self, Cause},
    clock,
    deadline::Alarm,
    outcome::{Class, Classify, Outcome},
    rejected::Rejectable,
    replay::Replay,
    telemetry::HedgeResult,
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tower_service::Service;

/// What `R` sends for a request.
type Sent<R, Req> = <R as Replay<Req>>::Sent;

/// What `S` answers to that.
type Answer<S, Req, R> = Result<<S as Service<Sent<R, Req>>>::Response, <S as Service<Sent<R, Req>>>::Error>;

type Rest<S, Req, R, C> =
    Option<Box<Others<<S as Service<Sent<R, Req>>>::Future, Sent<R, Req>, Answer<S, Req, R>, R, C>>>;

pin_project! {
    /// The answer of a [`Hedge`](super::Hedge).
    pub struct ResponseFuture<S, Req, R, C>
    where
        S: Service<R::Sent>,
        R: Replay<Req>,
    {
        // `None` once it has ended.
        #[pin]
        first: Option<S::Future>,
        // Until the next hedge.
        #[pin]
        timer: Option<Alarm>,
        // `None` where there is no hedge, and once the call has ended.
        spare: Option<Spare<S, R::Kept, R, C>>,
        others: Rest<S, Req, R, C>,
    }
}

impl<S, Req, R, C> ResponseFuture<S, Req, R, C>
where
    S: Service<R::Sent>,
    R: Replay<Req>,
{
    /// A call that is made once.
    #[inline]
    pub(super) const fn alone(first: S::Future) -> Self {
        Self { first: Some(first), timer: None, spare: None, others: None }
    }

    #[inline]
    pub(super) const fn racing(first: S::Future, spare: Spare<S, R::Kept, R, C>) -> Self {
        Self { first: Some(first), timer: None, spare: Some(spare), others: None }
    }
}

impl<S, Req, R, C> Future for ResponseFuture<S, Req, R, C>
where
    S: Service<R::Sent>,
    S::Error: Rejectable,
    R: Replay<Req>,
    C: Classify<S::Response, S::Error>,
{
    type Output = Answer<S, Req, R>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.as_mut().project();
        let Some(spare) = this.spare else {
            let Some(first) = this.first.as_mut().as_pin_mut() else { return Poll::Pending };
            let answer = ready!(first.poll(cx));
            this.first.set(None);
            return Poll::Ready(answer);
        };
        if let Some(first) = this.first.as_mut().as_pin_mut()
            // The answers first: one that comes when a hedge is due needs none.
            && let Poll::Ready(result) = spare.poll(first, cx)
        {
            this.first.set(None);
            let outcome = spare.shared().read(result.as_ref());
            if spare.first_ended(&outcome) {
                if let Some(others) = this.others {
                    others.lose();
                }
                *this.spare = None;
                return Poll::Ready(result);
            }
            if let Some(result) = unanswered(spare, this.others, outcome, result) {
                *this.spare = None;
                return Poll::Ready(result);
            }
        }
        let answer = ready!(self.as_mut().poll_others(cx));
        // Before the answer is given, and told why.
        let mut this = self.project();
        cause::during(Cause::Lost, || this.first.set(None));
        if let Some(others) = this.others {
            others.lose();
        }
        *this.spare = None;
        Poll::Ready(answer)
    }
}

impl<S, Req, R, C> ResponseFuture<S, Req, R, C>
where
    S: Service<R::Sent>,
    S::Error: Rejectable,
    R: Replay<Req>,
    C: Classify<S::Response, S::Error>,
{
    /// The first attempt is pending, or has ended without an answer.
    fn poll_others(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer<S, Req, R>> {
        let mut this = self.project();
        let Some(spare) = this.spare else { return Poll::Pending };
        if this.first.is_some()
            && let Some(now) = spare.begins_to_wait()
        {
            spare.wait(now, this.timer.as_mut());
        }
        loop {
            if let Poll::Ready(answer) = poll_running(spare, this.others, this.first.is_some(), cx) {
                return Poll::Ready(answer);
            }
            ask(spare, this.others);
            if spare.race.is_starting() {
                if let Some(answer) = ready!(poll_start(spare, this.others, this.timer.as_mut(), cx)) {
                    return Poll::Ready(answer);
                }
                continue;
            }
            match this.timer.as_mut().as_pin_mut() {
                Some(timer) if spare.race.may_go_on() => ready!(timer.poll(cx)),
                _ => return Poll::Pending,
            }
            this.timer.set(None);
            spare.race.due();
        }
    }
}

/// Where another attempt is wanted, and can be had: puts its request where it waits for the service to be ready.
fn ask<S, Req, R, C>(spare: &mut Spare<S, R::Kept, R, C>, others: &mut Rest<S, Req, R, C>)
where
    S: Service<R::Sent>,
    R: Replay<Req>,
{
    if let Some(request) = spare.ask() {
        let shared = spare.shared();
        let others = others.get_or_insert_with(|| Box::new(Others::new(Arc::clone(shared))));
        others.next = Some(request);
    }
}

/// The hedges that are on their way. Ready with the answer of the call.
fn poll_running<S, Req, R, C>(
    spare: &mut Spare<S, R::Kept, R, C>,
    others: &mut Rest<S, Req, R, C>,
    first_runs: bool,
    cx: &mut Context<'_>,
) -> Poll<Answer<S, Req, R>>
where
    S: Service<R::Sent>,
    S::Error: Rejectable,
    R: Replay<Req>,
    C: Classify<S::Response, S::Error>,
{
    let mut at = 0;
    while let Some(hedges) = others
        && let Some(hedge) = hedges.running.get_mut(at)
    {
        let Poll::Ready(result) = spare.poll(hedge.as_mut(), cx) else {
            at += 1;
            continue;
        };
        drop(hedges.running.remove(at));
        let outcome = spare.shared().read(result.as_ref());
        let won = spare.hedge_ended(&outcome);
        hedges.tell(if won { HedgeResult::Won } else { HedgeResult::Failed });
        if won {
            if first_runs {
                spare.learn();
            }
            return Poll::Ready(result);
        }
        if let Some(result) = unanswered(spare, others, outcome, result) {
            return Poll::Ready(result);
        }
    }
    Poll::Pending
}

/// Sends the hedge that is paid for, once the service is ready for it. Ready with the answer of the call, where it cannot be
/// sent and nothing else is left.
fn poll_start<S, Req, R, C>(
    spare: &mut Spare<S, R::Kept, R, C>,
    others: &mut Rest<S, Req, R, C>,
    timer: Pin<&mut Option<Alarm>>,
    cx: &mut Context<'_>,
) -> Poll<Option<Answer<S, Req, R>>>
where
    S: Service<R::Sent>,
    S::Error: Rejectable,
    R: Replay<Req>,
    C: Classify<S::Response, S::Error>,
{
    if let Err(error) = ready!(spare.service.poll_ready(cx)) {
        spare.cannot_start();
        // It has reached nobody, so it counts as little as a rejection.
        return Poll::Ready(unanswered(spare, others, Outcome::of(Class::Rejected), Err(error)));
    }
    if let Some(others) = others
        && let Some(request) = others.next.take()
    {
        others.running.push(Box::pin(spare.call(request)));
        spare.race.started();
        spare.wait(clock::now(), timer);
    }
    Poll::Ready(None)
}

/// An attempt has ended, and its answer is none. Given back where it is the last, or else that which was kept before it and
/// says more.
fn unanswered<S, Req, R, C>(
    spare: &mut Spare<S, R::Kept, R, C>,
    others: &mut Rest<S, Req, R, C>,
    outcome: Outcome,
    result: Answer<S, Req, R>,
) -> Option<Answer<S, Req, R>>
where
    S: Service<R::Sent>,
    R: Replay<Req>,
{
    ask(spare, others);
    if spare.race.is_over() {
        let Some(others) = others else { return Some(result) };
        others.keep(outcome, result);
        return others.take_kept();
    }
    let shared = spare.shared();
    others.get_or_insert_with(|| Box::new(Others::new(Arc::clone(shared)))).keep(outcome, result);
    None
}

impl<S, Req, R, C> fmt::Debug for ResponseFuture<S, Req, R, C>
where
    S: Service<R::Sent>,
    R: Replay<Req>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("first", &self.first.is_some())
            .field("hedges", &self.others.as_ref().map_or(0, |others| others.running.len()))
            .finish_non_exhaustive()
    }
}

//! The future: waits for the first answer that is one, and starts another attempt where none comes.

use super::{Again, others::Others, spare::Spare};
use crate::{
    cause::{self, Cause},
    clock,
    deadline::Alarm,
    outcome::{Class, Classify, Outcome},
    rejected::Rejectable,
    telemetry::HedgeResult,
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_service::Service;

/// What `S` answers to what `A` sends.
type Answer<S, Req, A> =
    Result<<S as Service<<A as Again<Req>>::Sent>>::Response, <S as Service<<A as Again<Req>>::Sent>>::Error>;

pin_project! {
    /// The answer of a [`Hedge`](super::Hedge).
    pub struct ResponseFuture<S, Req, A, C>
    where
        S: Service<A::Sent>,
        A: Again<Req>,
    {
        // `None` once it has ended.
        #[pin]
        first: Option<S::Future>,
        // Until the next hedge.
        #[pin]
        timer: Option<Alarm>,
        // `None` where there is no hedge, and once the call has ended.
        spare: Option<Spare<S, A::Kept, A, C>>,
        others: Option<Box<Others<S::Future, Answer<S, Req, A>, A, C>>>,
    }
}

impl<S, Req, A, C> ResponseFuture<S, Req, A, C>
where
    S: Service<A::Sent>,
    A: Again<Req>,
{
    /// A call that is made once.
    #[inline]
    pub(super) const fn alone(first: S::Future) -> Self {
        Self { first: Some(first), timer: None, spare: None, others: None }
    }

    #[inline]
    pub(super) const fn racing(first: S::Future, spare: Spare<S, A::Kept, A, C>) -> Self {
        Self { first: Some(first), timer: None, spare: Some(spare), others: None }
    }
}

impl<S, Req, A, C> Future for ResponseFuture<S, Req, A, C>
where
    S: Service<A::Sent>,
    S::Error: Rejectable,
    A: Again<Req>,
    C: Classify<S::Response, S::Error>,
{
    type Output = Answer<S, Req, A>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.as_mut().project();
        if let Some(first) = this.first.as_mut().as_pin_mut()
            // The answers first: one that comes when a hedge is due needs none.
            && let Poll::Ready(result) = first.poll(cx)
        {
            this.first.set(None);
            let Some(spare) = this.spare else { return Poll::Ready(result) };
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
        if self.spare.is_none() {
            return Poll::Pending;
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

impl<S, Req, A, C> ResponseFuture<S, Req, A, C>
where
    S: Service<A::Sent>,
    S::Error: Rejectable,
    A: Again<Req>,
    C: Classify<S::Response, S::Error>,
{
    /// The first attempt is pending, or has ended without an answer.
    fn poll_others(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer<S, Req, A>> {
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
            spare.ask();
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

type Rest<S, Req, A, C> =
    Option<Box<Others<<S as Service<<A as Again<Req>>::Sent>>::Future, Answer<S, Req, A>, A, C>>>;

/// The hedges that are on their way. Ready with the answer of the call.
fn poll_running<S, Req, A, C>(
    spare: &mut Spare<S, A::Kept, A, C>,
    others: &mut Rest<S, Req, A, C>,
    first_runs: bool,
    cx: &mut Context<'_>,
) -> Poll<Answer<S, Req, A>>
where
    S: Service<A::Sent>,
    S::Error: Rejectable,
    A: Again<Req>,
    C: Classify<S::Response, S::Error>,
{
    let mut at = 0;
    while let Some(hedges) = others
        && let Some(hedge) = hedges.running.get_mut(at)
    {
        let Poll::Ready(result) = hedge.as_mut().poll(cx) else {
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
fn poll_start<S, Req, A, C>(
    spare: &mut Spare<S, A::Kept, A, C>,
    others: &mut Rest<S, Req, A, C>,
    timer: Pin<&mut Option<Alarm>>,
    cx: &mut Context<'_>,
) -> Poll<Option<Answer<S, Req, A>>>
where
    S: Service<A::Sent>,
    S::Error: Rejectable,
    A: Again<Req>,
    C: Classify<S::Response, S::Error>,
{
    if let Err(error) = ready!(spare.service.poll_ready(cx)) {
        spare.cannot_start();
        // It has reached nobody, so it counts as little as a rejection.
        return Poll::Ready(unanswered(spare, others, Outcome::of(Class::Rejected), Err(error)));
    }
    let number = spare.number();
    let again = spare.held();
    let Some(request) = again.0.again.again(&mut spare.kept, number) else {
        spare.cannot_start();
        let over = spare.race.is_over();
        return Poll::Ready(others.as_mut().filter(|_| over).and_then(|others| others.take_kept()));
    };
    let hedge = spare.service.call(request);
    let others = others.get_or_insert_with(|| Box::new(Others::new(again)));
    others.running.push(Box::pin(hedge));
    spare.race.started();
    spare.wait(clock::now(), timer);
    Poll::Ready(None)
}

/// An attempt has ended, and its answer is none. Given back where it is the last, or else that which was kept before it and
/// says more.
fn unanswered<S, Req, A, C>(
    spare: &mut Spare<S, A::Kept, A, C>,
    others: &mut Rest<S, Req, A, C>,
    outcome: Outcome,
    result: Answer<S, Req, A>,
) -> Option<Answer<S, Req, A>>
where
    S: Service<A::Sent>,
    A: Again<Req>,
{
    spare.ask();
    if spare.race.is_over() {
        let Some(others) = others else { return Some(result) };
        others.keep(outcome, result);
        return others.take_kept();
    }
    others.get_or_insert_with(|| Box::new(Others::new(spare.held()))).keep(outcome, result);
    None
}

impl<S, Req, A, C> fmt::Debug for ResponseFuture<S, Req, A, C>
where
    S: Service<A::Sent>,
    A: Again<Req>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("first", &self.first.is_some())
            .field("hedges", &self.others.as_ref().map_or(0, |others| others.running.len()))
            .finish_non_exhaustive()
    }
}

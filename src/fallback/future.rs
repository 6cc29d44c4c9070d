//! The future: waits for the answer, and for another one where that was none.

use super::{Source, Why, classes::may_be_covered, layer::Settings};
use crate::{
    clock,
    deadline::Deadline,
    outcome::{Class, Classify, Outcome, Verdict, judge},
    rejected::Rejectable,
    telemetry::Event,
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_service::Service;

pin_project! {
    /// The answer of a [`Fallback`](super::Fallback).
    pub struct ResponseFuture<S, Req, K, C>
    where
        S: Service<Req>,
        K: Source<Req, S::Response, S::Error>,
    {
        #[pin]
        state: State<S::Future, K::Kept, K::Future, Result<S::Response, S::Error>>,
        deadline: Option<Deadline>,
        settings: Settings<K, C>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, P, A, R> {
        Calling {
            #[pin]
            call: F,
            // `None` once it has answered.
            kept: Option<P>,
        },
        Answering {
            #[pin]
            answer: A,
            // How the call ended: given back as it was, where there is no answer after all.
            ended: Option<R>,
            class: Class,
        },
        Ended,
    }
}

impl<S, Req, K, C> ResponseFuture<S, Req, K, C>
where
    S: Service<Req>,
    K: Source<Req, S::Response, S::Error>,
{
    #[inline]
    pub(super) fn calling(
        call: S::Future,
        kept: K::Kept,
        deadline: Option<Deadline>,
        settings: Settings<K, C>,
    ) -> Self {
        Self { state: State::Calling { call, kept: Some(kept) }, deadline, settings }
    }
}

impl<S, Req, K, C> Future for ResponseFuture<S, Req, K, C>
where
    S: Service<Req>,
    S::Error: Rejectable,
    K: Source<Req, S::Response, S::Error>,
    C: Classify<S::Response, S::Error>,
{
    type Output = Result<K::Response, S::Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        if let StateProj::Calling { call, kept } = this.state.project() {
            if kept.is_none() {
                // Polled after its end, which breaks the contract of futures: it stays pending.
                return Poll::Pending;
            }
            let result = ready!(call.poll(cx));
            let Some(kept) = kept.take() else { return Poll::Pending };
            let outcome = read(&this.settings.classify, result.as_ref());
            match result {
                Ok(response) if outcome.class() == Class::Ok => {
                    return Poll::Ready(Ok(this.settings.source.good(kept, response)));
                }
                result => {
                    if let Some(result) = self.as_mut().begin(kept, result, outcome) {
                        return Poll::Ready(result.map(K::pass));
                    }
                }
            }
        }
        self.poll_answer(cx)
    }
}

impl<S, Req, K, C> ResponseFuture<S, Req, K, C>
where
    S: Service<Req>,
    S::Error: Rejectable,
    K: Source<Req, S::Response, S::Error>,
    C: Classify<S::Response, S::Error>,
{
    /// Asks the source, if this is an ending to stand in for; else gives the result back.
    #[cold]
    fn begin(
        self: Pin<&mut Self>,
        kept: K::Kept,
        result: Result<S::Response, S::Error>,
        outcome: Outcome,
    ) -> Option<Result<S::Response, S::Error>> {
        let mut this = self.project();
        let class = outcome.class();
        let rejected = result.as_ref().err().and_then(Rejectable::as_rejected);
        let why = Why::new(outcome, rejected, *this.deadline);
        if !may_be_covered(class) || !this.settings.cover(&why) {
            return Some(result);
        }
        // Inside goes first: what it still holds, the fallback may need.
        this.state.set(State::Ended);
        if this.deadline.is_some_and(|deadline| deadline.passed(clock::now())) {
            tell::<Req, S::Response, S::Error, K, C>(this.settings, class, false);
            return Some(result);
        }
        let answer = this.settings.source.answer(kept, result.as_ref(), &why);
        this.state.set(State::Answering { answer, ended: Some(result), class });
        None
    }

    #[cold]
    fn poll_answer(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<K::Response, S::Error>> {
        let mut this = self.project();
        let StateProj::Answering { answer, ended, class } = this.state.as_mut().project() else {
            // Polled after its end, as above.
            return Poll::Pending;
        };
        let given = ready!(answer.poll(cx));
        let (ended, class) = (ended.take(), *class);
        this.state.set(State::Ended);
        let good = given.filter(|given| {
            K::to_judge(&given.response)
                .is_none_or(|response| read(&this.settings.classify, Ok(response)).class() == Class::Ok)
        });
        tell::<Req, S::Response, S::Error, K, C>(this.settings, class, good.is_some());
        match (good, ended) {
            (Some(given), _) => Poll::Ready(Ok(given.response)),
            (None, Some(ended)) => Poll::Ready(ended.map(K::pass)),
            // Not reached: it is taken once, here.
            (None, None) => Poll::Pending,
        }
    }
}

/// What a result means at its head. A verdict that comes later is taken as good: nobody can take back a body that has begun.
#[inline]
fn read<C, Res, E>(classify: &C, result: Result<&Res, &E>) -> Outcome
where
    C: Classify<Res, E>,
    E: Rejectable,
{
    match judge(classify, result) {
        Verdict::Now(outcome) => outcome,
        Verdict::AtEnd(_) if result.is_ok() => Outcome::OK,
        // An error has no rest to wait for.
        Verdict::AtEnd(_) => Outcome::FAILED,
    }
}

fn tell<Req, Res, E, K, C>(settings: &Settings<K, C>, class: Class, answered: bool)
where
    K: Source<Req, Res, E>,
{
    settings.observed.emit(|| Event::fallback(settings.name, K::KIND, class, answered));
}

impl<S, Req, K, C> fmt::Debug for ResponseFuture<S, Req, K, C>
where
    S: Service<Req>,
    K: Source<Req, S::Response, S::Error>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Calling { .. } => "Calling",
            State::Answering { .. } => "Answering",
            State::Ended => "Ended",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish_non_exhaustive()
    }
}

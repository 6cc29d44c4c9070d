//! The future: waits for the answer, and tells the circuit.

use super::Permit;
use crate::{
    outcome::{AtEnd, Classify, Outcome, Ticket, Verdict, judge},
    rejected::{Rejectable, Rejected},
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

pin_project! {
    /// The answer of a [`Breaker`](super::Breaker).
    pub struct ResponseFuture<F, C> {
        #[pin]
        state: State<F, C>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, C> {
        Refused {
            rejected: Option<Rejected>,
        },
        Calling {
            #[pin]
            call: F,
            permit: Option<Permit>,
            started: u64,
            classify: C,
        },
    }
}

impl<F, C> ResponseFuture<F, C> {
    #[cold]
    pub(super) fn refused(rejected: Rejected) -> Self {
        Self { state: State::Refused { rejected: Some(rejected) } }
    }

    #[inline]
    pub(super) fn calling(call: F, permit: Permit, started: u64, classify: C) -> Self {
        Self { state: State::Calling { call, permit: Some(permit), started, classify } }
    }
}

impl<F, C, Res, E> Future for ResponseFuture<F, C>
where
    F: Future<Output = Result<Res, E>>,
    E: Rejectable,
    C: Classify<Res, E>,
{
    type Output = Result<<C::AtEnd as AtEnd<Res>>::Response<Permit>, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Calling { call, permit, started, classify } => {
                // Polled after its end, which breaks the contract of futures: it stays pending.
                let Some(held) = permit.as_mut() else { return Poll::Pending };
                held.busy(true);
                let polled = call.poll(cx);
                held.busy(false);
                if polled.is_pending() {
                    held.waits();
                }
                let answer = ready!(polled);
                held.answered(*started);
                Poll::Ready(match (judge(classify, answer.as_ref()), answer) {
                    (Verdict::Now(outcome), Ok(response)) => {
                        held.say(outcome);
                        Ok(C::AtEnd::pass(response))
                    }
                    (Verdict::Now(outcome), Err(error)) => {
                        held.say(outcome);
                        Err(error)
                    }
                    // Only here the permit moves: along with the response.
                    (Verdict::AtEnd(rest), Ok(response)) => match permit.take() {
                        Some(permit) => Ok(rest.hold(response, permit)),
                        None => return Poll::Pending,
                    },
                    // An error has no rest to wait for.
                    (Verdict::AtEnd(_), Err(error)) => {
                        held.say(Outcome::FAILED);
                        Err(error)
                    }
                })
            }
            StateProj::Refused { rejected } => match rejected.take() {
                Some(rejected) => Poll::Ready(Err(rejected.into())),
                None => Poll::Pending,
            },
        }
    }
}

impl<F, C> fmt::Debug for ResponseFuture<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Refused { .. } => "Refused",
            State::Calling { .. } => "Calling",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish_non_exhaustive()
    }
}

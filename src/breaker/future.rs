//! The future: waits for the answer, and tells the circuit.

use super::Permit;
use crate::{
    outcome::{AtEnd, Classify, Outcome, Verdict, judge},
    rejected::{Rejectable, Rejected},
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
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
        Calling {
            #[pin]
            call: F,
            // Settled once the verdict is in, or where it goes along with the response.
            permit: Permit,
            classify: C,
        },
        Refused {
            rejected: Option<Rejected>,
        },
    }
}

impl<F, C> ResponseFuture<F, C> {
    #[inline]
    pub(super) fn refused(rejected: Rejected) -> Self {
        Self { state: State::Refused { rejected: Some(rejected) } }
    }

    /// Makes the call that was let through.
    #[inline]
    pub(super) fn calling(mut permit: Permit, classify: C, call: impl FnOnce() -> F) -> Self {
        let call = permit.around(call);
        Self { state: State::Calling { call, permit, classify } }
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
            StateProj::Calling { call, permit, classify } => match permit.around(|| call.poll(cx)) {
                Poll::Ready(Ok(response)) => Poll::Ready(Ok(good(classify, response, permit))),
                Poll::Ready(Err(error)) => {
                    bad::<C, Res, E>(classify, &error, permit);
                    Poll::Ready(Err(error))
                }
                Poll::Pending => {
                    permit.waits();
                    Poll::Pending
                }
            },
            StateProj::Refused { rejected } => tell(rejected),
        }
    }
}

/// Polled after its end, which breaks the contract of futures, it stays pending.
#[inline(never)]
fn tell<T, E: Rejectable>(rejected: &mut Option<Rejected>) -> Poll<Result<T, E>> {
    rejected.take().map_or(Poll::Pending, |rejected| Poll::Ready(Err(rejected.into())))
}

/// Settles in place where the verdict is known: only with an open one does the permit move.
#[inline]
fn good<C, Res, E>(
    classify: &C,
    response: Res,
    permit: &mut Permit,
) -> <C::AtEnd as AtEnd<Res>>::Response<Permit>
where
    C: Classify<Res, E>,
{
    match classify.classify(Ok(&response)) {
        Verdict::Now(outcome) => {
            permit.say(outcome);
            C::AtEnd::pass(response)
        }
        Verdict::AtEnd(rest) => rest.hold(response, permit.take()),
    }
}

#[inline(never)]
fn bad<C, Res, E>(classify: &C, error: &E, permit: &mut Permit)
where
    E: Rejectable,
    C: Classify<Res, E>,
{
    permit.say(match judge(classify, Err::<&Res, _>(error)) {
        Verdict::Now(outcome) => outcome,
        // An error has no rest to wait for.
        Verdict::AtEnd(_) => Outcome::FAILED,
    });
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

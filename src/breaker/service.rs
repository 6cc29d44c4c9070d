//! The service: asks the circuit first, then the inside.

use super::{Circuit, Permit, ResponseFuture, admit::Refused, permit::now, slot::Slot, waiting::Waiting};
use crate::{
    outcome::{AtEnd, Classify, ErrorsFail, Outcome, Ticket, Verdict, judge},
    rejected::{Rejectable, Rejected},
};
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_service::Service;

/// A service behind a circuit. See the [module](super).
pub struct Breaker<S, C = ErrorsFail> {
    inner: S,
    /// The circuit's, which the handle beside keeps.
    slot: &'static Slot,
    circuit: Circuit,
    classify: C,
    /// `poll_ready` found the circuit open and did not ask inside: this call is refused.
    refused: Option<Refused>,
    not_ready_while_open: bool,
    /// Under a balancer, and only while it is not ready.
    waiting: Option<Pin<Box<Waiting>>>,
}

impl<S, C> Breaker<S, C> {
    pub(super) fn new(inner: S, circuit: Circuit, classify: C, not_ready_while_open: bool) -> Self {
        let slot = circuit.slot();
        Self { inner, slot, circuit, classify, refused: None, not_ready_while_open, waiting: None }
    }

    /// Under a balancer: ready once a call would be let through.
    fn poll_open(&mut self, cx: &mut Context<'_>, refused: Refused) -> Poll<()> {
        let circuit = &self.circuit;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(Waiting::new(circuit, refused)));
        let answer = waiting.as_mut().poll_admitted(cx, circuit);
        if answer.is_ready() {
            self.waiting = None;
        }
        answer
    }
}

/// A clone starts afresh: readiness belongs to the instance.
impl<S: Clone, C: Clone> Clone for Breaker<S, C> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.circuit.clone(), self.classify.clone(), self.not_ready_while_open)
    }
}

impl<S, Req, C> Service<Req> for Breaker<S, C>
where
    S: Service<Req>,
    S::Error: Rejectable,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = <C::AtEnd as AtEnd<S::Response>>::Response<Permit>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, C>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.refused = None;
        if self.slot.flows().is_some() {
            if self.waiting.is_some() {
                self.stop_waiting();
            }
        } else {
            ready!(self.poll_shut(cx));
            if self.refused.is_some() {
                return Poll::Ready(Ok(()));
            }
        }
        self.inner.poll_ready(cx).map_err(|error| {
            self.circuit.unready::<C, S::Response, _>(&self.classify, &error);
            error
        })
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let permit = match self.slot.flows() {
            Some(generation) if self.refused.is_none() => Permit::new(self.slot, generation, None),
            _ => match self.admit_at_length() {
                Ok(permit) => permit,
                Err(rejected) => return ResponseFuture::refused(rejected),
            },
        };
        ResponseFuture::calling(permit, self.classify.clone(), || self.inner.call(request))
    }
}

impl<S, C> Breaker<S, C> {
    #[cold]
    fn stop_waiting(&mut self) {
        self.waiting = None;
    }

    /// The circuit does not simply flow: whether this call would be refused, or has to wait.
    #[inline(never)]
    fn poll_shut(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.slot.would_refuse(now) {
            None => self.waiting = None,
            Some(refused) if self.not_ready_while_open => return self.poll_open(cx, refused),
            refused => self.refused = refused,
        }
        Poll::Ready(())
    }

    /// The same for the call itself.
    #[inline(never)]
    fn admit_at_length(&mut self) -> Result<Permit, Rejected> {
        match self.refused.take().map_or_else(|| self.slot.admit(now), Err) {
            Ok(admitted) => Ok(Permit::new(self.slot, admitted.generation, admitted.probe)),
            Err(refused) => Err(self.circuit.reject(refused)),
        }
    }
}

impl Circuit {
    /// The inside could not even become ready: a failure, and the answer of a probe where one is wanted. Where the circuit
    /// has no room for it, it counts for nothing: there was no call, so there is none to refuse.
    #[cold]
    fn unready<C, Res, E>(&self, classify: &C, error: &E)
    where
        C: Classify<Res, E>,
        E: Rejectable,
    {
        let slot = self.slot();
        if let Ok(admitted) = slot.admit_unready(now) {
            let permit = Permit::new(slot, admitted.generation, admitted.probe);
            permit.settle(match judge(classify, Err::<&Res, _>(error)) {
                Verdict::Now(outcome) => outcome,
                // An error has no rest to wait for.
                Verdict::AtEnd(_) => Outcome::FAILED,
            });
        }
    }
}

impl<S: fmt::Debug, C> fmt::Debug for Breaker<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("inner", &self.inner)
            .field("circuit", &self.circuit)
            .finish_non_exhaustive()
    }
}

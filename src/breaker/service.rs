//! The service: asks the circuit first, then the inside.

use super::{Circuit, Permit, ResponseFuture, admit::Refused, permit::now, slot::Slot, waiting::Waiting};
use crate::{
    outcome::{AtEnd, Classify, ErrorsFail, Outcome, Ticket, Verdict, judge},
    rejected::{Rejectable, Rejected},
};
use std::{
    fmt, mem,
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
    aside: Aside,
    not_ready_while_open: bool,
}

/// What `poll_ready` has found, where calls do not simply flow.
enum Aside {
    Nothing,
    /// The circuit is open, and the inside was not asked: this call is refused.
    Refused(Refused),
    /// Under a balancer, and only while it is not ready.
    Waiting(Pin<Box<Waiting>>),
}

impl<S, C> Breaker<S, C> {
    pub(super) fn new(inner: S, circuit: Circuit, classify: C, not_ready_while_open: bool) -> Self {
        let slot = circuit.slot();
        Self { inner, slot, circuit, classify, aside: Aside::Nothing, not_ready_while_open }
    }

    /// Under a balancer: ready once a call would be let through.
    #[cold]
    fn poll_open(&mut self, cx: &mut Context<'_>, refused: Refused) -> Poll<()> {
        let mut waiting = match mem::replace(&mut self.aside, Aside::Nothing) {
            Aside::Waiting(waiting) => waiting,
            Aside::Nothing | Aside::Refused(_) => Box::pin(Waiting::new(&self.circuit, refused)),
        };
        let answer = waiting.as_mut().poll_admitted(cx, &self.circuit);
        if answer.is_pending() {
            self.aside = Aside::Waiting(waiting);
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
        if self.flows().is_none() {
            ready!(self.poll_shut(cx));
            if let Aside::Refused(_) = self.aside {
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
        let permit = match self.flows() {
            Some(generation) => Permit::new(self.slot, generation, None),
            None => match self.admit_at_length() {
                Ok(permit) => permit,
                Err(rejected) => return ResponseFuture::refused(rejected),
            },
        };
        ResponseFuture::calling(permit, self.classify.clone(), || self.inner.call(request))
    }
}

impl<S, C> Breaker<S, C> {
    /// Whether nothing stands in the way of calls; with the generation that they flow in.
    #[inline]
    fn flows(&self) -> Option<u32> {
        match self.aside {
            Aside::Nothing => self.slot.flows(),
            Aside::Refused(_) | Aside::Waiting(_) => None,
        }
    }

    /// The circuit does not simply flow: whether this call would be refused, or has to wait.
    #[inline(never)]
    fn poll_shut(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.slot.would_refuse(now) {
            None => self.aside = Aside::Nothing,
            Some(refused) if self.not_ready_while_open => return self.poll_open(cx, refused),
            Some(refused) => self.aside = Aside::Refused(refused),
        }
        Poll::Ready(())
    }

    /// The same for the call itself.
    #[inline(never)]
    fn admit_at_length(&mut self) -> Result<Permit, Rejected> {
        if let Aside::Refused(refused) = self.aside {
            self.aside = Aside::Nothing;
            return Err(self.circuit.reject(refused));
        }
        let mut permit = self.circuit.ask()?;
        permit.begin();
        Ok(permit)
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

//! The service: asks the circuit first, then the inside.

use super::{Circuit, Permit, ResponseFuture, Watch, admit::Refused, permit::now, slot::Slot};
use crate::{
    clock,
    outcome::{AtEnd, Classify, ErrorsFail, Outcome, Ticket, Verdict, judge},
    rejected::{Rejectable, Rejected},
};
use futures_core::Stream;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::time::{Sleep, sleep_until};
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
    balanced: Option<Box<Balanced>>,
}

/// Waits for the circuit under a balancer.
struct Balanced {
    timer: Option<Pin<Box<Sleep>>>,
    watch: Watch,
}

impl<S, C> Breaker<S, C> {
    pub(super) fn new(inner: S, circuit: Circuit, classify: C, not_ready_while_open: bool) -> Self {
        let balanced =
            not_ready_while_open.then(|| Box::new(Balanced { timer: None, watch: circuit.watch() }));
        Self { inner, slot: circuit.slot(), circuit, classify, refused: None, balanced }
    }
}

/// A clone starts afresh: readiness belongs to the instance.
impl<S: Clone, C: Clone> Clone for Breaker<S, C> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.circuit.clone(), self.classify.clone(), self.balanced.is_some())
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
        if self.slot.flows().is_none()
            && let Some(answer) = self.poll_shut(cx)
        {
            return answer;
        }
        self.inner.poll_ready(cx).map_err(|error| {
            self.circuit.unready::<C, S::Response, _>(&self.classify, &error);
            error
        })
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let mut permit = match self.slot.flows() {
            Some(generation) if self.refused.is_none() => Permit::new(self.slot, generation, None),
            _ => match self.admit_at_length() {
                Ok(permit) => permit,
                Err(rejected) => return ResponseFuture::refused(rejected),
            },
        };
        let started = permit.started();
        permit.busy(true);
        let call = self.inner.call(request);
        permit.busy(false);
        ResponseFuture::calling(call, permit, started, self.classify.clone())
    }
}

impl<S, C> Breaker<S, C> {
    /// The circuit does not simply flow: whether this call would be refused.
    #[cold]
    fn poll_shut<E>(&mut self, cx: &mut Context<'_>) -> Option<Poll<Result<(), E>>> {
        self.refused = self.slot.would_refuse(now);
        self.refused.map(|refused| match &mut self.balanced {
            None => Poll::Ready(Ok(())),
            Some(balanced) => balanced.poll_open(cx, refused),
        })
    }

    /// The same for the call itself.
    #[cold]
    fn admit_at_length(&mut self) -> Result<Permit, Rejected> {
        match self.refused.take().map_or_else(|| self.slot.admit(now), Err) {
            Ok(admitted) => Ok(Permit::new(self.slot, admitted.generation, admitted.probe)),
            Err(refused) => Err(self.slot.reject(refused)),
        }
    }
}

impl Balanced {
    /// Pending while the circuit is open; woken when the open time is over, or when the state turns otherwise.
    fn poll_open<E>(&mut self, cx: &mut Context<'_>, refused: Refused) -> Poll<Result<(), E>> {
        while Pin::new(&mut self.watch).poll_next(cx).is_ready() {}
        if let Some(wait) = refused.wait {
            let end = clock::from_nanos(now().saturating_add(wait));
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
            timer.as_mut().reset(end);
            if timer.as_mut().poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }
}

impl Circuit {
    /// The inside could not even become ready: a failure, and the answer of a probe where one is wanted.
    #[cold]
    fn unready<C, Res, E>(&self, classify: &C, error: &E)
    where
        C: Classify<Res, E>,
        E: Rejectable,
    {
        if let Ok(permit) = self.admit() {
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

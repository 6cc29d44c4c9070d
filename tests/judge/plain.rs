//! A layer that passes everything through, and its flaws.

use buttress::{
    Rejected,
    rejected::Reason,
    testing::{Fault, Probe, Reply},
};
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};
use tower::{Layer, Service};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// `poll_ready` asks inside with a waker that wakes nobody.
    DeafInReady,
    /// So does the future.
    DeafInCall,
    /// The waker of the first poll is used for all.
    FirstWakerInReady,
    FirstWakerInCall,
    /// A second call after a good answer.
    CallsTwice,
    /// The inner error is replaced.
    OwnError,
    /// The response is changed.
    OwnAnswer,
    /// A readiness error becomes a rejection.
    RejectsReadinessError,
    /// A box for each call.
    Allocates,
    /// One more poll after the answer.
    PollsAfterEnd,
    /// The instance that is called is a fresh clone.
    CallsAClone,
}

#[derive(Clone, Debug)]
pub(crate) struct PlainLayer(pub(crate) Flaw);

impl Layer<Probe> for PlainLayer {
    type Service = Plain;

    fn layer(&self, inner: Probe) -> Plain {
        Plain { inner, flaw: self.0, first: None }
    }
}

#[derive(Debug)]
pub(crate) struct Plain {
    inner: Probe,
    flaw: Flaw,
    first: Option<Waker>,
}

impl Clone for Plain {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), flaw: self.flaw, first: None }
    }
}

fn no() -> Fault {
    Rejected::new(Reason::Shed, "plain", false).into()
}

impl Service<u64> for Plain {
    type Response = u64;
    type Error = Fault;
    type Future = PlainFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        let answer = match self.flaw {
            Flaw::DeafInReady => self.inner.poll_ready(&mut Context::from_waker(Waker::noop())),
            Flaw::FirstWakerInReady => {
                let first = self.first.get_or_insert_with(|| cx.waker().clone());
                self.inner.poll_ready(&mut Context::from_waker(first))
            }
            _ => self.inner.poll_ready(cx),
        };
        match answer {
            Poll::Ready(Err(_)) if self.flaw == Flaw::RejectsReadinessError => Poll::Ready(Err(no())),
            answer => answer,
        }
    }

    fn call(&mut self, request: u64) -> PlainFuture {
        let call = match self.flaw {
            Flaw::CallsAClone => self.inner.clone().call(request),
            _ => self.inner.call(request),
        };
        if self.flaw == Flaw::Allocates {
            drop(std::hint::black_box(Box::new(request)));
        }
        let again = (self.flaw == Flaw::CallsTwice).then(|| self.inner.clone());
        PlainFuture { call, again, request, flaw: self.flaw, first: None }
    }
}

pin_project! {
    pub(crate) struct PlainFuture {
        #[pin]
        call: Reply<u64, Fault>,
        again: Option<Probe>,
        request: u64,
        flaw: Flaw,
        first: Option<Waker>,
    }
}

impl Future for PlainFuture {
    type Output = Result<u64, Fault>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let first = this.first.get_or_insert_with(|| cx.waker().clone());
        let waker = match this.flaw {
            Flaw::DeafInCall => Waker::noop(),
            Flaw::FirstWakerInCall => first,
            _ => cx.waker(),
        };
        let mut cx = Context::from_waker(waker);
        let mut answer = ready!(this.call.as_mut().poll(&mut cx));
        if answer.is_ok()
            && let Some(mut inner) = this.again.take()
        {
            ready!(inner.poll_ready(&mut cx))?;
            this.call.set(inner.call(*this.request));
            answer = ready!(this.call.as_mut().poll(&mut cx));
        }
        Poll::Ready(match this.flaw {
            Flaw::OwnError => answer.map_err(|_| no()),
            Flaw::OwnAnswer => answer.map(|n| n + 1),
            Flaw::PollsAfterEnd => {
                let _ = this.call.as_mut().poll(&mut cx);
                answer
            }
            _ => answer,
        })
    }
}

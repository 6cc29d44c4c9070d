//! A retry: a second attempt ten milliseconds after a failure; and its flaws.

use buttress::testing::{Fault, Probe, Reply};
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Sleep, sleep};
use tower::{Layer, Service};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// The second attempt goes to an instance that nobody readied.
    UnreadiedAttempt,
    /// The next instance is readied before the wait.
    WaitsWithFullHands,
    /// The error of the first attempt is the one that comes back.
    FirstError,
    /// A second call although the first was answered well.
    RetriesGoodAnswers,
    /// The wait between the attempts wakes nobody.
    DeafWait,
}

#[derive(Clone, Debug)]
pub(crate) struct AgainLayer(pub(crate) Flaw);

impl Layer<Probe> for AgainLayer {
    type Service = Again;

    fn layer(&self, inner: Probe) -> Again {
        Again { inner, flaw: self.0 }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Again {
    inner: Probe,
    flaw: Flaw,
}

impl Service<u64> for Again {
    type Response = u64;
    type Error = Fault;
    type Future = AgainFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: u64) -> AgainFuture {
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let call = inner.call(request);
        AgainFuture { inner, request, flaw: self.flaw, first: None, state: State::Trying { call } }
    }
}

pin_project! {
    pub(crate) struct AgainFuture {
        inner: Probe,
        request: u64,
        flaw: Flaw,
        // The answer of the first attempt, once the second is on its way.
        first: Option<Result<u64, Fault>>,
        #[pin]
        state: State,
    }
}

pin_project! {
    #[project = StateProj]
    enum State {
        Trying { #[pin] call: Reply<u64, Fault> },
        BackingOff { #[pin] wait: Sleep },
        Readying,
    }
}

impl Future for AgainFuture {
    type Output = Result<u64, Fault>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProj::Trying { call } => {
                    let answer = ready!(call.poll(cx));
                    if let Some(first) = this.first.take() {
                        return Poll::Ready(if *this.flaw == Flaw::FirstError { first } else { answer });
                    }
                    if answer.is_ok() && *this.flaw != Flaw::RetriesGoodAnswers {
                        return Poll::Ready(answer);
                    }
                    *this.first = Some(answer);
                    if *this.flaw == Flaw::WaitsWithFullHands {
                        ready!(this.inner.poll_ready(cx))?;
                    }
                    this.state.set(State::BackingOff { wait: sleep(Duration::from_millis(10)) });
                }
                StateProj::BackingOff { wait } => {
                    if *this.flaw == Flaw::DeafWait {
                        ready!(wait.poll(&mut Context::from_waker(std::task::Waker::noop())));
                    } else {
                        ready!(wait.poll(cx));
                    }
                    this.state.set(State::Readying);
                }
                StateProj::Readying => {
                    if *this.flaw != Flaw::UnreadiedAttempt {
                        ready!(this.inner.poll_ready(cx))?;
                    }
                    let call = this.inner.call(*this.request);
                    this.state.set(State::Trying { call });
                }
            }
        }
    }
}

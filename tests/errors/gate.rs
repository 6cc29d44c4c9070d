//! A throwaway breaker for the tests, so that the ground it stands on is proved before the real one is: it trips after three
//! failures in a row, and stays open.

use buttress::{
    Deadline, Rejectable, Rejected,
    cause::{self, Cause},
    clock,
    outcome::{AtEnd, Class, Classify, Dropped, ErrorsFail, Outcome, Ticket, finish},
    rejected::Reason,
};
use futures_util::ready;
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use tower::{Layer, Service};

const TRIPS_AT: usize = 3;
/// A test that waits for what never comes fails, and does not hang.
const PATIENCE: Duration = Duration::from_secs(60);
const OPEN_FOR: Duration = Duration::from_secs(30);

/// The state: everything that was recorded, for the tests to read and to wait for.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    record: Arc<watch::Sender<Vec<Outcome>>>,
    admitted: Arc<watch::Sender<usize>>,
}

impl Gate {
    fn new() -> Self {
        Self { record: Arc::default(), admitted: Arc::default() }
    }

    /// Whether there ever were three failures in a row: it never closes again, so later results change nothing.
    pub(crate) fn is_open(&self) -> bool {
        let mut run = 0;
        self.record.borrow().iter().any(|outcome| {
            match outcome.class() {
                Class::Failed | Class::TimedOut | Class::Panicked => run += 1,
                Class::Ok => run = 0,
                _ => {}
            }
            run == TRIPS_AT
        })
    }

    pub(crate) fn classes(&self) -> Vec<Class> {
        self.record.borrow().iter().map(Outcome::class).collect()
    }

    pub(crate) fn outcomes(&self) -> Vec<Outcome> {
        self.record.borrow().clone()
    }

    /// The outcome that was recorded last.
    pub(crate) fn last(&self) -> Option<Outcome> {
        self.record.borrow().last().copied()
    }

    /// Waits until so many calls have ended, for those that end in another task; gives their classes.
    pub(crate) async fn ended(&self, calls: usize) -> Vec<Class> {
        let mut seen = self.record.subscribe();
        let ended = seen.wait_for(|record| record.len() >= calls);
        drop(timeout(PATIENCE, ended).await.expect("so many calls end").expect("the gate is alive"));
        self.classes()
    }

    /// Waits until so many calls have been let in.
    pub(crate) async fn admitted(&self, calls: usize) {
        let mut seen = self.admitted.subscribe();
        let admitted = seen.wait_for(|admitted| *admitted >= calls);
        drop(timeout(PATIENCE, admitted).await.expect("so many calls come").expect("the gate is alive"));
    }

    fn rejection() -> Rejected {
        Rejected::new(Reason::Open, "gate", false).after(OPEN_FOR)
    }
}

/// The layer. Its state is made in the constructor; `layer()` clones the handle.
#[derive(Clone, Debug)]
pub(crate) struct GateLayer<C = ErrorsFail> {
    gate: Gate,
    classify: C,
    abandoned_after: Option<Duration>,
}

impl GateLayer {
    pub(crate) fn new() -> Self {
        Self::reading(ErrorsFail)
    }
}

impl<C> GateLayer<C> {
    pub(crate) fn reading(classify: C) -> Self {
        Self { gate: Gate::new(), classify, abandoned_after: None }
    }

    pub(crate) fn abandoned_after(mut self, age: Duration) -> Self {
        self.abandoned_after = Some(age);
        self
    }

    pub(crate) fn gate(&self) -> Gate {
        self.gate.clone()
    }
}

impl<S, C: Clone> Layer<S> for GateLayer<C> {
    type Service = Gated<S, C>;

    fn layer(&self, inner: S) -> Gated<S, C> {
        Gated { inner, settings: self.clone(), refused: false }
    }
}

#[derive(Debug)]
pub(crate) struct Gated<S, C> {
    inner: S,
    settings: GateLayer<C>,
    refused: bool,
}

impl<S: Clone, C: Clone> Clone for Gated<S, C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), settings: self.settings.clone(), refused: false }
    }
}

/// How a response leaves the gate: as it came, or with the permit in its body.
pub(crate) type Answer<C, Res, E> = <<C as Classify<Res, E>>::AtEnd as AtEnd<Res>>::Response<Permit>;

impl<S, Req, C> Service<Req> for Gated<S, C>
where
    S: Service<Req>,
    S::Error: Rejectable,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = Answer<C, S::Response, S::Error>;
    type Error = S::Error;
    type Future = GateFuture<S::Future, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.refused = self.settings.gate.is_open();
        if self.refused { Poll::Ready(Ok(())) } else { self.inner.poll_ready(cx) }
    }

    fn call(&mut self, request: Req) -> Self::Future {
        if std::mem::take(&mut self.refused) || self.settings.gate.is_open() {
            return GateFuture::Refused;
        }
        let mut permit = Permit::new(&self.settings);
        permit.busy(true);
        let call = self.inner.call(request);
        permit.busy(false);
        GateFuture::Calling { call, permit: Some(permit), classify: self.settings.classify.clone() }
    }
}

pin_project! {
    #[project = GateProj]
    pub(crate) enum GateFuture<F, C> {
        Calling { #[pin] call: F, permit: Option<Permit>, classify: C },
        Refused,
    }
}

impl<F, Res, E, C> Future for GateFuture<F, C>
where
    F: Future<Output = Result<Res, E>>,
    E: Rejectable,
    C: Classify<Res, E>,
{
    type Output = Result<Answer<C, Res, E>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            GateProj::Refused => Poll::Ready(Err(Gate::rejection().into())),
            GateProj::Calling { call, permit, classify } => {
                let held = permit.as_mut().expect("polled after its end");
                held.busy(true);
                let polled = call.poll(cx);
                held.busy(false);
                if polled.is_pending() {
                    held.waits();
                }
                let result = ready!(polled);
                Poll::Ready(finish(classify, result, permit.take().expect("held until here")))
            }
        }
    }
}

/// What a call owes the gate.
#[derive(Debug)]
pub(crate) struct Permit {
    gate: Gate,
    deadline: Option<Deadline>,
    abandoned_after: Option<Duration>,
    /// The first Pending, where somebody wants to know.
    since: Option<Instant>,
    expected: Outcome,
    busy: bool,
    settled: bool,
}

impl Permit {
    fn new<C>(settings: &GateLayer<C>) -> Self {
        settings.gate.admitted.send_modify(|admitted| *admitted += 1);
        Self {
            gate: settings.gate.clone(),
            deadline: Deadline::current(),
            abandoned_after: settings.abandoned_after,
            since: None,
            expected: Outcome::CANCELLED,
            busy: false,
            settled: false,
        }
    }

    fn waits(&mut self) {
        if self.abandoned_after.is_some() && self.since.is_none() {
            self.since = Some(clock::now());
        }
    }

    fn record(&self, outcome: Outcome) {
        self.gate.record.send_modify(|record| record.push(outcome));
    }
}

impl Ticket for Permit {
    fn expect(&mut self, if_dropped: Outcome) {
        self.expected = if_dropped;
    }

    fn busy(&mut self, now: bool) {
        self.busy = now;
    }

    fn settle(mut self, outcome: Outcome) {
        self.settled = true;
        self.record(outcome);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let cause: Cause = cause::current();
        let now = clock::now();
        let deadline = Deadline::earlier(self.deadline, Deadline::current());
        let age = self.since.map(|since| clock::since(now, since));
        let dropped = Dropped {
            busy: self.busy,
            cause,
            deadline_passed: deadline.is_some_and(|deadline| deadline.passed(now)),
            abandoned: age.zip(self.abandoned_after).is_some_and(|(age, limit)| age > limit),
            expected: self.expected,
        };
        self.record(dropped.outcome());
    }
}

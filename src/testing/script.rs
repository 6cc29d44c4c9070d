//! A service that answers from a list, for unit tests of what calls it.

use super::{
    fault::Fault,
    reply::{End, Reply, Wait},
    seen::{Seat, Seen},
};
use std::{
    collections::VecDeque,
    fmt,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tower_service::Service;

/// One answer of a [`Script`], where an example stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<T, E = Fault> {
    wait: Wait,
    end: End<T, E>,
}

impl<T, E> Step<T, E> {
    const fn at_once(end: End<T, E>) -> Self {
        Self { wait: Wait::Polls(0), end }
    }

    /// A response.
    #[must_use]
    pub const fn ok(response: T) -> Self {
        Self::at_once(End::Ok(response))
    }

    /// An error of your own type.
    #[must_use]
    pub const fn err(error: E) -> Self {
        Self::at_once(End::Err(error))
    }

    /// A panic when it is polled, with the payload [`PANIC`](super::PANIC).
    #[must_use]
    pub const fn panics() -> Self {
        Self::at_once(End::Panic)
    }

    /// A panic in `call` itself.
    #[must_use]
    pub const fn panics_in_call() -> Self {
        Self::at_once(End::PanicInCall)
    }

    /// No answer, ever.
    #[must_use]
    pub const fn never() -> Self {
        Self { wait: Wait::Never, end: End::Panic }
    }

    /// The same, after that time of tokio's clock, counted from the call.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self { wait: Wait::For(time), ..self }
    }

    /// The same, after so many Pendings, each with its wake.
    #[must_use]
    pub fn after_polls(self, polls: u32) -> Self {
        Self { wait: Wait::Polls(polls), ..self }
    }
}

impl<T> Step<T> {
    /// A [`Fault`]; its number is 0. Where several have to be told apart: `Step::err(Fault::new(2))`.
    #[must_use]
    pub const fn fail() -> Self {
        Self::err(Fault::new(0))
    }
}

/// A service that answers its calls with the steps of a list, one after the other over all its clones, and counts like
/// a [`Probe`](super::Probe). It is always ready.
///
/// A call beyond the last step panics, and says so: a test that calls more often than it planned should fail.
/// [`then`](Self::then) answers those instead.
///
/// ```
/// use buttress::testing::{Fault, Script, Step};
/// use tower::{Service, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let mut flaky = Script::new([Step::fail(), Step::ok(1)]);
/// let seen = flaky.seen();
///
/// assert_eq!(flaky.ready().await.unwrap().call("charge").await, Err(Fault::new(0)));
/// assert_eq!(flaky.ready().await.unwrap().call("charge").await, Ok(1));
/// assert_eq!(seen.counts().calls, 2);
/// # }
/// ```
pub struct Script<Req, T, E = Fault> {
    seat: Seat,
    lines: Arc<Mutex<Lines<T, E>>>,
    request: PhantomData<fn(Req)>,
}

struct Lines<T, E> {
    steps: VecDeque<Step<T, E>>,
    then: Option<Box<dyn FnMut() -> Step<T, E> + Send>>,
}

impl<T, E> Lines<T, E> {
    fn next(&mut self) -> Option<Step<T, E>> {
        self.steps.pop_front().or_else(|| self.then.as_mut().map(|then| then()))
    }
}

impl<Req, T, E> Script<Req, T, E> {
    /// Answers with these, in this order.
    pub fn new(steps: impl IntoIterator<Item = Step<T, E>>) -> Self {
        let lines = Lines { steps: steps.into_iter().collect(), then: None };
        Self { seat: Seat::new(Seen::default()), lines: Arc::new(Mutex::new(lines)), request: PhantomData }
    }

    /// What answers every call beyond the last step.
    #[must_use]
    pub fn then(self, then: impl FnMut() -> Step<T, E> + Send + 'static) -> Self {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).then = Some(Box::new(then));
        self
    }

    /// A view of what this script and all its clones see.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seat.seen().clone()
    }

    /// How many steps are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).steps.len()
    }
}

impl<Req, T, E> Service<Req> for Script<Req, T, E> {
    type Response = T;
    type Error = E;
    type Future = Reply<T, E>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        self.seat.asked();
        self.seat.granted();
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Req) -> Self::Future {
        let flight = self.seat.called();
        let step = self.lines.lock().unwrap_or_else(PoisonError::into_inner).next();
        let Some(step) = step else {
            panic!("call number {} of a script that has no step for it", self.seat.seen().counts().calls);
        };
        Reply::start(flight, step.wait, step.end)
    }
}

impl<Req, T, E> Clone for Script<Req, T, E> {
    fn clone(&self) -> Self {
        Self { seat: self.seat.clone(), lines: Arc::clone(&self.lines), request: PhantomData }
    }
}

impl<Req, T, E> fmt::Debug for Script<Req, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("left", &self.left())
            .field("seen", &self.seat.seen().counts())
            .finish()
    }
}

//! Calls that come with a deadline.

use crate::{
    clock,
    deadline::{Deadline, Scope},
};
use std::{
    task::{Context, Poll},
    time::Duration,
};
use tower_layer::Layer;
use tower_service::Service;

/// A layer that puts every call under a [`Deadline`] so long from now. Outermost in a stack, it shows what the layer
/// inside does with deadlines: a time of zero brings it to [refuse](super::Refusal), a longer one to
/// [cut](super::Subject::cuts_after).
///
/// ```
/// use std::time::Duration;
/// use buttress::{testing::{Refusal, Subject, deadline_in}, timeout::TimeoutLayer};
/// use tower::layer::util::Stack;
///
/// const SOON: Duration = Duration::from_millis(100);
/// let under = |time| move || Stack::new(TimeoutLayer::new(Duration::from_secs(1)), deadline_in(time));
/// Subject::new(under(SOON)).cuts_after(SOON).refuses(Refusal::new(under(Duration::ZERO))).judge().assert();
/// ```
#[must_use]
pub const fn deadline_in(time: Duration) -> DeadlineInLayer {
    DeadlineInLayer { time }
}

/// The layer that [`deadline_in`] gives.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineInLayer {
    time: Duration,
}

impl<S> Layer<S> for DeadlineInLayer {
    type Service = DeadlineIn<S>;

    fn layer(&self, inner: S) -> DeadlineIn<S> {
        DeadlineIn { inner, time: self.time }
    }
}

/// A service whose calls have a deadline; what [`deadline_in`] makes.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineIn<S> {
    inner: S,
    time: Duration,
}

impl<S> DeadlineIn<S> {
    fn deadline(&self) -> Deadline {
        Deadline::after(clock::now(), self.time)
    }
}

impl<S: Service<Req>, Req> Service<Req> for DeadlineIn<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Scope<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.deadline().sync_scope(|| self.inner.poll_ready(cx))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let deadline = self.deadline();
        let call = deadline.sync_scope(|| self.inner.call(request));
        deadline.scope(call)
    }
}

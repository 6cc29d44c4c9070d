//! An answer that may take the time that is left, and no more.

use super::Given;
use crate::{
    cause::{self, Cause},
    deadline::{Alarm, Deadline, Scope},
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

pin_project! {
    /// A fallback's own future, under the deadline of the call: cut there, it has no answer.
    ///
    /// For sources of your own that [wait](super::Source::WAITS).
    pub struct Within<F, Res> {
        // `None` once it was cut.
        #[pin]
        future: Option<Scope<F>>,
        #[pin]
        timer: Option<Alarm>,
        deadline: Option<Deadline>,
        response: PhantomData<fn() -> Res>,
    }
}

impl<F, Res> Within<F, Res> {
    /// Makes the future, and will poll and drop it, under `deadline`, where there is one.
    pub fn begin(deadline: Option<Deadline>, make: impl FnOnce() -> F) -> Self {
        let future = match deadline {
            Some(deadline) => deadline.sync_scope(make),
            None => make(),
        };
        Self { future: Some(Scope::new(deadline, future)), timer: None, deadline, response: PhantomData }
    }
}

impl<F, Res> Future for Within<F, Res>
where
    F: Future<Output: Into<Option<Res>>>,
{
    type Output = Option<Given<Res>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Pending };
        if let Poll::Ready(answer) = future.poll(cx) {
            return Poll::Ready(answer.into().map(Given::new));
        }
        let Some(deadline) = *this.deadline else { return Poll::Pending };
        ready!(Alarm::until(this.timer, deadline, cx));
        // Inside goes first, and is told why.
        cause::during(Cause::Cut, || this.future.set(None));
        Poll::Ready(None)
    }
}

impl<F, Res> fmt::Debug for Within<F, Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Within").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

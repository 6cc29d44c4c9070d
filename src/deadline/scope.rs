//! A future that runs under a deadline, if there is one.

use super::Deadline;
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll},
};

pin_project! {
    /// A future under a deadline: what [`Deadline::scope`] gives.
    ///
    /// Polled and dropped inside the scope, so that a guard within can still read the deadline when it is dropped.
    #[derive(Debug)]
    pub struct Scope<F> {
        deadline: Option<Deadline>,
        // `None` once it has answered.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Scope<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_some() {
                under(*this.deadline, || this.future.set(None));
            }
        }
    }
}

/// Runs `run` under `deadline` where there is one.
#[inline]
fn under<T>(deadline: Option<Deadline>, run: impl FnOnce() -> T) -> T {
    match deadline {
        Some(deadline) => deadline.sync_scope(run),
        None => run(),
    }
}

impl<F> Scope<F> {
    /// Under `deadline` where there is one; else just the future.
    pub const fn new(deadline: Option<Deadline>, future: F) -> Self {
        Self { deadline, future: Some(future) }
    }
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        under(*this.deadline, || {
            // A future that is polled after its end has broken its contract; it stays pending.
            let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Pending };
            let answer = future.poll(cx);
            if answer.is_ready() {
                this.future.set(None);
            }
            answer
        })
    }
}

//! How long a call waits for the inside to be ready: no longer than its deadline.

use crate::deadline::{Alarm, Deadline};
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_service::Service;

/// The wait of one call. Timeouts stand inside of this layer, so nobody outside would end it.
pub(super) struct Readying {
    deadline: Option<Deadline>,
    /// Only where it pends: whoever waits has the time to allocate.
    limit: Option<Pin<Box<Alarm>>>,
}

/// The deadline has come first.
pub(super) struct TooLate;

impl Readying {
    pub(super) const fn by(deadline: Option<Deadline>) -> Self {
        Self { deadline, limit: None }
    }

    pub(super) fn poll<S: Service<R>, R>(
        &mut self,
        service: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Result<(), TooLate>, S::Error>> {
        if let Poll::Ready(ready) = service.poll_ready(cx) {
            return Poll::Ready(ready.map(Ok));
        }
        let Some(deadline) = self.deadline else { return Poll::Pending };
        let limit = self.limit.get_or_insert_with(|| Box::pin(Alarm::at(deadline.instant())));
        ready!(limit.as_mut().poll(cx));
        Poll::Ready(Ok(Err(TooLate)))
    }
}

//! How long the steps of a store may take.

use crate::clock::{self, Instant};
use std::{future::poll_fn, pin::Pin, task::Poll, time::Duration};
use tokio::time::{self, error::Elapsed};

/// Between two tries of one claim, and of one end.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// A time for several steps together. It runs from where one of them first waits: what is done at once needs neither clock
/// nor timer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Within {
    time: Duration,
    until: Option<Instant>,
}

impl Within {
    pub(super) const fn new(time: Duration) -> Self {
        Self { time, until: None }
    }

    /// Makes `step`, as long as there is time.
    pub(super) async fn make<F: Future>(&mut self, mut step: Pin<&mut F>) -> Result<F::Output, Elapsed> {
        if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(step.as_mut().poll(cx))).await {
            return Ok(done);
        }
        // Whoever waits has the time to allocate; the timer is a burden to all who do not.
        Box::pin(time::timeout_at(self.until(), step)).await
    }

    /// Waits a moment between two tries; `false` where the time is over before that.
    pub(super) async fn pause(&mut self) -> bool {
        self.make(Box::pin(time::sleep(PAUSE)).as_mut()).await.is_ok()
    }

    /// Whether there is none left.
    pub(super) fn is_over(&mut self) -> bool {
        clock::now() >= self.until()
    }

    fn until(&mut self) -> Instant {
        let time = self.time;
        *self.until.get_or_insert_with(|| clock::after(clock::now(), time))
    }
}

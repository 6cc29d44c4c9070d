//! How long the steps of a store may take.

use super::{Lost, StoreError, Trouble};
use crate::clock::{self, Instant};
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};
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

    /// Has an owner's word written down: said again after trouble, for as long as there is time. It can be said twice, and comes to
    /// the same.
    pub(super) async fn insist<F>(&mut self, mut word: impl FnMut() -> F) -> Result<(), Lost>
    where
        F: Future<Output = Result<(), Lost>>,
    {
        loop {
            // Gone before there is a pause: there is room for one of them at a time.
            let written = self.make(pin!(word())).await;
            let error = match written {
                Ok(Err(Lost::Store(error))) => error,
                Ok(told) => return told,
                Err(late) => StoreError::new(Trouble::Unavailable, late),
            };
            if !self.pause().await || self.is_over() {
                return Err(Lost::Store(error));
            }
        }
    }

    /// Whether there is none left.
    fn is_over(&mut self) -> bool {
        clock::now() >= self.until()
    }

    fn until(&mut self) -> Instant {
        let time = self.time;
        *self.until.get_or_insert_with(|| clock::after(clock::now(), time))
    }
}

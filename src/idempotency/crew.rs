//! How many operations run here at once, and when the last of them has ended.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};
use tokio::sync::Notify;

/// Those that run. They outlive the calls that began them, so they have a bound of their own.
#[derive(Debug)]
pub(super) struct Crew {
    running: AtomicUsize,
    max: AtomicUsize,
    closed: AtomicBool,
    idle: Notify,
}

impl Crew {
    pub(super) fn new(max: usize) -> Self {
        Self {
            running: AtomicUsize::new(0),
            max: AtomicUsize::new(max),
            closed: AtomicBool::new(false),
            idle: Notify::new(),
        }
    }

    pub(super) fn set_max(&self, max: usize) {
        self.max.store(max.max(1), SeqCst);
    }

    pub(super) fn running(&self) -> usize {
        self.running.load(SeqCst)
    }

    pub(super) fn close(&self) {
        self.closed.store(true, SeqCst);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    /// A place, unless all are taken or nobody is let in any more.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Seat<'_>> {
        let before = self.running.fetch_add(1, SeqCst);
        // The place is given back by its guard where it was one too many.
        let seat = Seat(self);
        // Closed is looked at after the count is up: so whoever drains sees this one, or this one sees the door.
        (before < self.max.load(SeqCst) && !self.is_closed()).then_some(seat)
    }

    fn leave(&self) {
        if self.running.fetch_sub(1, SeqCst) == 1 {
            self.idle.notify_waiters();
        }
    }

    /// Returns when nobody is in.
    pub(super) async fn empty(&self) {
        loop {
            let mut idle = std::pin::pin!(self.idle.notified());
            idle.as_mut().enable();
            if self.running() == 0 {
                return;
            }
            idle.await;
        }
    }
}

/// A place while it is found out whether there is something to run: most who ask again leave at once, and count no reference.
#[derive(Debug)]
pub(super) struct Seat<'a>(&'a Arc<Crew>);

impl Seat<'_> {
    /// For as long as it runs.
    pub(super) fn keep(self) -> Place {
        let place = Place(Arc::clone(self.0));
        // It is the place from now on that gives it back.
        mem::forget(self);
        place
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// One of them.
#[derive(Debug)]
pub(super) struct Place(Arc<Crew>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.leave();
    }
}

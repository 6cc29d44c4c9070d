//! Where a compartment lives: made once, never freed, and used again.
//!
//! A call that is inside must find its compartment again, and counting a reference for each call costs as much as the place
//! itself twice over. So compartments are leaked, and a call holds `&'static Shared`. It goes to the next owner when the
//! last handle has gone and the last call has ended, not before; there are as many as were in use at once.

use super::{
    Slot,
    compartment::{Compartment, Take},
    word::Word,
};
use crate::{
    deadline::Deadline,
    rejected::{Name, Reason, Rejected},
    telemetry::{self, Event, Observed},
};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Aligned, so that two of them never share a line of the cache.
#[repr(align(128))]
pub(super) struct Shared {
    pub(super) compartment: Compartment,
    told: Mutex<(Name, Observed)>,
}

/// Those that wait for an owner.
static FREE: Mutex<Vec<&'static Shared>> = Mutex::new(Vec::new());

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// A slot, unless it is too late or there is none.
    #[inline]
    pub(super) fn enter(&'static self, deadline: Option<Deadline>) -> Result<Slot, Reason> {
        self.enter_quietly(deadline).map_or_else(|| self.enter_at_length(deadline), Ok)
    }

    /// The short way, on which nobody is told and no clock is read; where that fails, the long one is to be tried.
    #[inline]
    pub(super) fn enter_quietly(&'static self, deadline: Option<Deadline>) -> Option<Slot> {
        let taken = deadline.is_none() && !telemetry::is_installed() && self.compartment.take_quietly();
        // Not `then_some`, which would make a slot, and give it back, where none was taken.
        if taken { Some(Slot::new(self)) } else { None }
    }

    /// Where there is a deadline or a listener, where it is full, or where two came at the same instant. Only here the
    /// clock is read, and only for a deadline.
    #[inline(never)]
    fn enter_at_length(&'static self, deadline: Option<Deadline>) -> Result<Slot, Reason> {
        if deadline.is_some_and(Deadline::is_over) {
            return Err(Reason::DeadlinePassed);
        }
        if telemetry::is_installed() {
            self.compartment.hear();
        }
        match self.compartment.take() {
            Take::In => Ok(Slot::new(self)),
            Take::InHeard => Ok(self.taken_heard()),
            Take::Full => Err(Reason::Full),
        }
    }

    #[cold]
    pub(super) fn taken_heard(&'static self) -> Slot {
        let slot = Slot::new(self);
        self.tell();
        slot
    }

    /// A place was given back; this is the word that was left.
    #[cold]
    pub(super) fn left(&'static self, word: Word) {
        self.call_up();
        if word.is_heard() {
            self.tell();
        }
        if word.is_over() {
            lock(&FREE).push(self);
        }
    }

    /// Another limit; those who wait for the places that come with it get them.
    pub(super) fn set_limit(&self, limit: u32) {
        self.compartment.set_limit(limit);
        // Where nobody came in there is nothing to tell, and a listener may set limits itself.
        if self.call_up() && self.compartment.word().is_heard() {
            self.tell();
        }
    }

    /// Gives free places to those who wait; whether anybody did.
    fn call_up(&self) -> bool {
        let mut called = false;
        while let Some(waker) = self.compartment.call_up() {
            called = true;
            waker.wake();
        }
        called
    }

    /// The rejection of a call that is inside, and has not reached the service by its deadline. The handle may be gone.
    #[cold]
    pub(super) fn too_late(&self) -> Rejected {
        let (name, observed) = lock(&self.told).clone();
        observed.emit(|| Event::rejected(name.as_str(), Reason::DeadlinePassed));
        Rejected::new(Reason::DeadlinePassed, name, false)
    }

    /// Tells how many are inside, until it is true: of two that tell at once, the one who speaks last may have counted
    /// first.
    fn tell(&self) {
        let (name, observed) = lock(&self.told).clone();
        loop {
            let calls = self.compartment.word().taken();
            observed.emit(|| Event::in_flight(name.as_str(), calls));
            if self.compartment.word().taken() == calls {
                return;
            }
        }
    }
}

/// Holds a compartment; the last clone of a handle gives it up.
pub(super) struct Owner {
    pub(super) shared: &'static Shared,
    pub(super) name: Name,
    observed: OnceLock<Observed>,
}

impl Owner {
    pub(super) fn new(name: Name, limit: u32) -> Self {
        let told = (name.clone(), Observed::new());
        let waiting = lock(&FREE).pop();
        let shared: &'static Shared = match waiting {
            Some(shared) => {
                *lock(&shared.told) = told;
                shared
            }
            None => Box::leak(Box::new(Shared { compartment: Compartment::new(), told: Mutex::new(told) })),
        };
        shared.compartment.renew(limit);
        Self { shared, name, observed: OnceLock::new() }
    }

    /// The first one stays.
    pub(super) fn observe(&self, observed: Observed) {
        let observed = self.observed.get_or_init(|| observed);
        lock(&self.shared.told).1 = observed.clone();
        self.shared.compartment.hear();
    }

    /// Tells the listeners what was decided. The name is at hand without a lock, since refusals come in floods.
    pub(super) fn emit<'a>(&'a self, event: impl FnOnce(&'a str) -> Event<'a>) {
        let nobody = const { &Observed::new() };
        self.observed.get().unwrap_or(nobody).emit(|| event(self.name.as_str()));
    }

    pub(super) fn is_heard(&self) -> bool {
        telemetry::is_installed() || self.observed.get().is_some()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let word = self.shared.compartment.abandon();
        if word.is_over() {
            lock(&FREE).push(self.shared);
        }
    }
}

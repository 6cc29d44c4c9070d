//! To whom a slot belongs: what the handles of one circuit share, and where slots wait for the next.

use super::{
    counts::Shape,
    more::More,
    policy::Settings,
    slot::{Held, Slot},
    sync::Ordering::Relaxed,
    word::Phase,
};
use crate::rejected::Name;
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

/// Slots that wait for an owner.
static FREE: LazyLock<Mutex<HashMap<Shape, Vec<&'static Slot>>>> = LazyLock::new(Mutex::default);

fn free() -> MutexGuard<'static, HashMap<Shape, Vec<&'static Slot>>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds a slot; the last clone of a handle gives it back.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) slot: &'static Slot,
    pub(super) name: Name,
    /// The generation with which it began.
    pub(super) born: u32,
    /// Somebody was there to be told of its first turn. Who listens later is told first what it is.
    pub(super) told: AtomicBool,
}

impl Owner {
    pub(super) fn new(name: Name, settings: &Arc<Settings>, now: u64) -> Arc<Self> {
        let shape = Shape::of(settings);
        // First, since a panic of the user's own in there takes no slot along.
        let more = More::wanted(settings);
        let waiting = free().get_mut(&shape).and_then(Vec::pop);
        let slot = waiting.unwrap_or_else(|| Box::leak(Box::new(Slot::new(shape))));
        slot.rules.set(settings);
        slot.word.attend(slot.rules.want_more());
        slot.counts.set(settings, now);
        slot.until.store(0, Relaxed);
        slot.refused.store(0, Relaxed);
        // It has no owner yet, so nobody else turns it.
        let born = slot.renew(Phase::Closed, now);
        let owner = Arc::new(Self { slot, name, born, told: AtomicBool::new(false) });
        slot.take(&owner, settings, more);
        owner
    }

    /// The slot's lock, for who holds the owner anyway.
    pub(super) fn cold(self: &Arc<Self>) -> Held<'static> {
        self.slot.cold_of(self)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let slot = self.slot;
        // What calls of this owner still say belongs to a generation that is over.
        let left = slot.leave(|| _ = slot.word.turn(Phase::Closed));
        drop(left);
        free().entry(slot.counts.shape()).or_default().push(slot);
    }
}

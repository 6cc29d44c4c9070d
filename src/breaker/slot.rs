//! Where the state of a circuit lives: a slot that is made once, never freed, and used again.
//!
//! A call that is under way must find its circuit again. Counting a reference for each costs up to 60 ns where two cores
//! share the circuit; so slots are leaked, and a call holds `&'static Slot` and its generation. When the last handle of a
//! circuit goes, the slot gets a new generation and waits for the next owner: what the calls of the former one still say
//! is refused by their generation. There are as many slots as there were circuits alive at once, for each shape.
//!
//! There may be a circuit for each of ten thousand hosts, so a slot holds what calls ask for and no more: what is rare stands
//! in a box that is there only while it is needed (`tests/heap.rs` counts the bytes).

use super::{
    counts::{Counts, Shape},
    more::More,
    owner::Owner,
    policy::Settings,
    rules::Rules,
    sync::AtomicU64,
    word::StateWord,
};
use std::{
    fmt, mem,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak},
};

pub(super) struct Slot {
    pub(super) word: StateWord,
    /// Open: when probes are let through. Ramping: when the ramp ends. Nanoseconds of the process clock.
    pub(super) until: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) counts: Counts,
    pub(super) rules: Rules,
    cold: Mutex<Cold>,
}

/// What only turns of the state and rare questions need.
pub(super) struct Cold {
    /// A weak reference, since the owner holds the slot.
    owner: Weak<Owner>,
    /// Here and not with the owner, since they can change while it is there.
    settings: Arc<Settings>,
    more: Option<Box<More>>,
}

/// What a slot without an owner goes by, so that nothing of the former owner is kept.
static IDLE: LazyLock<Arc<Settings>> = LazyLock::new(Arc::default);

impl Default for Cold {
    fn default() -> Self {
        Self { owner: Weak::new(), settings: Arc::clone(&IDLE), more: None }
    }
}

impl Slot {
    pub(super) fn new(shape: Shape) -> Self {
        let word = || AtomicU64::new(0);
        Self {
            word: StateWord::new(),
            until: word(),
            refused: word(),
            counts: Counts::new(shape),
            rules: Rules::new(),
            cold: Mutex::default(),
        }
    }

    /// Nothing of the user's own can panic in here and be passed on before the turn is made, so a poisoned lock says nothing.
    fn lock(&self) -> MutexGuard<'_, Cold> {
        self.cold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock. `None` where the last handle is gone: then nobody is left to whom a turn could matter.
    pub(super) fn cold(&self) -> Option<Held<'_>> {
        let cold = self.lock();
        let owner = cold.owner.upgrade()?;
        Some(Held { cold, owner })
    }

    /// The same for who has the owner.
    pub(super) fn cold_of(&self, owner: &Arc<Owner>) -> Held<'_> {
        Held { owner: Arc::clone(owner), cold: self.lock() }
    }

    /// For a new owner.
    pub(super) fn take(&self, owner: &Arc<Owner>, settings: &Arc<Settings>, more: Option<Box<More>>) {
        *self.lock() = Cold { owner: Arc::downgrade(owner), settings: Arc::clone(settings), more };
    }

    /// The owner goes, and `turn` is made under the lock. What is given back is dropped once the lock is free: there may be a
    /// rule and an observer in it, and the user's own words for their end.
    pub(super) fn leave(&self, turn: impl FnOnce()) -> Cold {
        let mut cold = self.lock();
        turn();
        mem::take(&mut *cold)
    }
}

/// The slot's lock, and a hold on its owner.
pub(super) struct Held<'a> {
    // Dropped in this order: with the last hold on the owner the slot is given back, and that takes the lock.
    cold: MutexGuard<'a, Cold>,
    owner: Arc<Owner>,
}

impl Held<'_> {
    pub(super) fn owner(&self) -> &Arc<Owner> {
        &self.owner
    }

    /// What it goes by.
    pub(super) fn settings(&self) -> &Arc<Settings> {
        &self.cold.settings
    }

    /// It goes by others from now on; the former ones are to be dropped once the lock is free, as above.
    pub(super) fn go_by(&mut self, settings: &Arc<Settings>) -> Arc<Settings> {
        mem::replace(&mut self.cold.settings, Arc::clone(settings))
    }

    /// What is rare, where it is there.
    pub(super) fn rare(&mut self) -> Option<&mut More> {
        self.cold.more.as_deref_mut()
    }

    /// The same to read.
    pub(super) fn seen(&self) -> Option<&More> {
        self.cold.more.as_deref()
    }

    /// The same, made where it is not there; with the settings that it goes by.
    pub(super) fn more(&mut self) -> (&Settings, &mut More) {
        let Cold { settings, more, .. } = &mut *self.cold;
        let more = more.get_or_insert_with(|| Box::new(More::new(settings)));
        (settings, more)
    }

    /// Lets go of what nobody needs any more.
    pub(super) fn tidy(&mut self) {
        if self.seen().is_some_and(More::is_idle) {
            self.cold.more = None;
        }
    }

    /// Frees the lock; the owner is still held.
    pub(super) fn free(self) -> Arc<Owner> {
        self.owner
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("word", &self.word.load())
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

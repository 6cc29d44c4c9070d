//! Where the state of a circuit lives: a slot that is made once, never freed, and used again.
//!
//! A call that is under way must find its circuit again. Counting a reference for each costs up to 60 ns where two cores
//! share the circuit; so slots are leaked, and a call holds `&'static Slot` and its generation. When the last handle of a
//! circuit goes, the slot gets a new generation and waits for the next owner: what the calls of the former one still say
//! is refused by their generation. There are as many slots as there were circuits alive at once, for each shape.

use super::{
    buckets::Buckets,
    news::Row,
    policy::Settings,
    probe::Probes,
    ring::{Ring, Totals},
    rules::{Rules, Shape},
    sync::{AtomicU64, Ordering::Relaxed},
    trip::Rule,
    watchers::Watchers,
    word::{Phase, StateWord},
};
use crate::{backoff::Rng, rejected::Name};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub(super) struct Slot {
    pub(super) word: StateWord,
    /// Open: when probes are let through. Ramping: when the ramp ends. Nanoseconds of the process clock.
    pub(super) until: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) window: Window,
    pub(super) rules: Rules,
    /// Of any owner: each stands there with its name.
    pub(super) news: Row,
    cold: Mutex<Cold>,
}

/// What a window of the slot's shape is made of.
#[derive(Debug)]
pub(super) enum Window {
    None,
    Ring(Ring),
    Buckets(Buckets),
}

/// What only turns of the state and rare questions need.
pub(super) struct Cold {
    pub(super) name: Name,
    pub(super) settings: Arc<Settings>,
    pub(super) rng: Rng,
    /// Openings in a row, since it was last closed by its probes or by hand.
    pub(super) openings: u32,
    /// Half-open: who is being tried.
    pub(super) probes: Option<Probes>,
    /// The open time that the policy gave for the last opening.
    pub(super) open_time: Duration,
    /// Open: what the window or the probes held before, and how many calls a rate of that needs.
    pub(super) last: Totals,
    pub(super) last_wanted: u32,
    pub(super) own: Option<Box<dyn Rule>>,
    pub(super) watchers: Watchers,
    /// The generation with which this owner began.
    pub(super) born: u32,
}

impl Cold {
    fn new(name: Name, settings: Arc<Settings>) -> Self {
        let rng = settings.seed.map_or_else(Rng::new, Rng::seeded);
        let own = settings.trip.own.as_ref().map(|own| (own.0)());
        Self {
            name,
            settings,
            rng,
            openings: 0,
            probes: None,
            open_time: Duration::ZERO,
            last: Totals::default(),
            last_wanted: 0,
            own,
            watchers: Watchers::default(),
            born: 0,
        }
    }
}

impl Slot {
    fn new(shape: Shape, cold: Cold) -> Self {
        let word = || AtomicU64::new(0);
        Self {
            word: StateWord::new(),
            until: word(),
            refused: word(),
            window: match shape {
                Shape::Plain => Window::None,
                Shape::Ring { size, slow } => Window::Ring(Ring::new(size, slow)),
                Shape::Buckets { slow } => Window::Buckets(Buckets::new(slow)),
            },
            rules: Rules::new(),
            news: Row::default(),
            cold: Mutex::new(cold),
        }
    }

    /// Nothing of the user's own can panic in here and be passed on before the turn is made, so a poisoned lock says nothing.
    pub(super) fn cold(&self) -> MutexGuard<'_, Cold> {
        self.cold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a slot without an owner holds, so that nothing of the former owner is kept.
static IDLE: LazyLock<Arc<Settings>> = LazyLock::new(Arc::default);

/// Slots that wait for an owner.
static FREE: LazyLock<Mutex<HashMap<Shape, Vec<&'static Slot>>>> = LazyLock::new(Mutex::default);

fn free() -> MutexGuard<'static, HashMap<Shape, Vec<&'static Slot>>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds a slot; the last clone of a handle gives it back.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) slot: &'static Slot,
    /// The same as in the slot, for who holds a handle: without the lock.
    pub(super) name: Name,
    shape: Shape,
}

impl Owner {
    pub(super) fn new(name: Name, settings: &Arc<Settings>, now: u64) -> Self {
        let shape = Shape::of(&settings.trip);
        // First, since it makes the user's own rule: a panic in there takes no slot along.
        let cold = Cold::new(name.clone(), Arc::clone(settings));
        let waiting = free().get_mut(&shape).and_then(Vec::pop);
        let slot: &'static Slot = match waiting {
            Some(slot) => {
                *slot.cold() = cold;
                slot
            }
            None => Box::leak(Box::new(Slot::new(shape, cold))),
        };
        slot.rules.set(settings, now);
        slot.until.store(0, Relaxed);
        slot.refused.store(0, Relaxed);
        let mut cold = slot.cold();
        slot.renew(&mut cold, Phase::Closed, now);
        cold.born = slot.word.load().generation();
        drop(cold);
        Self { slot, name, shape }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let Self { slot, shape, .. } = self;
        let mut cold = slot.cold();
        // What calls of this owner still say belongs to a generation that is over.
        slot.word.turn(Phase::Closed);
        let mut idle = Cold::new(Name::fixed(""), Arc::clone(&IDLE));
        idle.born = slot.word.load().generation();
        let owned = std::mem::replace(&mut *cold, idle);
        drop(cold);
        // With the lock free: there may be a rule and an observer in it, and the user's own words for their end.
        drop(owned);
        free().entry(*shape).or_default().push(slot);
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("word", &self.word.load())
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

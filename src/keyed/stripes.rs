//! The index, once for each core: who looks takes a lock that only its own core takes, who changes takes them all.
//!
//! A lock shared by readers is still one word that all of them write, and two cores that write one word wait for each
//! other longer than the look itself takes. So each thread has a stripe of its own, as far as they go round. Changes are
//! rare, and made by one thread at a time, which holds the lock over the places.

use super::entry::{Asked, Entry, Keyed, Shared};
use std::{
    borrow::Borrow,
    cell::Cell,
    collections::HashSet,
    hash::Hash,
    sync::{
        Arc, LazyLock, PoisonError, RwLock,
        atomic::{
            AtomicU64, AtomicUsize,
            Ordering::{AcqRel, Acquire, Relaxed},
        },
    },
    thread,
};

/// More stripes than this cost more memory than they save waiting.
const MOST: usize = 16;

/// Looks of one stripe that fall into one tick, where there is one stripe.
const GRAIN: u64 = 64;

/// So many looks of a stripe after a newcomer have a tick each: where few calls come between two newcomers, they are told
/// apart exactly. Who goes on without newcomers pays for it once.
const EXACT: u64 = 1024;

static COUNT: LazyLock<usize> =
    LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from).min(MOST).next_power_of_two());

/// Threads in the order in which they first looked.
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static THREAD: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// The number of this thread; 0 while it ends.
#[inline]
fn thread_number() -> usize {
    let number = |thread: &Cell<usize>| {
        if thread.get() == usize::MAX {
            thread.set(THREADS.fetch_add(1, Relaxed));
        }
        thread.get()
    };
    THREAD.try_with(number).unwrap_or(0)
}

pub(super) struct Stripes<K, V> {
    stripes: Box<[Stripe<K, V>]>,
    /// The time, as far as idleness goes.
    tick: AtomicU64,
    /// Looks of one stripe after which the tick moves: a power of two.
    grain: u64,
}

/// Alone in its lines of memory.
#[repr(align(128))]
struct Stripe<K, V> {
    known: RwLock<HashSet<Shared<K, V>>>,
    /// Looks since the last newcomer, more or less: two threads of one stripe may count one for two.
    looks: AtomicU64,
}

impl<K, V> Stripes<K, V> {
    /// A tick moves after as many looks of a stripe that each core finds it moved once in 64 of its own.
    pub(super) fn new() -> Self {
        Self::grained(GRAIN * *COUNT as u64)
    }

    pub(super) fn grained(grain: u64) -> Self {
        let stripe = |_| Stripe { known: RwLock::default(), looks: AtomicU64::new(0) };
        Self { stripes: (0..*COUNT).map(stripe).collect(), tick: AtomicU64::new(0), grain }
    }

    #[inline]
    fn own(&self) -> &Stripe<K, V> {
        // There is at least one, and their number is a power of two.
        &self.stripes[thread_number() & (self.stripes.len() - 1)]
    }

    /// A new tick.
    pub(super) fn advance(&self) -> u64 {
        self.tick.fetch_add(1, AcqRel) + 1
    }

    /// The tick for one look.
    #[inline]
    fn look(&self, stripe: &Stripe<K, V>) -> u64 {
        let looks = stripe.looks.load(Relaxed).wrapping_add(1);
        stripe.looks.store(looks, Relaxed);
        if looks <= EXACT || looks & (self.grain - 1) == 0 { self.advance() } else { self.tick.load(Acquire) }
    }
}

impl<K: Hash + Eq, V> Stripes<K, V> {
    /// Uses the value of a key.
    #[inline]
    pub(super) fn used<Q, T>(&self, key: &Q, look: impl FnOnce(&V) -> T) -> Option<T>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let stripe = self.own();
        let tick = self.look(stripe);
        let known = stripe.known.read().unwrap_or_else(PoisonError::into_inner);
        let entry = &known.get(&Asked(key) as &dyn Keyed<Q>)?.0;
        entry.touch(tick);
        Some(look(&entry.value))
    }

    /// The entry of a key, without using it.
    pub(super) fn find<Q>(&self, key: &Q) -> Option<Arc<Entry<K, V>>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let known = self.own().known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&Asked(key) as &dyn Keyed<Q>).map(|shared| Arc::clone(&shared.0))
    }

    /// Only under the lock over the places.
    pub(super) fn insert(&self, entry: &Arc<Entry<K, V>>) {
        for stripe in &self.stripes {
            let mut known = stripe.known.write().unwrap_or_else(PoisonError::into_inner);
            known.insert(Shared(Arc::clone(entry)));
            stripe.looks.store(0, Relaxed);
        }
    }

    /// Puts it in the place of the one with its key. Only under the lock over the places, by somebody who keeps the former
    /// one until that is free.
    pub(super) fn replace(&self, entry: &Arc<Entry<K, V>>) {
        for stripe in &self.stripes {
            let mut known = stripe.known.write().unwrap_or_else(PoisonError::into_inner);
            known.replace(Shared(Arc::clone(entry)));
        }
    }

    /// Only under the lock over the places, by somebody who keeps the entry until that is free: what it drops may be of
    /// the user's making.
    pub(super) fn remove(&self, entry: &Arc<Entry<K, V>>) {
        let asked = Shared(Arc::clone(entry));
        for stripe in &self.stripes {
            stripe.known.write().unwrap_or_else(PoisonError::into_inner).remove(&asked);
        }
    }
}

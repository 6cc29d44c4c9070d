//! The registry: a value for each key, at most so many.

use super::{
    Found,
    entry::Entry,
    places::{Places, Room},
    stripes::Stripes,
};
use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A bounded map from keys to values that are handles: cheap to clone, shared by who has one. See the [module](super).
///
/// ```
/// use buttress::{breaker::{Circuit, Policy, State}, keyed::Registry};
///
/// let circuits = Registry::<String, Circuit>::new(100, |circuit| circuit.state() == State::Closed);
/// let name = |key: Option<&String>| key.cloned().unwrap_or_else(|| "overflow".into());
/// let orders = circuits.get_or_make("orders", |key| Circuit::new(name(key), &Policy::new())).into_value();
/// orders.trip();
/// assert_eq!(circuits.get("orders").unwrap().state(), State::Open);
/// assert!(circuits.get("payments").is_none());
/// ```
pub struct Registry<K, V> {
    bound: usize,
    may_leave: fn(&V) -> bool,
    stripes: Stripes<K, V>,
    pub(super) places: Mutex<Places<K, V>>,
}

impl<K, V> Registry<K, V> {
    /// The largest bound.
    pub const MAX_BOUND: usize = 1 << 20;

    /// For at most `bound` values (0 is taken as 1, and what is above [`MAX_BOUND`](Self::MAX_BOUND) as that), of which
    /// those may leave of which `may_leave` says so. It is asked under a lock: it must not come back to the registry.
    pub fn new(bound: usize, may_leave: fn(&V) -> bool) -> Self {
        Self::with(bound, may_leave, Stripes::new())
    }

    pub(super) fn with(bound: usize, may_leave: fn(&V) -> bool, stripes: Stripes<K, V>) -> Self {
        let bound = bound.clamp(1, Self::MAX_BOUND);
        Self { bound, may_leave, stripes, places: Mutex::new(Places::new()) }
    }

    /// The most values that it keeps, beside the one that newcomers share.
    #[must_use]
    pub const fn bound(&self) -> usize {
        self.bound
    }

    /// How many values it keeps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places().taken.len()
    }

    /// Whether it keeps none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A `make` or `may_leave` that panics is passed on, and has changed nothing.
    fn places(&self) -> MutexGuard<'_, Places<K, V>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq, V: Clone> Registry<K, V> {
    /// The value of a key. One that is not there is made: of the key, or of `None` where it is the one that all share who
    /// find no place. That one is made once.
    ///
    /// `make` runs under a lock: it must not come back to the registry.
    #[inline]
    pub fn get_or_make<Q>(&self, key: &Q, make: impl FnOnce(Option<&K>) -> V) -> Found<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        match self.stripes.used(key, V::clone) {
            Some(value) => Found::Known(value),
            None => self.find_room(key, make),
        }
    }

    #[cold]
    fn find_room<Q>(&self, key: &Q, make: impl FnOnce(Option<&K>) -> V) -> Found<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        // Declared before the guard, and so dropped after it: the end of a value may be of the user's making.
        let mut gone = None;
        let mut places = self.places();
        // Somebody else may have made it meanwhile.
        if let Some(entry) = self.stripes.find(key) {
            return Found::Known(entry.value.clone());
        }
        let room = places.look(self.bound, self.may_leave);
        if room == Room::None {
            let first = !mem::replace(&mut places.overflowing, true);
            let value = places.overflow.get_or_insert_with(|| make(None)).clone();
            return Found::Overflow { value, first };
        }
        let key = key.to_owned();
        let value = make(Some(&key));
        let entry = Arc::new(Entry::new(key, value.clone(), self.stripes.advance()));
        if let Room::Of(at) = room {
            let idle = places.taken.swap_remove(at);
            self.stripes.remove(&idle);
            gone = Some(idle);
        }
        self.stripes.insert(&entry);
        places.taken.push(entry);
        places.overflowing = false;
        drop(places);
        drop(gone);
        Found::Made(value)
    }

    /// Uses the value of a key where it is, without a clone; `None` where there is none.
    ///
    /// `look` runs under a lock that others can share: it must be short, and must not come back to the registry.
    #[inline]
    pub fn with_known<Q, T>(&self, key: &Q, look: impl FnOnce(&V) -> T) -> Option<T>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.stripes.used(key, look)
    }

    /// The value of a key, if there is one. A look from outside, such as a dashboard's, is no use: it keeps nobody from
    /// leaving.
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.stripes.find(key).map(|entry| entry.value.clone())
    }

    /// Takes the value of a key out, whether or not it may leave.
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut places = self.places();
        let entry = self.stripes.find(key)?;
        places.taken.retain(|taken| !Arc::ptr_eq(taken, &entry));
        self.stripes.remove(&entry);
        drop(places);
        Some(entry.value.clone())
    }

    /// The value that those share who find no place, made by `make` if it has not been.
    pub fn overflow(&self, make: impl FnOnce() -> V) -> V {
        self.places().overflow.get_or_insert_with(make).clone()
    }

    /// Asks of every value, and of the one that newcomers share, whether another shall take its place: where `renew` gives
    /// one, it is found from then on, as lately used as the former was.
    ///
    /// `renew` runs under a lock: it must not come back to the registry. If it panics, those before it have been renewed.
    ///
    /// ```
    /// use buttress::keyed::Registry;
    ///
    /// let limits = Registry::<String, u32>::new(100, |_| true);
    /// limits.get_or_make("orders", |_| 5);
    /// limits.get_or_make("payments", |_| 7);
    /// limits.renew(|limit| (*limit > 6).then_some(6));
    /// assert_eq!((limits.get("orders"), limits.get("payments")), (Some(5), Some(6)));
    /// ```
    pub fn renew(&self, mut renew: impl FnMut(&V) -> Option<V>)
    where
        K: Clone,
    {
        // Declared before the guard, and so dropped after it: the end of a value may be of the user's making.
        let (mut gone, mut shared) = (Vec::new(), None);
        let mut places = self.places();
        for at in 0..places.taken.len() {
            let Some(former) = places.taken.get(at).cloned() else { break };
            if let Some(value) = renew(&former.value) {
                let entry = Arc::new(Entry::new(former.key.clone(), value, former.used()));
                self.stripes.replace(&entry);
                gone.push(mem::replace(&mut places.taken[at], entry));
                gone.push(former);
            }
        }
        if let Some(overflow) = &mut places.overflow
            && let Some(value) = renew(overflow)
        {
            shared = Some(mem::replace(overflow, value));
        }
        drop(places);
        drop((gone, shared));
    }

    /// All values, in no order, and the one that newcomers share.
    ///
    /// ```
    /// use buttress::keyed::Registry;
    ///
    /// let limits = Registry::<String, u32>::new(1, |_| false);
    /// limits.get_or_make("orders", |_| 5);
    /// limits.get_or_make("payments", |_| 7);
    /// assert_eq!(limits.values(), [5, 7]);
    /// ```
    #[must_use]
    pub fn values(&self) -> Vec<V> {
        let places = self.places();
        let own = places.taken.iter().map(|entry| entry.value.clone());
        own.chain(places.overflow.clone()).collect()
    }

    /// All keys and values, in no order; without the one that newcomers share.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(K, V)>
    where
        K: Clone,
    {
        let places = self.places();
        places.taken.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect()
    }
}

impl<K, V> fmt::Debug for Registry<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("bound", &self.bound)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

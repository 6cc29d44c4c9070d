//! A budget for each host, each route, each key: made when first asked for, at most so many.

use super::{Budget, Rule};
use crate::{
    keyed::{Found, Registry},
    rejected::Name,
    telemetry::{Event, Observed, Observer},
};
use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// [`Budget`]s by key, of one rule. Clones are the same budgets.
///
/// The trouble: a client of many hosts with one budget lets the host that is down spend what the others may need. Here each
/// key has a budget of its own, from its first call on.
///
/// There are at most so many keys. When all places are taken, a newcomer gets that of the key that was idle longest, of
/// those whose budget is as good as a new one. If there is none, newcomers share one more budget,
/// [`overflow`](Self::overflow), and [`Event::Overflow`] says so once, until a newcomer finds a place again.
///
/// Keys are hosts or routes. Never key by path, user or id: each key is a name, and so a label in your metrics and a word
/// in your logs. The bound holds that damage down, no more.
///
/// ```
/// use buttress::budget::{Bucket, Extra, KeyedBudgets};
///
/// let budgets: KeyedBudgets = KeyedBudgets::new(100, Bucket::new().capacity(1));
/// let mut call = budgets.get("orders:80").open();
/// assert!(call.take(Extra::Retry) && !call.take(Extra::Retry));
/// assert!(budgets.get("payments:80").open().take(Extra::Retry));
/// assert_eq!(budgets.known("orders:80").unwrap().tokens(), Some(0.0));
/// ```
pub struct KeyedBudgets<K = String> {
    shared: Arc<Shared<K>>,
}

struct Shared<K> {
    registry: Arc<Registry<K, Budget>>,
    /// Of all handles over one registry.
    rule: Arc<Mutex<Rule>>,
    name_of: Naming<K>,
    overflow: Name,
    observed: Observed,
}

type Naming<K> = Arc<dyn Fn(&K) -> Name + Send + Sync>;

fn lock(rule: &Mutex<Rule>) -> MutexGuard<'_, Rule> {
    rule.lock().unwrap_or_else(PoisonError::into_inner)
}

const OVERFLOW: Name = Name::fixed("overflow");

impl<K> KeyedBudgets<K> {
    /// A budget of that rule for each of at most `bound` keys, named as the keys are written. A bound of 0 is taken as 1, and
    /// one above [`Registry::MAX_BOUND`] as that.
    #[must_use]
    pub fn new(bound: usize, rule: impl Into<Rule>) -> Self
    where
        K: fmt::Display + 'static,
    {
        Self::named_by(bound, rule, K::to_string)
    }

    /// The same, named by a function of the key: where keys are no text, or where two sets of budgets have some in common. It
    /// is called under a lock, and must not ask for budgets.
    ///
    /// ```
    /// use buttress::budget::{KeyedBudgets, Rule};
    ///
    /// let shards = KeyedBudgets::named_by(16, Rule::default(), |shard: &u8| format!("users-{shard}"));
    /// assert_eq!(shards.get(&7).name().as_str(), "users-7");
    /// ```
    #[must_use]
    pub fn named_by<N: Into<Name>>(
        bound: usize,
        rule: impl Into<Rule>,
        name_of: impl Fn(&K) -> N + Send + Sync + 'static,
    ) -> Self {
        let registry = Arc::new(Registry::new(bound, Budget::is_fresh));
        let name_of: Naming<K> = Arc::new(move |key| name_of(key).into());
        let (rule, observed) = (Arc::new(Mutex::new(rule.into())), Observed::new());
        Self { shared: Arc::new(Shared { registry, rule, name_of, overflow: OVERFLOW, observed }) }
    }

    /// The name of the budget that newcomers share, `"overflow"` where nothing is said. For this handle and the clones that
    /// are made of it from now on, and only as long as that budget has not been made.
    #[must_use]
    pub fn overflow_name(self, name: impl Into<Name>) -> Self {
        self.with(|shared| shared.overflow = name.into())
    }

    /// Lets `observer` hear the budgets of all keys that are made from now on, by this handle and the clones that are made
    /// of it from now on.
    #[must_use]
    pub fn observe(self, observer: impl Observer) -> Self {
        self.with(|shared| shared.observed = Observed::by(observer))
    }

    fn with(self, change: impl FnOnce(&mut Shared<K>)) -> Self {
        let Shared { registry, rule, name_of, overflow, observed } = &*self.shared;
        let mut shared = Shared {
            registry: Arc::clone(registry),
            rule: Arc::clone(rule),
            name_of: Arc::clone(name_of),
            overflow: overflow.clone(),
            observed: observed.clone(),
        };
        change(&mut shared);
        Self { shared: Arc::new(shared) }
    }

    /// The most keys that there may be, beside the budget that newcomers share.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.shared.registry.bound()
    }

    #[cfg(feature = "http")]
    /// The same for all handles over one registry, and for no other while this one lives.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.shared.registry).addr()
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.registry.len()
    }

    /// Whether there are none yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.registry.is_empty()
    }
}

impl<K: Hash + Eq> KeyedBudgets<K> {
    /// The budget of a key, made if it has not been; or the one that newcomers share. A known key costs no allocation.
    pub fn get<Q>(&self, key: &Q) -> Budget
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let Shared { registry, observed, .. } = &*self.shared;
        match registry.get_or_make(key, |key| self.make(key)) {
            Found::Known(budget) | Found::Made(budget) => budget,
            Found::Overflow { value: budget, first } => {
                if first {
                    let name = budget.name();
                    observed.emit(|| Event::overflow(name.as_str(), registry.bound()));
                }
                budget
            }
        }
    }

    fn make(&self, key: Option<&K>) -> Budget {
        let Shared { rule, name_of, overflow, observed, .. } = &*self.shared;
        let name = key.map_or_else(|| overflow.clone(), |key| name_of(key));
        Budget::of(*lock(rule)).named(name).observed(observed)
    }

    /// Another rule for all keys, for the budget that newcomers share, and for those that will be made: each gets a new
    /// budget, as full as that rule begins. Calls that are under way pay from the one that they have; who holds a handle has a
    /// budget that no new call asks.
    ///
    /// ```
    /// use buttress::budget::{Bucket, KeyedBudgets, Rule};
    ///
    /// let budgets: KeyedBudgets = KeyedBudgets::new(100, Bucket::new());
    /// assert_eq!(budgets.get("orders:80").tokens(), Some(10.0));
    /// budgets.retune(Rule::unlimited());
    /// assert_eq!(budgets.get("orders:80").tokens(), None);
    /// ```
    pub fn retune(&self, rule: impl Into<Rule>)
    where
        K: Clone,
    {
        let Shared { registry, rule: common, observed, .. } = &*self.shared;
        *lock(common) = rule.into();
        registry.renew(|budget| {
            // As it is now: of two that set it at once, both make what the later one has said.
            Some(Budget::of(*lock(common)).named(budget.name()).observed(observed))
        });
    }

    /// The budget of a key if it has been made. Such a look, from a dashboard or by hand, keeps no key from leaving.
    pub fn known<Q>(&self, key: &Q) -> Option<Budget>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shared.registry.get(key)
    }

    /// Forgets the budget of a key; the next call makes another.
    pub fn remove<Q>(&self, key: &Q) -> Option<Budget>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shared.registry.remove(key)
    }

    /// The budget that those share who find no place.
    #[must_use]
    pub fn overflow(&self) -> Budget {
        self.shared.registry.overflow(|| self.make(None))
    }

    /// All that there are, with their keys, in no order; without the one that newcomers share.
    #[must_use]
    pub fn list(&self) -> Vec<(K, Budget)>
    where
        K: Clone,
    {
        self.shared.registry.snapshot()
    }
}

impl<K> Clone for KeyedBudgets<K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<K> fmt::Debug for KeyedBudgets<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBudgets").field("registry", &self.shared.registry).finish_non_exhaustive()
    }
}

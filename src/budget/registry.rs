//! A budget for each host, each route, each key: made when first asked for, at most so many.

use super::{Budget, Rule};
use crate::{
    keyed::{Family, Kind},
    rejected::Name,
    telemetry::{Observed, Observer},
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
/// [`overflow`](Self::overflow), and [`Event::Overflow`](crate::telemetry::Event::Overflow) says so once, until a newcomer
/// finds a place again.
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
    family: Family<K, Ruled>,
}

/// Budgets of one rule.
#[derive(Clone)]
struct Ruled {
    /// Of all handles over one registry.
    rule: Arc<Mutex<Rule>>,
    observed: Observed,
}

impl Ruled {
    fn rule(&self) -> MutexGuard<'_, Rule> {
        self.rule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kind for Ruled {
    type Handle = Budget;

    fn make(&self, name: Name) -> Budget {
        Budget::of(*self.rule()).named(name).observed(&self.observed)
    }

    fn may_leave(budget: &Budget) -> bool {
        budget.is_fresh()
    }

    fn name(budget: &Budget) -> Name {
        budget.name()
    }

    fn observed(&self) -> Observed {
        self.observed.clone()
    }
}

impl<K> KeyedBudgets<K> {
    /// A budget of that rule for each of at most `bound` keys, named as the keys are written. A bound of 0 is taken as 1, and
    /// one above [`Registry::MAX_BOUND`](crate::keyed::Registry::MAX_BOUND) as that.
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
        let ruled = Ruled { rule: Arc::new(Mutex::new(rule.into())), observed: Observed::new() };
        Self { family: Family::named_by(bound, ruled, name_of) }
    }

    /// The name of the budget that newcomers share, `"overflow"` where nothing is said. For this handle and the clones that
    /// are made of it from now on, and only as long as that budget has not been made.
    #[must_use]
    pub fn overflow_name(self, name: impl Into<Name>) -> Self {
        Self { family: self.family.overflow_name(name.into()) }
    }

    /// Lets `observer` hear the budgets of all keys that are made from now on, by this handle and the clones that are made
    /// of it from now on.
    #[must_use]
    pub fn observe(self, observer: impl Observer) -> Self {
        Self { family: self.family.change(|ruled| ruled.observed = Observed::by(observer)) }
    }

    /// The most keys that there may be, beside the budget that newcomers share.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.family.registry().bound()
    }

    /// The same for all handles over one registry, and for no other while this one lives.
    #[cfg(feature = "http")]
    pub(crate) fn id(&self) -> usize {
        self.family.id()
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.family.registry().len()
    }

    /// Whether there are none yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.family.registry().is_empty()
    }
}

impl<K: Hash + Eq> KeyedBudgets<K> {
    /// The budget of a key, made if it has not been; or the one that newcomers share. A known key costs no allocation.
    pub fn get<Q>(&self, key: &Q) -> Budget
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.family.get(key)
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
        let ruled = self.family.kind();
        *ruled.rule() = rule.into();
        // By the rule as it is then: of two that set it at once, both make what the later one has said.
        self.family.registry().renew(|budget| Some(ruled.make(budget.name())));
    }

    /// The budget of a key if it has been made. Such a look, from a dashboard or by hand, keeps no key from leaving.
    pub fn known<Q>(&self, key: &Q) -> Option<Budget>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.family.registry().get(key)
    }

    /// Forgets the budget of a key; the next call makes another.
    pub fn remove<Q>(&self, key: &Q) -> Option<Budget>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.family.registry().remove(key)
    }

    /// The budget that those share who find no place.
    #[must_use]
    pub fn overflow(&self) -> Budget {
        self.family.overflow()
    }

    /// All that there are, with their keys, in no order; without the one that newcomers share.
    #[must_use]
    pub fn list(&self) -> Vec<(K, Budget)>
    where
        K: Clone,
    {
        self.family.registry().snapshot()
    }
}

impl<K> Clone for KeyedBudgets<K> {
    fn clone(&self) -> Self {
        Self { family: self.family.clone() }
    }
}

impl<K> fmt::Debug for KeyedBudgets<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBudgets").field("registry", &self.family).finish_non_exhaustive()
    }
}

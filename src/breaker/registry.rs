//! A circuit for each host, each route, each key: made when first asked for, at most so many.

use super::{Circuit, Permit, Policy, State};
use crate::{
    keyed::{Family, Kind},
    rejected::{Name, Rejected},
    telemetry::Observed,
};
use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Circuits by key, all under one [`Policy`]. Clones are the same circuits.
///
/// The trouble: one circuit over a client of many hosts opens for all of them when one is down. Here each key has a circuit
/// of its own, from its first call on.
///
/// There are at most so many. When all places are taken, a newcomer gets that of the closed circuit that was idle longest,
/// which is forgotten with what it had counted; calls still under way through it count for nobody. So give it room for all
/// hosts that are called within the window of a rule. What is open, half-open or forced stays. If that is all of them,
/// newcomers share one more circuit, [`overflow`](Self::overflow), and
/// [`Event::Overflow`](crate::telemetry::Event::Overflow) says so once, until a newcomer finds a place again.
///
/// Keys are hosts or routes. Never key by path, user or id: each key is the name of a circuit, and so a label in your
/// metrics and a word in your logs. The bound holds that damage down, no more.
///
/// ```
/// use buttress::breaker::{Circuits, Policy, State};
///
/// let circuits: Circuits = Circuits::new(100, &Policy::new());
/// circuits.get("orders:80").trip();
/// assert_eq!(circuits.admit("orders:80").unwrap_err().name(), "orders:80");
/// assert!(circuits.admit("payments:80").is_ok());
///
/// let mut states: Vec<_> = circuits.list().into_iter().map(|(host, circuit)| (host, circuit.state())).collect();
/// states.sort_by(|one, other| one.0.cmp(&other.0));
/// assert_eq!(states, [("orders:80".into(), State::Open), ("payments:80".into(), State::Closed)]);
/// ```
pub struct Circuits<K = String> {
    family: Family<K, Arc<Tuning>>,
}

/// The policy of the circuits that will be made: of all handles over one registry.
struct Tuning {
    policy: Mutex<Policy>,
    /// One after the other: else the circuits that there are would get the one policy, and those that come the other.
    turn: Mutex<()>,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tuning {
    fn policy(&self) -> Policy {
        lock(&self.policy).clone()
    }
}

impl Kind for Arc<Tuning> {
    type Handle = Circuit;

    fn make(&self, name: Name) -> Circuit {
        Circuit::untold(name, &self.policy())
    }

    /// What is open, half-open or forced is worth more than a newcomer.
    fn may_leave(circuit: &Circuit) -> bool {
        circuit.state() == State::Closed
    }

    fn name(circuit: &Circuit) -> Name {
        circuit.name()
    }

    fn observed(&self) -> Observed {
        lock(&self.policy).settings.observed.clone()
    }

    fn tell(circuit: &Circuit) {
        circuit.tell();
    }
}

impl<K> Circuits<K> {
    /// At most `bound` circuits, named as their keys are written. 0 is taken as 1, and what is above
    /// [`Registry::MAX_BOUND`](crate::keyed::Registry::MAX_BOUND) as that.
    #[must_use]
    pub fn new(bound: usize, policy: &Policy) -> Self
    where
        K: fmt::Display + 'static,
    {
        Self::named_by(bound, policy, K::to_string)
    }

    /// The same, named by a function of the key: where keys are no text, or where two sets of circuits have some in
    /// common. It is called under a lock, and must not ask for a circuit.
    ///
    /// ```
    /// use buttress::breaker::{Circuits, Policy};
    ///
    /// let shards = Circuits::named_by(16, &Policy::new(), |shard: &u8| format!("users-{shard}"));
    /// assert_eq!(shards.get(&7).name().as_str(), "users-7");
    /// ```
    #[must_use]
    pub fn named_by<N: Into<Name>>(
        bound: usize,
        policy: &Policy,
        name_of: impl Fn(&K) -> N + Send + Sync + 'static,
    ) -> Self {
        let tuning = Arc::new(Tuning { policy: Mutex::new(policy.clone()), turn: Mutex::default() });
        Self { family: Family::named_by(bound, tuning, name_of) }
    }

    /// The name of the circuit that newcomers share, `"overflow"` where nothing is said. For this handle and the clones that
    /// are made of it from now on, and only as long as that circuit has not been made.
    #[must_use]
    pub fn overflow_name(self, name: impl Into<Name>) -> Self {
        Self { family: self.family.overflow_name(name.into()) }
    }

    /// The most that there may be, beside the one that newcomers share.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.family.registry().bound()
    }

    /// How many there are.
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

impl<K: Hash + Eq> Circuits<K> {
    /// The circuit of a key, made if it has not been; or the one that newcomers share.
    pub fn get<Q>(&self, key: &Q) -> Circuit
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.family.get(key)
    }

    /// Asks the circuit of a key for one call, which begins now. Where that circuit is there and closed, this counts no
    /// reference and allocates nothing.
    ///
    /// # Errors
    /// The circuit's rejection, with its name and the time that it stays open.
    pub fn admit<Q>(&self, key: &Q) -> Result<Permit, Rejected>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.ask(key).map(Permit::begun)
    }

    /// The same for who says when the call begins.
    #[inline]
    pub(super) fn ask<Q>(&self, key: &Q) -> Result<Permit, Rejected>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        // While the lock is held the circuit has its slot; what is not said in a word is said after it.
        let asked = self.family.registry().with_known(key, |circuit| {
            let slot = circuit.slot();
            slot.passes().map(|generation| Permit::new(slot, generation, None)).ok_or_else(|| circuit.clone())
        });
        match asked {
            Some(Ok(permit)) => Ok(permit),
            Some(Err(circuit)) => circuit.ask(),
            None => self.get(key).ask(),
        }
    }

    /// The circuit of a key if it has been made. Such a look, from a dashboard or by hand, keeps no circuit from leaving.
    pub fn known<Q>(&self, key: &Q) -> Option<Circuit>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.family.registry().get(key)
    }

    /// Forgets the circuit of a key, whatever its state; the next call makes another. Who still has the handle has a
    /// circuit that no call asks.
    pub fn remove<Q>(&self, key: &Q) -> Option<Circuit>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.family.registry().remove(key)
    }

    /// Another policy for all of them, also for the one that newcomers share and for those that will be made.
    ///
    /// Each goes on as [`Circuit::retune`] says. Where the rules need a window of another kind or size, another circuit takes
    /// the place, of the same name and in the same state: open for as long as the former would have been, with as many
    /// openings in a row. Calls that are under way through the former then count for nothing, and who has its handle has a
    /// circuit that no call asks.
    ///
    /// ```
    /// use std::time::Duration;
    /// use buttress::breaker::{Circuits, Policy, State, Trip};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let policy = Policy::new().open_for(Duration::from_secs(10));
    /// let circuits: Circuits = Circuits::new(100, &policy.clone().trip(Trip::consecutive(5)));
    /// circuits.get("orders:80").trip();
    /// tokio::time::advance(Duration::from_secs(4)).await;
    ///
    /// circuits.retune(&policy.trip(Trip::over_calls(100)));
    /// let refused = circuits.admit("orders:80").unwrap_err();
    /// assert_eq!(refused.retry_after(), Some(Duration::from_secs(6)));
    /// # }
    /// ```
    pub fn retune(&self, policy: &Policy)
    where
        K: Clone,
    {
        let tuning = self.family.kind();
        let turn = lock(&tuning.turn);
        let former = mem::replace(&mut *lock(&tuning.policy), policy.clone());
        // What was made under the former policy stands there by now: it is read under the lock that is taken here.
        self.family.registry().renew(|circuit| (!circuit.retune(policy)).then(|| circuit.renewed(policy)));
        drop(turn);
        drop(former);
    }

    /// The circuit that those share who find no place.
    #[must_use]
    pub fn overflow(&self) -> Circuit {
        self.family.overflow()
    }

    /// All that there are, with their keys, in no order; without the one that newcomers share.
    #[must_use]
    pub fn list(&self) -> Vec<(K, Circuit)>
    where
        K: Clone,
    {
        self.family.registry().snapshot()
    }
}

impl<K> Clone for Circuits<K> {
    fn clone(&self) -> Self {
        Self { family: self.family.clone() }
    }
}

impl<K> fmt::Debug for Circuits<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circuits").field("registry", &self.family).finish_non_exhaustive()
    }
}

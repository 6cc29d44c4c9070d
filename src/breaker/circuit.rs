//! The handle of a circuit: shared by clones, usable without tower.

use super::{
    Call, Permit, Policy, State, Watch,
    admit::Refused,
    owner::Owner,
    permit::now,
    slot::{Held, Slot},
    sync::Ordering,
    turn::Told,
    word::Phase,
};
use crate::{
    rejected::{Name, Reason, Rejected},
    telemetry::{Event, Why},
    window::Ratio,
};
use std::{fmt, sync::Arc, time::Duration};

/// A circuit: closed while the service behind it works, open while it does not. Clones are the same circuit.
///
/// ```
/// use buttress::{Lifted, breaker::{Circuit, Policy, State, Trip}, rejected::Reason};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let circuit = Circuit::new("payments", &Policy::new().trip(Trip::consecutive(2)));
/// for _ in 0..2 {
///     let answer = circuit.call(async { Err::<(), _>("no route to host") }).await;
///     assert_eq!(answer, Err(Lifted::Inner("no route to host")));
/// }
/// assert_eq!(circuit.state(), State::Open);
///
/// // now the future is not even polled
/// match circuit.call(async { Ok::<_, &str>("never") }).await {
///     Err(Lifted::Rejected(why)) => {
///         assert_eq!((why.reason(), why.name(), why.reached()), (Reason::Open, "payments", false));
///         assert!(why.retry_after().is_some());
///     }
///     other => panic!("{other:?}"),
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Circuit {
    pub(super) owner: Arc<Owner>,
}

impl Circuit {
    /// A closed circuit of that name, `"breaker"` where it is empty.
    #[must_use]
    pub fn new(name: impl Into<Name>, policy: &Policy) -> Self {
        let made = Self::untold(name.into(), policy);
        made.tell();
        made
    }

    /// A circuit of which nobody has been told yet: whoever listens may ask for anything, and must not be called under a
    /// lock. Whatever it tells first, it tells of this before.
    pub(super) fn untold(name: Name, policy: &Policy) -> Self {
        let name = Some(name).filter(|name| !name.as_str().is_empty());
        let name = name.unwrap_or(Name::fixed("breaker"));
        let made = Self { owner: Owner::new(name, &policy.settings, now()) };
        let slot = made.slot();
        slot.note(&mut made.cold(), State::Closed, Why::Made);
        made
    }

    /// Tells what has not been told yet.
    pub(super) fn tell(&self) {
        self.slot().tell();
    }

    /// Asks for one call, which begins now: its permit knows how long it took, where a rule asks for that.
    ///
    /// # Errors
    /// A rejection with the name of the circuit and the time that it stays open.
    #[inline]
    pub fn admit(&self) -> Result<Permit, Rejected> {
        self.ask().map(Permit::begun)
    }

    /// The same for who says when the call begins.
    pub(super) fn ask(&self) -> Result<Permit, Rejected> {
        let slot = self.slot();
        match slot.admit(now) {
            Ok(admitted) => Ok(Permit::new(slot, admitted.generation, admitted.probe)),
            Err(refused) => Err(self.reject(refused)),
        }
    }

    /// Runs `future` through the circuit: every `Err` is a failure. For finer judgement, take a permit.
    ///
    /// # Errors
    /// What the future says, or the circuit's rejection.
    pub fn call<F, T, E>(&self, future: F) -> Call<F>
    where
        F: Future<Output = Result<T, E>>,
    {
        Call::new(self, future)
    }

    /// What it is now. A circuit whose open time is over stays open until the next call.
    #[must_use]
    pub fn state(&self) -> State {
        self.slot().state()
    }

    /// Its states as they come, the present one first.
    pub fn watch(&self) -> Watch {
        Watch::new(self.clone())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.owner.name.clone()
    }

    /// What it has counted in its present state; while open, what it had counted when it opened.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let slot = self.slot();
        let cold = self.cold();
        let now = now();
        let totals = slot.totals(&cold, now);
        let state = slot.state();
        let open_for = slot.until.load(Ordering::Acquire).saturating_sub(now);
        let min_calls = cold.wanted_in(state);
        Snapshot {
            state,
            calls: totals.calls,
            failed: totals.failed,
            slow: totals.slow,
            failures_in_a_row: slot.word.load().run(),
            openings_in_a_row: cold.seen().map_or(0, |more| more.openings),
            rejected: slot.refused.load(Ordering::Relaxed),
            open_for: (state == State::Open).then_some(Duration::from_nanos(open_for)),
            min_calls,
        }
    }

    /// Opens, as if a rule had been broken: it comes back as usual. Nothing where the state is forced.
    pub fn trip(&self) {
        self.by_hand(|slot, cold, now| slot.open(cold, Why::ByHand, None, now));
    }

    /// Opens for so long (at least a millisecond, at most thirty years); it comes back as usual. Nothing where the state is forced.
    pub fn open_for(&self, time: Duration) {
        self.by_hand(|slot, cold, now| slot.open_for(cold, Why::ByHand, time, now));
    }

    /// Closes, and forgets what was counted. Nothing where the state is forced.
    pub fn reset(&self) {
        self.by_hand(|slot, cold, now| slot.force(cold, Phase::Closed, now));
    }

    /// Refuses every call until [`auto`](Self::auto).
    pub fn force_open(&self) {
        self.force(Phase::ForcedOpen);
    }

    /// Lets every call through until [`auto`](Self::auto), and goes on counting.
    pub fn force_closed(&self) {
        self.force(Phase::ForcedClosed);
    }

    /// As though it were not there, until [`auto`](Self::auto): lets every call through, counts and tells nothing.
    pub fn disable(&self) {
        self.force(Phase::Disabled);
    }

    /// Gives a forced circuit back to itself: closed, with nothing counted. Nothing where the state is not forced.
    pub fn auto(&self) {
        let slot = self.slot();
        let mut cold = self.cold();
        let told = slot.is_forced().then(|| slot.force(&mut cold, Phase::Closed, now()));
        drop(cold);
        told.into_iter().for_each(|told| told.say(slot));
    }

    fn force(&self, phase: Phase) {
        let slot = self.slot();
        let mut cold = self.cold();
        let told = (slot.word.load().phase() != phase).then(|| slot.force(&mut cold, phase, now()));
        drop(cold);
        told.into_iter().for_each(|told| told.say(slot));
    }

    fn by_hand(&self, turn: impl FnOnce(&Slot, &mut Held<'_>, u64) -> Told) {
        let slot = self.slot();
        let mut cold = self.cold();
        let told = (!slot.is_forced()).then(|| turn(slot, &mut cold, now()));
        drop(cold);
        told.into_iter().for_each(|told| told.say(slot));
    }

    /// The rejection of a call, counted and told. Where nobody listens it takes no lock: the name is the owner's.
    #[inline]
    pub(super) fn reject(&self, refused: Refused) -> Rejected {
        let slot = self.slot();
        slot.refused.fetch_add(1, Ordering::Relaxed);
        if slot.rules.is_heard() || crate::telemetry::is_installed() {
            self.tell_of_refusal();
        }
        Rejected::new(Reason::Open, self.owner.name.clone(), false).after_nanos(refused.wait)
    }

    #[cold]
    fn tell_of_refusal(&self) {
        let mut cold = self.cold();
        let introduced = self.slot().introduce(&mut cold);
        let observed = cold.settings().observed.clone();
        drop(cold);
        if introduced {
            self.tell();
        }
        observed.emit(|| Event::rejected(self.owner.name.as_str(), Reason::Open));
    }

    /// The slot's lock.
    pub(super) fn cold(&self) -> Held<'_> {
        self.owner.cold()
    }

    #[inline]
    pub(super) fn slot(&self) -> &'static Slot {
        self.owner.slot
    }
}

impl Slot {
    fn is_forced(&self) -> bool {
        matches!(self.word.load().phase(), Phase::ForcedOpen | Phase::ForcedClosed | Phase::Disabled)
    }
}

impl fmt::Debug for Circuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circuit")
            .field("name", &self.name())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// What a circuit has counted. See [`Circuit::snapshot`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// What it is.
    pub state: State,
    /// Calls in the window; while half-open, probes that have answered.
    pub calls: u32,
    /// Those among them that failed.
    pub failed: u32,
    /// Those among them that were slow.
    pub slow: u32,
    /// Failures in a row, while closed.
    pub failures_in_a_row: u32,
    /// Openings in a row, since it was last closed.
    pub openings_in_a_row: u32,
    /// Calls that it has refused since it was made.
    pub rejected: u64,
    /// While open: for how long still.
    pub open_for: Option<Duration>,
    /// How many calls a rate needs.
    min_calls: u32,
}

impl Snapshot {
    /// The share of failures; `None` while there are too few calls for a rate.
    #[must_use]
    pub fn failure_rate(&self) -> Option<Ratio> {
        self.rate(self.failed)
    }

    /// The share of slow calls; `None` while there are too few calls for a rate.
    #[must_use]
    pub fn slow_rate(&self) -> Option<Ratio> {
        self.rate(self.slow)
    }

    fn rate(&self, part: u32) -> Option<Ratio> {
        (self.calls > 0 && self.calls >= self.min_calls).then(|| Ratio::of(part.into(), self.calls.into()))
    }
}

//! What an admitted call holds until it has answered.

use super::{
    record::{Answer, Whose},
    slot::Slot,
};
use crate::{
    cause, clock,
    deadline::Deadline,
    outcome::{Class, Dropped, Outcome, Ticket},
};
use std::fmt;

/// The right to make one call, and the duty to say how it ended.
///
/// Dropped without [`record`](Self::record) it decides by the rules of [`Dropped`]: cut by a layer of ours is a timeout, a
/// panic of the inside a panic, and a caller who left nothing at all. A permit knows the generation in which it was given;
/// what it says after the circuit has turned moves nothing.
///
/// ```
/// use buttress::{breaker::{Circuit, Policy, State, Trip}, outcome::Outcome};
///
/// let circuit = Circuit::new("payments", &Policy::new().trip(Trip::consecutive(2)));
/// let late = circuit.admit().unwrap();
/// circuit.admit().unwrap().record(Outcome::FAILED);
/// drop(circuit.admit().unwrap()); // nothing happened
/// circuit.admit().unwrap().record(Outcome::FAILED);
/// assert_eq!(circuit.state(), State::Open);
/// late.record(Outcome::OK); // too late to matter
/// assert_eq!(circuit.state(), State::Open);
/// ```
#[must_use = "a permit that is dropped says that the caller left"]
pub struct Permit {
    slot: &'static Slot,
    generation: u32,
    /// Its number among the probes; [`NO_PROBE`] where it is none.
    probe: u32,
    /// When it was first found waiting, where the policy asks; 0 before.
    waiting_since: u64,
    if_dropped: Class,
    busy: bool,
    settled: bool,
    slow: bool,
    headed: bool,
}

const NO_PROBE: u32 = u32::MAX;

impl Permit {
    #[inline]
    pub(super) const fn new(slot: &'static Slot, generation: u32, probe: Option<u32>) -> Self {
        Self {
            slot,
            generation,
            probe: match probe {
                Some(number) => number,
                None => NO_PROBE,
            },
            waiting_since: 0,
            if_dropped: Class::Cancelled,
            busy: false,
            settled: false,
            slow: false,
            headed: false,
        }
    }

    /// Says how the call ended.
    #[inline]
    pub fn record(mut self, outcome: Outcome) {
        self.say(outcome);
    }

    /// The permit itself, to go along with a response; what stays behind says nothing.
    #[inline]
    pub(super) fn take(&mut self) -> Self {
        let left = Self { settled: true, ..Self::new(self.slot, self.generation, None) };
        std::mem::replace(self, left)
    }

    /// When the call begins, where the policy asks how long calls take; else 0. Reads the clock only there.
    #[inline]
    pub(super) fn started(&self) -> u64 {
        if self.slot.rules.slow_over().is_some() { now() } else { 0 }
    }

    /// The head of the response is there: with it the duration of the call ends.
    #[inline]
    pub(super) fn answered(&mut self, started: u64) {
        if started != 0 {
            self.slow = self.slot.rules.slow_over().is_some_and(|over| now().saturating_sub(started) > over);
        }
    }

    /// The call has to wait. Reads the clock the first time, and only where the policy asks.
    #[inline]
    pub(super) fn waits(&mut self) {
        if self.waiting_since == 0 && self.slot.rules.abandoned_after() != u64::MAX {
            self.waiting_since = now();
        }
    }

    fn whose(&self) -> Whose {
        let probe = Some(self.probe).filter(|probe| *probe != NO_PROBE);
        Whose { generation: self.generation, probe }
    }

    /// Says how the call ended, in place: moving a permit costs more than most of what it does.
    #[inline]
    pub(super) fn say(&mut self, outcome: Outcome) {
        let plain = outcome.class() == Class::Ok && self.probe == NO_PROBE && !self.settled;
        if plain && self.slot.is_plain() && self.slot.plain_success(self.generation) {
            self.settled = true;
        } else {
            self.say_at_length(outcome);
        }
    }

    #[inline(never)]
    fn say_at_length(&mut self, outcome: Outcome) {
        if self.settled {
            return;
        }
        self.settled = true;
        let long = !outcome.own_deadline() || self.is_old();
        self.slot.record(self.whose(), &Answer { outcome, slow: self.slow, long }, now);
    }

    /// Whether it has waited as long as one attempt may take. Where nothing says how long that is, it has.
    #[cold]
    fn is_old(&self) -> bool {
        match self.slot.rules.abandoned_after() {
            u64::MAX => true,
            limit => self.waiting_since != 0 && now().saturating_sub(self.waiting_since) >= limit,
        }
    }

    #[cold]
    fn dropped(&mut self) {
        let limited = self.slot.rules.abandoned_after() != u64::MAX;
        let outcome = Dropped {
            busy: self.busy,
            cause: cause::current(),
            deadline_passed: Deadline::current().is_some_and(|deadline| deadline.passed(clock::now())),
            abandoned: limited && self.is_old(),
            expected: Outcome::of(self.if_dropped),
        };
        self.say(outcome.outcome());
    }
}

/// The time in one word.
#[inline]
pub(super) fn now() -> u64 {
    clock::nanos(clock::now())
}

impl Ticket for Permit {
    #[inline]
    fn expect(&mut self, if_dropped: Outcome) {
        self.if_dropped = if_dropped.class();
        if self.probe == NO_PROBE || self.settled {
            return;
        }
        // A probe is answered early: by its first message, or by time after its head.
        if std::mem::replace(&mut self.headed, true) {
            if if_dropped.class() == Class::Ok {
                self.say(if_dropped);
            }
        } else {
            self.slot.probe_head(self.whose(), now());
        }
    }

    #[inline]
    fn busy(&mut self, now: bool) {
        self.busy = now;
    }

    #[inline]
    fn settle(self, outcome: Outcome) {
        self.record(outcome);
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        if !self.settled {
            self.dropped();
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("generation", &self.generation)
            .field("probe", &(self.probe != NO_PROBE))
            .field("settled", &self.settled)
            .finish_non_exhaustive()
    }
}

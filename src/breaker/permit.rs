//! What an admitted call holds until it has answered.

use super::{
    marks::Marks,
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
    marks: Marks,
    /// When it was first found waiting, or, where calls are timed, when it began; 0 where the policy does not ask.
    waiting_since: u64,
    /// The deadline of a call whose body is still open, and which can no longer be asked for in the drop; 0 for none.
    deadline: u64,
}

impl Permit {
    #[inline]
    pub(super) const fn new(slot: &'static Slot, generation: u32, probe: Option<u32>) -> Self {
        Self { slot, generation, marks: Marks::new(probe), waiting_since: 0, deadline: 0 }
    }

    /// Says how the call ended.
    #[inline]
    pub fn record(mut self, outcome: Outcome) {
        self.say(outcome);
    }

    /// The permit itself, to go along with a response; what stays behind says nothing.
    #[inline]
    pub(super) fn take(&mut self) -> Self {
        // Not by struct update: the rest of that would be a permit of its own, dropped here, and tell that it was left.
        let mut left = Self::new(self.slot, self.generation, None);
        left.marks.settle();
        std::mem::replace(self, left)
    }

    /// For who is asked without a service: nothing else will say when the call began.
    pub(super) fn begun(mut self) -> Self {
        self.begin();
        self.waits();
        self
    }

    /// The call begins. Reads the clock only where the policy asks how long calls take.
    #[inline]
    pub(super) fn begin(&mut self) {
        if self.slot.rules.is_timed() && self.slot.counts.slow_over() != u64::MAX {
            self.waiting_since = now();
            self.marks.set_timed();
        }
    }

    /// The head of the response is there: with it the duration of the call ends.
    fn end_duration(&mut self) {
        if self.marks.head() || !self.marks.is_timed() {
            return;
        }
        let took = now().saturating_sub(self.waiting_since);
        if self.slot.rules.is_timed() && took > self.slot.counts.slow_over() {
            self.marks.set_slow();
        }
    }

    /// The call has to wait. Reads the clock the first time, and only where the policy asks.
    #[inline]
    pub(super) fn waits(&mut self) {
        if self.waiting_since == 0 && self.slot.rules.is_limited() {
            self.waiting_since = now();
        }
    }

    fn whose(&self) -> Whose {
        Whose { generation: self.generation, probe: self.marks.probe() }
    }

    /// Says how the call ended, in place: moving a permit costs more than most of what it does.
    #[inline]
    pub(super) fn say(&mut self, outcome: Outcome) {
        if self.marks.is_plain() && self.slot.is_plain() {
            if outcome.class() == Class::Ok && self.slot.plain_success(self.generation) {
                return self.marks.settle();
            }
            if outcome.class() == Class::Failed {
                self.marks.settle();
                return self.slot.plain_failure(self.generation, outcome);
            }
        }
        self.say_at_length(outcome);
    }

    #[inline(never)]
    fn say_at_length(&mut self, outcome: Outcome) {
        if self.marks.is_settled() {
            return;
        }
        self.marks.settle();
        self.end_duration();
        let long = !outcome.own_deadline() || self.is_old();
        self.slot.record(self.whose(), &Answer { outcome, slow: self.marks.is_slow(), long }, now);
    }

    /// Whether it has waited as long as one attempt may take. Where nothing says how long that is, it has.
    #[cold]
    fn is_old(&self) -> bool {
        match self.slot.counts.abandoned_after() {
            u64::MAX => true,
            limit => self.waiting_since != 0 && now().saturating_sub(self.waiting_since) >= limit,
        }
    }

    #[cold]
    fn dropped(&mut self) {
        let limited = self.slot.rules.is_limited();
        let open_body =
            Some(self.deadline).filter(|end| *end != 0).map(|end| Deadline::at(clock::from_nanos(end)));
        let deadline = Deadline::earlier(open_body, Deadline::current());
        let outcome = Dropped {
            busy: self.marks.is_busy(),
            cause: cause::current(),
            deadline_passed: deadline.is_some_and(|deadline| deadline.passed(clock::now())),
            abandoned: limited && self.is_old(),
            expected: Outcome::of(self.marks.if_dropped()),
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
    fn expect(&mut self, if_dropped: Outcome) {
        let class = if_dropped.class();
        self.marks.set_if_dropped(class);
        let headed = self.marks.is_headed();
        self.end_duration();
        if class == Class::Cancelled {
            // Nothing good has come yet, and the body will be dropped outside of the call's scope.
            self.deadline = Deadline::current().map_or(0, |deadline| clock::nanos(deadline.instant()));
            self.waits();
        }
        if self.marks.probe().is_none() || self.marks.is_settled() {
            return;
        }
        // A probe is answered early: by its first message, or by time after its head.
        if headed {
            if class == Class::Ok {
                self.say(if_dropped);
            }
        } else {
            self.slot.probe_head(self.whose(), self.marks.is_slow(), now());
        }
    }

    #[inline]
    fn busy(&mut self, now: bool) {
        self.marks.set_busy(now);
    }

    #[inline]
    fn settle(self, outcome: Outcome) {
        self.record(outcome);
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        if !self.marks.is_settled() {
            self.dropped();
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("generation", &self.generation)
            .field("marks", &self.marks)
            .finish_non_exhaustive()
    }
}

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
use std::{fmt, mem};

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
pub struct Permit(Hold);

/// What a permit is made of. It can be copied, so that it is only put into memory where it is dropped unsettled.
#[derive(Clone, Copy)]
struct Hold {
    slot: &'static Slot,
    marks: Marks,
    /// When it was first found waiting, or, where calls are timed, when it began; 0 where the policy does not ask.
    waiting_since: u64,
    /// The deadline of a call whose body is still open, and which can no longer be asked for in the drop; 0 for none.
    deadline: u64,
}

impl Permit {
    #[inline]
    pub(super) const fn new(slot: &'static Slot, generation: u32, probe: Option<u32>) -> Self {
        Self(Hold { slot, marks: Marks::new(generation, probe), waiting_since: 0, deadline: 0 })
    }

    /// Says how the call ended.
    #[inline]
    pub fn record(mut self, outcome: Outcome) {
        self.say(outcome);
    }

    /// The permit itself, to go along with a response; what stays behind says nothing.
    #[inline]
    pub(super) fn take(&mut self) -> Self {
        let taken = Self(self.0);
        self.0.marks.settle();
        taken
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
        self.0.begin();
    }

    /// The call has to wait. Reads the clock the first time, and only where the policy asks.
    #[inline]
    pub(super) fn waits(&mut self) {
        self.0.waits();
    }

    /// Says how the call ended, in place: moving a permit costs more than most of what it does.
    #[inline]
    pub(super) fn say(&mut self, outcome: Outcome) {
        match outcome.class() {
            Class::Ok if self.0.slot.quiet_success(self.0.marks) => self.0.marks.settle(),
            Class::Failed => self.0.say_failed(outcome),
            _ => self.0.say_at_length(outcome),
        }
    }

    /// Runs what is inside of the call. If it panics, that is how the call ends.
    #[inline]
    pub(super) fn around<T>(&mut self, inside: impl FnOnce() -> T) -> T {
        let busy = Busy(self);
        let answer = inside();
        // Still here: nothing has panicked.
        mem::forget(busy);
        answer
    }
}

/// Dropped only where the inside panics: to mark each call before and after would cost those that do not.
struct Busy<'a>(&'a mut Permit);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy(true);
    }
}

impl Hold {
    #[inline]
    fn begin(&mut self) {
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

    #[inline]
    fn waits(&mut self) {
        if self.waiting_since == 0 && self.slot.rules.is_limited() {
            self.waiting_since = now();
        }
    }

    fn whose(&self) -> Whose {
        Whose { generation: self.marks.generation(), probe: self.marks.probe() }
    }

    /// A failure of a call that is no probe and was not timed, on a circuit that nobody hears, has a way of its own.
    #[inline(never)]
    fn say_failed(&mut self, outcome: Outcome) {
        if !self.marks.is_plain() || !self.slot.is_plain() {
            return self.say_at_length(outcome);
        }
        self.marks.settle();
        let generation = self.marks.generation();
        if let Some(why) = self.slot.plain_failure(generation) {
            self.slot.judge(generation, Some(why), &Answer { outcome, slow: false, long: true }, now());
        }
    }

    #[inline(never)]
    fn say_at_length(&mut self, outcome: Outcome) {
        if self.marks.is_settled() {
            return;
        }
        let (marks, generation) = (self.marks, self.marks.generation());
        self.marks.settle();
        // A body that was left half-way after a good head, say.
        if marks.is_plain()
            && matches!(outcome.class(), Class::Ok)
            && self.slot.quiet_success(Marks::new(generation, None))
        {
            return;
        }
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
}

/// What is left of a permit that was dropped unsettled. Not as one value, which would have to be put into memory.
#[cold]
fn dropped(slot: &'static Slot, marks: Marks, waiting_since: u64, deadline: u64) {
    let mut hold = Hold { slot, marks, waiting_since, deadline };
    let limited = slot.rules.is_limited();
    let open_body = Some(deadline).filter(|end| *end != 0).map(|end| Deadline::at(clock::from_nanos(end)));
    let deadline = Deadline::earlier(open_body, Deadline::current());
    let outcome = Dropped {
        busy: marks.is_busy(),
        cause: cause::current(),
        deadline_passed: deadline.is_some_and(|deadline| deadline.passed(clock::now())),
        abandoned: limited && hold.is_old(),
        expected: Outcome::of(marks.if_dropped()),
    };
    hold.say_at_length(outcome.outcome());
}

/// The time in one word.
#[inline]
pub(super) fn now() -> u64 {
    clock::nanos(clock::now())
}

impl Ticket for Permit {
    fn expect(&mut self, if_dropped: Outcome) {
        let hold = &mut self.0;
        let class = if_dropped.class();
        hold.marks.set_if_dropped(class);
        let headed = hold.marks.is_headed();
        hold.end_duration();
        if class == Class::Cancelled {
            // Nothing good has come yet, and the body will be dropped outside of the call's scope.
            hold.deadline = Deadline::current().map_or(0, |deadline| clock::nanos(deadline.instant()));
            hold.waits();
        }
        if hold.marks.probe().is_none() || hold.marks.is_settled() {
            return;
        }
        // A probe is answered early: by its first message, or by time after its head.
        if headed {
            if class == Class::Ok {
                self.say(if_dropped);
            }
        } else {
            hold.slot.probe_head(hold.whose(), hold.marks.is_slow(), now());
        }
    }

    #[inline]
    fn busy(&mut self, now: bool) {
        self.0.marks.set_busy(now);
    }

    #[inline]
    fn settle(self, outcome: Outcome) {
        self.record(outcome);
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        if !self.0.marks.is_settled() {
            let Hold { slot, marks, waiting_since, deadline } = self.0;
            dropped(slot, marks, waiting_since, deadline);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("generation", &self.0.marks.generation())
            .field("marks", &self.0.marks)
            .finish_non_exhaustive()
    }
}

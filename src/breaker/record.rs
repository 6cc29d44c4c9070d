//! What an answer does to the state.

use super::{
    buckets::Found,
    counts::Counts,
    permit,
    probe::Decision,
    ring::Totals,
    slot::Slot,
    turn::{Told, pass_on},
    word::{Counted, Phase},
};
use crate::{
    outcome::{Class, Outcome},
    telemetry::{self, Event, Why},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

/// Whose answer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whose {
    pub(super) generation: u32,
    pub(super) probe: Option<u32>,
}

/// An answer, as a circuit reads it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    /// It took strictly longer than the slow rule allows.
    pub(super) slow: bool,
    /// It was under way at least as long as one attempt may be: then the caller's own deadline was not too short.
    pub(super) long: bool,
}

/// What an outcome is to a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Success,
    Failure,
    /// Counts in the rate, but neither lengthens nor ends a run of failures.
    Throttled,
    Nothing,
}

impl Answer {
    const fn effect(&self) -> Effect {
        match self.outcome.class() {
            Class::Ok => Effect::Success,
            Class::Throttled => Effect::Throttled,
            Class::Rejected | Class::Cancelled => Effect::Nothing,
            Class::TimedOut if self.outcome.own_deadline() && !self.long => Effect::Nothing,
            Class::Failed | Class::Panicked | Class::TimedOut => Effect::Failure,
        }
    }

    /// How long the service asks to be left alone; what has gone well asks for nothing.
    fn hint(&self) -> Option<Duration> {
        self.outcome.retry_after().filter(|_| self.effect() != Effect::Success)
    }
}

impl Slot {
    /// Records an answer. The clock is read only where a rule needs it.
    #[inline]
    pub(super) fn record(&self, whose: Whose, answer: &Answer, clock: impl Fn() -> u64) {
        if self.rules.is_heard() || telemetry::is_installed() {
            self.tell_of_call(whose, answer);
        }
        if let Some(number) = whose.probe {
            return self.record_probe(whose.generation, number, answer, clock());
        }
        let generation = whose.generation;
        let failed = match answer.effect() {
            Effect::Success if self.word.end_run(generation) => false,
            Effect::Failure => {
                let opens = self.count_failure(generation, answer.slow, &clock);
                if opens.is_some() || self.rules.has_own() {
                    self.judge(generation, opens, answer, clock());
                }
                return;
            }
            Effect::Throttled if self.word.load().counts(generation) => true,
            // The others are late, or the circuit is disabled.
            Effect::Nothing | Effect::Success | Effect::Throttled => return,
        };
        let opens = match &self.counts {
            Counts::None(_) => None,
            Counts::Ring(ring) => {
                ring.record(generation, failed, answer.slow).and_then(|totals| self.rules.totals_open(totals))
            }
            Counts::Buckets(_) => self.record_in_time(generation, failed, answer.slow, clock()),
        };
        if opens.is_some() || self.rules.has_own() {
            self.judge(generation, opens, answer, clock());
        }
    }

    /// A failure where nobody asks for slow calls: the rule that it breaks.
    #[inline]
    pub(super) fn plain_failure(&self, generation: u32) -> Option<Why> {
        let Counted::Run(run) = self.word.grow_run(generation) else {
            return self.count_uncounted(generation, false, permit::now());
        };
        // One after the other: told apart all at once, the windows cost more than what is done with them.
        if let Counts::Ring(ring) = &self.counts {
            return self.rules.opens(run, ring.record_failure(generation)?);
        }
        if let Counts::None(_) = &self.counts {
            return self.rules.run_opens(run, Totals::default);
        }
        self.weigh(run, generation, false, permit::now)
    }

    fn count_failure(&self, generation: u32, slow: bool, clock: impl Fn() -> u64) -> Option<Why> {
        match self.word.grow_run(generation) {
            Counted::Run(run) => self.weigh(run, generation, slow, clock),
            Counted::Stale => self.count_uncounted(generation, slow, clock()),
        }
    }

    /// A failure with which there are `run` in a row: puts it into the window, and says which rule that breaks.
    #[inline(never)]
    fn weigh(&self, run: u32, generation: u32, slow: bool, clock: impl Fn() -> u64) -> Option<Why> {
        let totals = match &self.counts {
            Counts::None(_) => return self.rules.run_opens(run, Totals::default),
            Counts::Ring(ring) => ring.record(generation, true, slow)?,
            Counts::Buckets(timed) => {
                match timed.buckets.record(generation, timed.bucket(clock()), true, slow) {
                    Found::Stale | Found::Quiet => return None,
                    Found::Uneasy(totals) => totals,
                }
            }
        };
        self.rules.opens(run, totals)
    }

    /// Forced closed counts as well, and opens for nothing.
    #[cold]
    fn count_uncounted(&self, generation: u32, slow: bool, now: u64) -> Option<Why> {
        if self.word.load().counts(generation) {
            match &self.counts {
                Counts::None(_) => {}
                Counts::Ring(ring) => drop(ring.record(generation, true, slow)),
                Counts::Buckets(_) => drop(self.record_in_time(generation, true, slow, now)),
            }
        }
        None
    }

    #[inline]
    fn record_in_time(&self, generation: u32, failed: bool, slow: bool, now: u64) -> Option<Why> {
        let Counts::Buckets(timed) = &self.counts else { return None };
        match timed.buckets.record(generation, timed.bucket(now), failed, slow) {
            Found::Uneasy(totals) => self.rules.totals_open(totals),
            Found::Quiet | Found::Stale => None,
        }
    }

    /// A rule has been broken, or there is one that has to be asked under the lock.
    #[cold]
    pub(super) fn judge(&self, generation: u32, opens: Option<Why>, answer: &Answer, now: u64) {
        let Some(mut cold) = self.cold() else { return };
        // Whoever was first has turned the state, and the rest are of an earlier generation.
        if !self.word.load().is_closed_of(generation) {
            return;
        }
        let at = crate::clock::from_nanos(now);
        // A panic in there must not keep a built-in rule from opening.
        let own = cold.rare().and_then(|more| more.own.as_mut());
        let asked =
            own.map_or(Ok(false), |own| catch_unwind(AssertUnwindSafe(|| own.record(at, &answer.outcome))));
        let (own, panic) = match asked {
            Ok(opens) => (opens.then_some(Why::OwnRule), None),
            Err(panic) => (None, Some(panic)),
        };
        let told = opens.or(own).map(|why| self.open(&mut cold, why, answer.hint(), now));
        drop(cold);
        told.into_iter().for_each(|told| told.say(self));
        pass_on(panic);
    }

    #[cold]
    fn record_probe(&self, generation: u32, number: u32, answer: &Answer, now: u64) {
        let told = {
            let Some(mut cold) = self.cold() else { return };
            let word = self.word.load();
            if (word.generation(), word.phase()) != (generation, Phase::HalfOpen) {
                return;
            }
            let Some(probes) = cold.rare().and_then(|more| more.probes.as_mut()) else { return };
            let decision = match answer.effect() {
                Effect::Nothing => {
                    probes.release(number);
                    None
                }
                Effect::Success => probes.settle(number, false, answer.slow),
                Effect::Failure | Effect::Throttled => probes.settle(number, true, answer.slow),
            };
            match decision {
                None | Some(Decision::Wait) => Told::moved(&mut cold),
                Some(Decision::Close) => self.close(&mut cold, Why::Probes, now),
                Some(Decision::Open) => self.open(&mut cold, Why::Probes, answer.hint(), now),
            }
        };
        told.say(self);
    }

    /// The response of a probe has begun well.
    #[cold]
    pub(super) fn probe_head(&self, whose: Whose, slow: bool, now: u64) {
        let Some(mut cold) = self.cold() else { return };
        if self.word.load().generation() == whose.generation
            && let (Some(number), Some(probes)) =
                (whose.probe, cold.rare().and_then(|more| more.probes.as_mut()))
        {
            probes.head(number, now, slow);
            let moved = Told::moved(&mut cold);
            drop(cold);
            moved.say(self);
        }
    }

    #[cold]
    fn tell_of_call(&self, whose: Whose, answer: &Answer) {
        let Some(mut cold) = self.cold() else { return };
        let word = self.word.load();
        // A late answer of a former owner must not be told under the name of this one.
        let age_of = |generation: u32| word.generation().wrapping_sub(generation);
        // A disabled circuit is as though it were not there.
        if word.phase() == Phase::Disabled || age_of(whose.generation) > age_of(cold.owner().born) {
            return;
        }
        let introduced = self.introduce(&mut cold);
        let observed = cold.settings().observed.clone();
        let owner = cold.free();
        if introduced {
            self.tell();
        }
        observed.emit(|| Event::call(owner.name.as_str(), answer.outcome.class()));
    }
}

//! How the state turns: one thread at a time, under the slot's lock, and told once the lock is free.

use super::{
    State,
    counts::Counts,
    more::More,
    news::News,
    policy::Settings,
    probe::{Judge, Probes, Rules as ProbeRules},
    ring::Totals,
    slot::{Held, Slot},
    sync::Ordering,
    word::Phase,
};
use crate::telemetry::{self, Why};
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    task::Waker,
    time::Duration,
};

/// The shortest open time.
const MIN_OPEN: u64 = 1_000_000;
/// The longest: thirty years, which every clock can hold.
const MAX_OPEN: u64 = 60 * 60 * 24 * 365 * 30 * 1_000_000_000;

/// A turn that was made. Its event stands in the row; to be said once the lock is free.
#[must_use = "a turn is told once the lock is free"]
pub(super) struct Told {
    waiting: Vec<Waker>,
    panic: Option<Panic>,
}

/// What a rule of the user's own has thrown. The turn is made and told before it goes on to the caller.
pub(super) type Panic = Box<dyn Any + Send>;

/// Goes on with a panic of the user's; not into a second one, which would end the process.
pub(super) fn pass_on(panic: Option<Panic>) {
    if let Some(panic) = panic.filter(|_| !std::thread::panicking()) {
        resume_unwind(panic);
    }
}

impl Told {
    /// Nothing has turned, but a place among the probes has come free, or will sooner.
    pub(super) fn moved(cold: &mut Held<'_>) -> Self {
        Self { waiting: cold.rare().map_or_else(Vec::new, |more| more.watchers.moved()), panic: None }
    }

    pub(super) fn say(self, slot: &Slot) {
        slot.tell();
        self.waiting.into_iter().for_each(Waker::wake);
        pass_on(self.panic);
    }
}

impl Slot {
    pub(super) fn state(&self) -> State {
        match self.word.load().phase() {
            Phase::Closed | Phase::Ramping => State::Closed,
            Phase::Open => State::Open,
            Phase::HalfOpen => State::HalfOpen,
            Phase::ForcedOpen => State::ForcedOpen,
            Phase::ForcedClosed => State::ForcedClosed,
            Phase::Disabled => State::Disabled,
        }
    }

    /// Turns with an empty window; the new generation. Only under the slot's lock, or where nobody owns it.
    pub(super) fn renew(&self, phase: Phase, now: u64) -> u32 {
        self.counts.clear(self.word.load().generation().wrapping_add(1), now);
        self.word.turn(phase).generation()
    }

    /// The same, and told.
    fn turn(&self, cold: &mut Held<'_>, phase: Phase, why: Why, now: u64) -> Told {
        self.renew(phase, now);
        let panic = cold.rare().and_then(|more| {
            more.probes = None;
            more.last = Totals::default();
            catch_unwind(AssertUnwindSafe(|| more.own.as_mut().map(|own| own.clear()))).err()
        });
        Told { panic, ..self.told(cold, self.state(), why) }
    }

    /// Opens for the time that the policy gives, or for as long as the hint asks.
    pub(super) fn open(&self, cold: &mut Held<'_>, why: Why, hint: Option<Duration>, now: u64) -> Told {
        let (settings, more) = cold.more();
        let hint = hint.unwrap_or_default().min(settings.hint_cap);
        let time = more.next_open_time(settings).max(hint);
        self.turn_open(cold, why, time, now)
    }

    /// Opens for so long, whatever the policy gives.
    pub(super) fn open_for(&self, cold: &mut Held<'_>, why: Why, time: Duration, now: u64) -> Told {
        let (settings, more) = cold.more();
        more.next_open_time(settings);
        self.turn_open(cold, why, time, now)
    }

    fn turn_open(&self, cold: &mut Held<'_>, why: Why, time: Duration, now: u64) -> Told {
        let (last, last_wanted) = (self.totals(cold, now), cold.wanted_in(self.state()));
        let (_, more) = cold.more();
        (more.last, more.last_wanted, more.probes) = (last, last_wanted, None);
        let time = nanos(time).clamp(MIN_OPEN, MAX_OPEN);
        self.until.store(now.saturating_add(time), Ordering::Release);
        self.word.turn(Phase::Open);
        self.told(cold, State::Open, why)
    }

    /// The open time is over: probes are let through.
    pub(super) fn half_open(&self, cold: &mut Held<'_>, now: u64) -> Told {
        let probes = cold.new_probes();
        let told = self.turn(cold, Phase::HalfOpen, Why::TimeOver, now);
        cold.more().1.probes = Some(probes);
        told
    }

    /// It works again.
    pub(super) fn close(&self, cold: &mut Held<'_>, why: Why, now: u64) -> Told {
        cold.forget_openings();
        let ramp = cold.settings().ramp_nanos();
        self.until.store(now.saturating_add(ramp), Ordering::Release);
        self.turn(cold, if ramp == 0 { Phase::Closed } else { Phase::Ramping }, why, now)
    }

    /// By hand, until it is given back to itself.
    pub(super) fn force(&self, cold: &mut Held<'_>, phase: Phase, now: u64) -> Told {
        cold.forget_openings();
        self.turn(cold, phase, Why::ByHand, now)
    }

    /// What the present state has counted; while open, what it had counted when it opened.
    pub(super) fn totals(&self, cold: &Held<'_>, now: u64) -> Totals {
        let word = self.word.load();
        if word.phase() == Phase::Open {
            return cold.seen().map_or_else(Totals::default, |more| more.last);
        }
        if let Some(probes) = cold.seen().and_then(|more| more.probes.as_ref()) {
            let tally = probes.tally();
            return Totals { calls: tally.calls, failed: tally.failed, slow: tally.slow };
        }
        match &self.counts {
            Counts::None(_) => Totals { calls: word.run(), failed: word.run(), slow: 0 },
            Counts::Ring(ring) => ring.totals(),
            Counts::Buckets(timed) => timed.buckets.totals(word.generation(), timed.bucket(now)),
        }
    }

    fn told(&self, cold: &mut Held<'_>, to: State, why: Why) -> Told {
        self.note(cold, to, why);
        Told { waiting: cold.rare().map_or_else(Vec::new, |more| more.watchers.turned()), panic: None }
    }

    /// Where nobody has been told of this circuit yet, what it is goes into the row: an observer that was installed after it
    /// was made would not know its state before it turns. Whether that was so.
    pub(super) fn introduce(&self, cold: &mut Held<'_>) -> bool {
        let unknown = !cold.owner().told.load(Ordering::Relaxed);
        if unknown {
            self.note(cold, self.state(), Why::Made);
        }
        unknown
    }

    /// Puts it into the row of what is to be told, if anybody listens.
    pub(super) fn note(&self, cold: &mut Held<'_>, to: State, why: Why) {
        let observed = cold.settings().observed.clone();
        if observed.has_own() || telemetry::is_installed() {
            let owner = Arc::clone(cold.owner());
            owner.told.store(true, Ordering::Relaxed);
            cold.more().1.news.add(News { owner, observed, to, why });
        }
    }
}

impl More {
    /// The open time of one more opening in a row, as the policy gives it; drawn once, and remembered.
    fn next_open_time(&mut self, settings: &Settings) -> Duration {
        self.open_time = settings.open_time.delay(self.openings, &mut self.rng);
        self.openings = self.openings.saturating_add(1);
        self.open_time
    }
}

impl Held<'_> {
    /// It was closed by its probes or by hand.
    pub(super) fn forget_openings(&mut self) {
        if let Some(more) = self.rare() {
            more.openings = 0;
        }
    }

    /// Who is tried in a half-open state that begins.
    pub(super) fn new_probes(&mut self) -> Probes {
        let (settings, more) = self.more();
        let limit = settings.probe_limit.unwrap_or(more.open_time).max(Duration::from_nanos(MIN_OPEN));
        Probes::new(ProbeRules {
            at_once: settings.probes,
            judge: match settings.judge {
                None => Judge::All(settings.probes),
                Some((calls, rate)) => Judge::Rate(calls, rate),
            },
            slow_rate: settings.trip.slow.map(|(_, rate)| rate),
            probe_limit: nanos(limit).min(MAX_OPEN),
            settle_after: nanos(settings.settle_after.unwrap_or(limit / 2)).min(MAX_OPEN),
        })
    }

    /// How many calls the rate of what [`Slot::totals`] gives needs.
    pub(super) fn wanted_in(&self, state: State) -> u32 {
        match self.seen() {
            Some(more) if state == State::Open => more.last_wanted,
            Some(More { probes: Some(probes), .. }) => probes.wanted(),
            _ => self.settings().trip.effective_min_calls(),
        }
    }
}

impl Settings {
    pub(super) fn ramp_nanos(&self) -> u64 {
        nanos(self.ramp).min(MAX_OPEN)
    }
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

//! Random policies and random sequences of what can happen to a circuit.

use buttress::{
    backoff::{Backoff, Jitter},
    breaker::{Policy, Rule, Trip},
    clock::Instant,
    outcome::{Class, Outcome},
    window::Ratio,
};
use proptest::{collection::vec, option, prelude::*};
use std::time::Duration;

pub(crate) const MS: u64 = 1_000_000;

pub(crate) fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

/// Everything that a policy can be told, as plain data for the model.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) window: Window,
    pub(crate) min_calls: Option<u32>,
    pub(crate) failure_rate: Option<Ratio>,
    pub(crate) slow: Option<(u64, Ratio)>,
    /// The limit, and whether it holds only below `min_calls`.
    pub(crate) run: Option<(u32, bool)>,
    pub(crate) own: bool,
    pub(crate) open_time: Backoff,
    pub(crate) hint_cap: u64,
    pub(crate) probes: u32,
    pub(crate) judge: Option<(u32, Ratio)>,
    pub(crate) probe_limit: Option<u64>,
    pub(crate) settle_after: Option<u64>,
    pub(crate) ramp: u64,
    pub(crate) abandoned_after: Option<u64>,
    pub(crate) seed: u64,
    /// With somebody who listens; without, calls go the short way.
    pub(crate) heard: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Window {
    None,
    Calls(u32),
    Time(u64),
}

impl Plan {
    pub(crate) fn policy(&self) -> Policy {
        let mut trip = match (self.window, self.run) {
            (Window::None, Some((run, _))) => Trip::consecutive(run),
            (Window::None, None) => Trip::consecutive(u32::MAX),
            (Window::Calls(calls), _) => Trip::over_calls(calls),
            (Window::Time(length), _) => Trip::over_time(nanos(length)),
        };
        trip = match self.run {
            Some((run, true)) => trip.or_consecutive_below_min(run),
            Some((run, false)) => trip.or_consecutive(run),
            None => trip,
        };
        if let Some(calls) = self.min_calls {
            trip = trip.min_calls(calls);
        }
        if let Some(rate) = self.failure_rate {
            trip = trip.failure_rate(rate);
        }
        if let Some((over, rate)) = self.slow {
            trip = trip.slow_rate(nanos(over), rate);
        }
        if self.own {
            trip = trip.or_rule(ThirdTimeout::default);
        }
        let mut policy = Policy::new()
            .trip(trip)
            .backoff(self.open_time)
            .hint_cap(nanos(self.hint_cap))
            .probes(self.probes)
            .ramp(nanos(self.ramp))
            .seed(self.seed);
        if let Some((calls, rate)) = self.judge {
            policy = policy.judge_probes(calls, rate);
        }
        if let Some(limit) = self.probe_limit {
            policy = policy.probe_limit(nanos(limit));
        }
        if let Some(time) = self.settle_after {
            policy = policy.settle_after(nanos(time));
        }
        if let Some(time) = self.abandoned_after {
            policy = policy.abandoned_after(nanos(time));
        }
        policy
    }
}

/// A rule as a user may write it: opens at the third timeout since it was cleared.
#[derive(Default)]
pub(crate) struct ThirdTimeout(u32);

impl Rule for ThirdTimeout {
    fn record(&mut self, _: Instant, outcome: &Outcome) -> bool {
        self.0 += u32::from(outcome.class() == Class::TimedOut);
        self.0 >= 3
    }

    fn clear(&mut self) {
        self.0 = 0;
    }
}

/// What happens next. Whom it happens to is taken modulo how many there are.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Asks, and keeps the permit.
    Admit,
    /// Asks, and answers at once, so many times.
    Calls(u8, Outcome),
    Record(usize, Outcome),
    Drop(usize, End),
    Expect(usize, Class),
    /// A future through `Circuit::call`, polled once.
    Call,
    Answer(usize, Answer),
    /// What `poll_ready` does.
    Ready,
    Wait(Wait),
    Trip,
    OpenFor(u64),
    Reset,
    ForceOpen,
    ForceClosed,
    Disable,
    Auto,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Plain,
    Cut,
    Lost,
    Busy,
    PastDeadline,
    CutPastDeadline,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Good,
    Bad,
    Panic,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait {
    Nothing,
    Nanos(u64),
    /// To the end of the open time, of the ramp, or of the first probe; or so many nanoseconds past it or short of it.
    End(i8),
    Days(u16),
}

fn ratio() -> impl Strategy<Value = Ratio> {
    prop_oneof![
        Just(Ratio::ZERO),
        Just(Ratio::ONE),
        Just(Ratio::percent(50)),
        (1u64..8, 1u64..9).prop_map(|(part, whole)| Ratio::of(part, whole)),
    ]
}

fn backoff() -> impl Strategy<Value = Backoff> {
    let base = prop_oneof![Just(0), Just(MS / 2), Just(50 * MS), Just(1_000 * MS), Just(u64::MAX)];
    let jitter = prop_oneof![
        3 => Just(Jitter::None),
        1 => Just(Jitter::Full),
        1 => Just(Jitter::Proportional(Ratio::percent(10))),
    ];
    (base, 0..3u8, jitter).prop_map(|(base, kind, jitter)| {
        let base = nanos(base);
        let kind = match kind {
            0 => Backoff::constant(base),
            1 => Backoff::linear(base),
            _ => Backoff::exponential(base).factor(3.0),
        };
        kind.jitter(jitter)
    })
}

pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    let window = prop_oneof![
        2 => Just(Window::None),
        3 => (0..12u32).prop_map(Window::Calls),
        1 => Just(Window::Calls(100)),
        1 => Just(Window::Calls(u32::MAX)),
        3 => prop_oneof![Just(0), Just(10 * MS), Just(1_000 * MS), Just(777_777_777)].prop_map(Window::Time),
        1 => Just(Window::Time(u64::MAX)),
    ];
    let trip = (
        window,
        option::of(prop_oneof![8 => 0..8u32, 1 => Just(u32::MAX)]),
        option::of(ratio()),
        option::weighted(0.4, (prop_oneof![Just(0), Just(10 * MS), Just(u64::MAX)], ratio())),
        option::of((0..6u32, any::<bool>())),
        prop::bool::weighted(0.2),
    );
    let time = || prop_oneof![Just(0), Just(MS), Just(30 * MS), Just(2_000 * MS), Just(u64::MAX)];
    let back = (
        backoff(),
        prop_oneof![Just(0), Just(100 * MS), Just(u64::MAX)],
        prop_oneof![3 => Just(1u32), 3 => 0..5u32, 1 => Just(u32::MAX)],
        option::weighted(0.4, (0..6u32, ratio())),
        option::weighted(0.4, time()),
        option::weighted(0.4, time()),
        prop_oneof![3 => Just(0), 1 => Just(1), 1 => Just(500 * MS), 1 => Just(u64::MAX)],
        option::weighted(0.3, prop_oneof![Just(0), Just(20 * MS)]),
    );
    (trip, back, any::<u64>(), any::<bool>()).prop_map(|(trip, back, seed, heard)| {
        let (window, min_calls, failure_rate, slow, run, own) = trip;
        let (open_time, hint_cap, probes, judge, probe_limit, settle_after, ramp, abandoned_after) = back;
        Plan {
            window,
            min_calls,
            failure_rate,
            slow,
            run,
            own,
            open_time,
            hint_cap,
            probes,
            judge,
            probe_limit,
            settle_after,
            ramp,
            abandoned_after,
            seed,
            heard,
        }
    })
}

fn class() -> impl Strategy<Value = Class> {
    prop_oneof![
        6 => Just(Class::Ok),
        6 => Just(Class::Failed),
        2 => Just(Class::TimedOut),
        2 => Just(Class::Throttled),
        1 => Just(Class::Rejected),
        1 => Just(Class::Panicked),
        1 => Just(Class::Cancelled),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let hint = option::weighted(0.2, prop_oneof![Just(0), Just(70 * MS), Just(u64::MAX)]);
    (class(), hint, prop::bool::weighted(0.2)).prop_map(|(class, hint, own)| {
        let outcome = Outcome::of(class);
        let outcome = if own { outcome.by_own_deadline() } else { outcome };
        hint.map_or(outcome, |wait| outcome.hint(nanos(wait)))
    })
}

fn wait() -> impl Strategy<Value = Wait> {
    prop_oneof![
        1 => Just(Wait::Nothing),
        4 => (0..40u64).prop_map(|millis| Wait::Nanos(millis * MS)),
        2 => (0..2_000_000_000u64).prop_map(Wait::Nanos),
        6 => prop_oneof![Just(0i8), Just(-1), Just(1), -9..9i8].prop_map(Wait::End),
        1 => (0..9u16).prop_map(Wait::Days),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0..8usize;
    let end = prop_oneof![
        3 => Just(End::Plain),
        1 => Just(End::Cut),
        1 => Just(End::Lost),
        1 => Just(End::Busy),
        1 => Just(End::PastDeadline),
        1 => Just(End::CutPastDeadline),
    ];
    let answer = prop_oneof![Just(Answer::Good), Just(Answer::Bad), Just(Answer::Panic)];
    prop_oneof![
        12 => Just(Step::Admit),
        16 => (1..5u8, outcome()).prop_map(|(times, outcome)| Step::Calls(times, outcome)),
        12 => (who(), outcome()).prop_map(|(who, outcome)| Step::Record(who, outcome)),
        5 => (who(), end).prop_map(|(who, end)| Step::Drop(who, end)),
        4 => (who(), class()).prop_map(|(who, class)| Step::Expect(who, class)),
        4 => Just(Step::Call),
        4 => (who(), answer).prop_map(|(who, answer)| Step::Answer(who, answer)),
        3 => Just(Step::Ready),
        14 => wait().prop_map(Step::Wait),
        2 => Just(Step::Trip),
        1 => prop_oneof![Just(0), Just(90 * MS), Just(u64::MAX)].prop_map(Step::OpenFor),
        1 => Just(Step::Reset),
        1 => Just(Step::ForceOpen),
        1 => Just(Step::ForceClosed),
        1 => Just(Step::Disable),
        2 => Just(Step::Auto),
    ]
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..48)
}

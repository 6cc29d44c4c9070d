//! The circuit, written as plainly as it can be: lists of results with their times, and no cleverness.

use crate::plan::{End, MS, Plan, Window};
use buttress::{
    backoff::{Random, Rng},
    breaker::{Snapshot, State, Why},
    outcome::{Class, Outcome},
    window::Ratio,
};
use std::time::Duration;

const THIRTY_YEARS: u64 = 30 * 365 * 24 * 60 * 60 * 1_000_000_000;

/// Nanoseconds since the circuit was made.
type Nanos = u64;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Now {
    Closed,
    Ramping { until: Nanos },
    Open { until: Nanos },
    HalfOpen,
    ForcedOpen,
    ForcedClosed,
    Disabled,
}

/// A call that was let through.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    epoch: u32,
    probe: Option<u32>,
    since: Nanos,
    slow: Option<bool>,
    expected: Class,
    said: bool,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Nanos,
    failed: bool,
    slow: bool,
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    number: u32,
    since: Nanos,
    head: Option<(Nanos, bool)>,
}

/// What can be seen: state, calls, failed, slow, failures in a row, openings in a row, refused, how long still, both rates.
type Seen = (State, u32, u32, u32, u32, u32, u64, Option<Duration>, Option<Ratio>, Option<Ratio>);

pub(crate) fn seen(of: &Snapshot) -> Seen {
    (
        of.state,
        of.calls,
        of.failed,
        of.slow,
        of.failures_in_a_row,
        of.openings_in_a_row,
        of.rejected,
        of.open_for,
        of.failure_rate(),
        of.slow_rate(),
    )
}

pub(crate) struct Model<'a> {
    plan: &'a Plan,
    now: Nanos,
    state: Now,
    /// Grows with every turn.
    epoch: u32,
    run: u32,
    /// All results of this epoch, oldest first.
    results: Vec<Sample>,
    timeouts: u32,
    probes: Vec<Probe>,
    answers: Vec<Sample>,
    numbers: u32,
    /// What was counted when it opened, and how many calls a rate of that needs.
    frozen: ([u32; 3], u32),
    openings: u32,
    open_time: u64,
    rng: Rng,
    refused: u64,
    pub(crate) turns: Vec<(State, Why)>,
}

impl<'a> Model<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            now: 0,
            state: Now::Closed,
            epoch: 0,
            run: 0,
            results: Vec::new(),
            timeouts: 0,
            probes: Vec::new(),
            answers: Vec::new(),
            numbers: 0,
            frozen: ([0; 3], 0),
            openings: 0,
            open_time: 0,
            rng: Rng::seeded(plan.seed),
            refused: 0,
            turns: vec![(State::Closed, Why::Made)],
        }
    }

    pub(crate) fn wait(&mut self, time: u64) {
        self.now += time;
    }

    /// When something ends by itself.
    pub(crate) fn next_end(&self) -> Option<u64> {
        let end = match self.state {
            Now::Open { until } | Now::Ramping { until } => Some(until),
            _ => self.probes.iter().map(|probe| self.end_of(probe)).min(),
        };
        end.map(|end| end.saturating_sub(self.now))
    }

    pub(crate) fn state(&self) -> State {
        match self.state {
            Now::Closed | Now::Ramping { .. } => State::Closed,
            Now::Open { .. } => State::Open,
            Now::HalfOpen => State::HalfOpen,
            Now::ForcedOpen => State::ForcedOpen,
            Now::ForcedClosed => State::ForcedClosed,
            Now::Disabled => State::Disabled,
        }
    }

    pub(crate) fn shows(&self) -> Seen {
        let [calls, failed, slow] = self.totals();
        let wanted = match self.state {
            Now::Open { .. } => self.frozen.1,
            _ => self.wanted(),
        };
        let rate =
            |part: u32| (calls > 0 && calls >= wanted).then(|| Ratio::of(u64::from(part), u64::from(calls)));
        let open_for = match self.state {
            Now::Open { until } => Some(Duration::from_nanos(until.saturating_sub(self.now))),
            _ => None,
        };
        (
            self.state(),
            calls,
            failed,
            slow,
            self.run,
            self.openings,
            self.refused,
            open_for,
            rate(failed),
            rate(slow),
        )
    }

    // ---- what was asked for

    fn window(&self) -> Window {
        let rates = self.plan.failure_rate.is_some() || self.plan.slow.is_some();
        match self.plan.window {
            Window::None if rates => Window::Time(10_000 * MS),
            Window::Calls(calls) => Window::Calls(calls.clamp(1, 4095)),
            window => window,
        }
    }

    fn failure_rate(&self) -> Option<Ratio> {
        let unsaid = self.plan.failure_rate.is_none() && self.plan.slow.is_none();
        match self.plan.window {
            Window::Calls(_) | Window::Time(_) if unsaid => Some(Ratio::percent(50)),
            _ => self.plan.failure_rate,
        }
    }

    fn min_calls(&self) -> u32 {
        let said = self.plan.min_calls.map(|calls| calls.max(1));
        match self.window() {
            Window::Calls(size) => said.unwrap_or(size).min(size),
            _ => said.unwrap_or(20),
        }
    }

    fn probes_at_once(&self) -> u32 {
        self.plan.probes.clamp(1, 1024)
    }

    fn probes_wanted(&self) -> u32 {
        self.plan.judge.map_or(self.probes_at_once(), |(calls, _)| calls.clamp(1, 1024))
    }

    fn wanted(&self) -> u32 {
        if self.state == Now::HalfOpen { self.probes_wanted() } else { self.min_calls() }
    }

    fn probe_limit(&self) -> u64 {
        self.plan.probe_limit.unwrap_or(self.open_time).clamp(MS, THIRTY_YEARS)
    }

    fn settle_after(&self) -> u64 {
        let limit = self.plan.probe_limit.unwrap_or(self.open_time).max(MS);
        self.plan.settle_after.unwrap_or(limit / 2).min(THIRTY_YEARS)
    }

    // ---- what was counted

    /// Those of this epoch that the window still holds.
    fn in_window(&self) -> &[Sample] {
        let gone = match self.window() {
            Window::None => self.results.len(),
            Window::Calls(size) => self.results.len().saturating_sub(size as usize),
            Window::Time(length) => {
                let width = length.div_ceil(10).max(MS);
                let bucket = |at: Nanos| at / width;
                self.results.iter().take_while(|result| bucket(self.now) - bucket(result.at) >= 10).count()
            }
        };
        &self.results[gone..]
    }

    fn totals(&self) -> [u32; 3] {
        match (self.state, self.window()) {
            (Now::Open { .. }, _) => self.frozen.0,
            (Now::HalfOpen, _) => count(&self.answers),
            (_, Window::None) => [self.run, self.run, 0],
            _ => count(self.in_window()),
        }
    }

    // ---- turns

    fn turned(&mut self, state: Now, why: Why) {
        self.state = state;
        self.epoch += 1;
        self.run = 0;
        self.results.clear();
        self.timeouts = 0;
        self.probes.clear();
        self.answers.clear();
        self.turns.push((self.state(), why));
    }

    fn open(&mut self, why: Why, hint: u64) {
        let hint = hint.min(self.plan.hint_cap);
        self.open_at_least(why, |given| given.max(hint));
    }

    fn open_at_least(&mut self, why: Why, time: impl FnOnce(u64) -> u64) {
        let given = self.plan.open_time.delay(self.openings, &mut self.rng);
        self.open_time = u64::try_from(given.as_nanos()).unwrap_or(u64::MAX);
        self.openings += 1;
        self.frozen =
            (self.totals(), if let Now::Open { .. } = self.state { self.frozen.1 } else { self.wanted() });
        let until = self.now + time(self.open_time).clamp(MS, THIRTY_YEARS);
        self.turned(Now::Open { until }, why);
    }

    fn close(&mut self, why: Why) {
        self.openings = 0;
        let ramp = self.plan.ramp.min(THIRTY_YEARS);
        let state = if ramp == 0 { Now::Closed } else { Now::Ramping { until: self.now + ramp } };
        self.turned(state, why);
    }

    fn is_forced(&self) -> bool {
        matches!(self.state, Now::ForcedOpen | Now::ForcedClosed | Now::Disabled)
    }

    pub(crate) fn trip(&mut self) {
        if !self.is_forced() {
            self.open(Why::ByHand, 0);
        }
    }

    pub(crate) fn open_for(&mut self, time: u64) {
        if !self.is_forced() {
            self.open_at_least(Why::ByHand, |_| time);
        }
    }

    pub(crate) fn reset(&mut self) {
        if !self.is_forced() {
            self.openings = 0;
            self.turned(Now::Closed, Why::ByHand);
        }
    }

    pub(crate) fn force(&mut self, to: State) {
        if self.state() != to {
            self.openings = 0;
            self.turned(
                match to {
                    State::ForcedOpen => Now::ForcedOpen,
                    State::ForcedClosed => Now::ForcedClosed,
                    _ => Now::Disabled,
                },
                Why::ByHand,
            );
        }
    }

    pub(crate) fn auto(&mut self) {
        if self.is_forced() {
            self.openings = 0;
            self.turned(Now::Closed, Why::ByHand);
        }
    }

    // ---- probes

    fn end_of(&self, probe: &Probe) -> Nanos {
        match probe.head {
            Some((head, _)) => head.saturating_add(self.settle_after()),
            None => probe.since.saturating_add(self.probe_limit()),
        }
    }

    /// Those whose time is up answer, in its order.
    pub(crate) fn settle_by_time(&mut self) {
        while self.state == Now::HalfOpen {
            let ended = self.probes.iter().filter(|probe| self.end_of(probe) <= self.now).copied();
            let Some(first) = ended.min_by_key(|probe| (self.end_of(probe), probe.number)) else { return };
            self.probes.retain(|probe| probe.number != first.number);
            let why = if first.head.is_none() { Why::ProbeLimit } else { Why::Probes };
            let slow = first.head.is_some_and(|(_, slow)| slow);
            self.probe_answered(first.head.is_none(), slow, why, 0);
        }
    }

    fn probe_answered(&mut self, failed: bool, slow: bool, why_open: Why, hint: u64) {
        self.answers.push(Sample { at: self.now, failed, slow });
        let [calls, failed, slow] = count(&self.answers);
        let slow_rate = self.plan.slow.map(|(_, rate)| rate);
        let bad = match self.plan.judge {
            None => failed > 0 || slow > 0,
            Some(_) if calls < self.probes_wanted() => return,
            Some((_, rate)) => {
                reached(rate, failed, calls) || slow_rate.is_some_and(|rate| reached(rate, slow, calls))
            }
        };
        if bad {
            self.open(why_open, hint);
        } else if calls >= self.probes_wanted() {
            self.close(Why::Probes);
        }
    }

    // ---- calls

    /// Or how long to wait, where that is known.
    pub(crate) fn admit(&mut self) -> Result<Held, Option<u64>> {
        let answer = self.try_admit();
        self.refused += u64::from(answer.is_err());
        answer
    }

    fn try_admit(&mut self) -> Result<Held, Option<u64>> {
        if let Now::Open { until } = self.state
            && until <= self.now
        {
            self.turned(Now::HalfOpen, Why::TimeOver);
        }
        self.settle_by_time();
        let mut probe = None;
        match self.state {
            Now::Closed | Now::ForcedClosed | Now::Disabled => {}
            Now::ForcedOpen => return Err(None),
            Now::Open { until } => return Err(Some(until - self.now)),
            Now::Ramping { until } if until <= self.now => self.state = Now::Closed,
            Now::Ramping { until } => {
                let (left, ramp) = (until - self.now, self.plan.ramp.min(THIRTY_YEARS));
                let share = 1.0 - left as f64 / ramp as f64;
                if self.rng.unit() >= share {
                    return Err(Some(left));
                }
            }
            Now::HalfOpen => {
                let wanted = self.probes_wanted() as usize - self.answers.len();
                if self.probes.len() >= wanted.min(self.probes_at_once() as usize) {
                    return Err(self.next_end());
                }
                probe = Some(self.numbers);
                self.probes.push(Probe { number: self.numbers, since: self.now, head: None });
                self.numbers += 1;
            }
        }
        let expected = Class::Cancelled;
        Ok(Held { epoch: self.epoch, probe, since: self.now, slow: None, expected, said: false })
    }

    /// The duration of a call ends at its head.
    fn end_duration(&self, held: &mut Held) -> bool {
        let over = self.plan.slow.map_or(u64::MAX, |(over, _)| over);
        *held.slow.get_or_insert(self.now - held.since > over)
    }

    fn is_old(&self, held: &Held) -> bool {
        self.plan.abandoned_after.is_some_and(|limit| self.now - held.since >= limit)
    }

    pub(crate) fn expect(&mut self, held: &mut Held, class: Class) {
        let headed = held.slow.is_some();
        held.expected = class;
        let slow = self.end_duration(held);
        let (Some(number), false) = (held.probe, held.said) else { return };
        if headed {
            if class == Class::Ok {
                self.record(held, &Outcome::OK);
            }
        } else if held.epoch == self.epoch
            && let Some(probe) = self.probes.iter_mut().find(|probe| probe.number == number)
        {
            probe.head = Some((self.now, slow));
        }
    }

    pub(crate) fn drop(&mut self, held: &mut Held, end: End) {
        let past = matches!(end, End::PastDeadline | End::CutPastDeadline);
        let outcome = match end {
            End::Busy => Outcome::PANICKED,
            End::Lost => Outcome::CANCELLED,
            _ if past => Outcome::TIMED_OUT.by_own_deadline(),
            End::Cut => Outcome::TIMED_OUT,
            _ if self.is_old(held) && held.expected != Class::Ok => Outcome::FAILED,
            _ => Outcome::of(held.expected),
        };
        self.record(held, &outcome);
    }

    pub(crate) fn record(&mut self, held: &mut Held, outcome: &Outcome) {
        if std::mem::replace(&mut held.said, true) {
            return;
        }
        let slow = self.end_duration(held);
        let class = outcome.class();
        let too_short = outcome.own_deadline()
            && class == Class::TimedOut
            && self.plan.abandoned_after.is_some()
            && !self.is_old(held);
        let nothing = too_short || matches!(class, Class::Rejected | Class::Cancelled);
        if held.epoch != self.epoch {
            return;
        }
        let failed = class != Class::Ok;
        let hint = outcome.retry_after().filter(|_| failed).unwrap_or_default();
        let hint = u64::try_from(hint.as_nanos()).unwrap_or(u64::MAX);
        if let Some(number) = held.probe {
            let before = self.probes.len();
            self.probes.retain(|probe| probe.number != number);
            if self.probes.len() < before && !nothing {
                self.probe_answered(failed, slow, Why::Probes, hint);
            }
        } else if !nothing {
            self.counted(class, slow, hint);
        }
    }

    fn counted(&mut self, class: Class, slow: bool, hint: u64) {
        let failed = class != Class::Ok;
        if !matches!(self.state, Now::Closed | Now::Ramping { .. } | Now::ForcedClosed) {
            return;
        }
        self.results.push(Sample { at: self.now, failed, slow });
        if self.state == Now::ForcedClosed {
            return;
        }
        match class {
            Class::Ok => self.run = 0,
            Class::Throttled => {}
            _ => self.run += 1,
        }
        self.timeouts += u32::from(class == Class::TimedOut);
        let [calls, failures, slow] =
            if self.window() == Window::None { [0; 3] } else { count(self.in_window()) };
        let enough = self.window() != Window::None && calls >= self.min_calls();
        let lengthened = !matches!(class, Class::Ok | Class::Throttled);
        let by_run = self.plan.run.is_some_and(|(limit, below)| {
            lengthened && self.run >= limit.max(1) && !(below && calls >= self.min_calls())
        });
        let by_rate =
            |rate: Option<Ratio>, part| enough && rate.is_some_and(|rate| reached(rate, part, calls));
        let why = if by_run {
            Why::Consecutive
        } else if by_rate(self.failure_rate(), failures) {
            Why::FailureRate
        } else if by_rate(self.plan.slow.map(|(_, rate)| rate), slow) {
            Why::SlowRate
        } else if self.plan.own && self.timeouts >= 3 {
            Why::OwnRule
        } else {
            return;
        };
        self.open(why, hint);
    }
}

fn count(samples: &[Sample]) -> [u32; 3] {
    let of = |which: fn(&Sample) -> bool| samples.iter().filter(|sample| which(sample)).count() as u32;
    [samples.len() as u32, of(|sample| sample.failed), of(|sample| sample.slow)]
}

/// Equal is reached; by nothing, nothing is.
fn reached(rate: Ratio, part: u32, whole: u32) -> bool {
    part > 0 && u64::from(part) * 1_000_000_000 >= u64::from(rate.billionths()) * u64::from(whole)
}

//! The half-open state: a few probes, and what their answers come to.
//!
//! Plain data behind the slot's lock: the state is rare, its calls are few, and here being right is worth a lock.

use super::marks::NUMBERS;
use crate::{telemetry::Why, window::Ratio};

/// Nanoseconds of the process clock.
type Nanos = u64;

/// The half-open state of one opening.
#[derive(Debug)]
pub(super) struct Probes {
    rules: Rules,
    running: Vec<Running>,
    next: u32,
    tally: Tally,
}

/// What the half-open state is told once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// At most so many at once.
    pub(super) at_once: u32,
    pub(super) judge: Judge,
    /// Where slow calls open the circuit: this share of slow probes keeps it open.
    pub(super) slow_rate: Option<Ratio>,
    pub(super) probe_limit: Nanos,
    pub(super) settle_after: Nanos,
}

/// How answers are judged.
#[derive(Clone, Copy, Debug)]
pub(super) enum Judge {
    /// Any failure opens; so many successes close.
    All(u32),
    /// Once so many have answered, the rate decides.
    Rate(u32, Ratio),
}

#[derive(Debug)]
struct Running {
    number: u32,
    since: Nanos,
    /// When its response began well, and whether that was slow.
    head: Option<(Nanos, bool)>,
}

/// The answers so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) calls: u32,
    pub(super) failed: u32,
    pub(super) slow: u32,
}

/// What comes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// More answers are needed.
    Wait,
    /// It works again.
    Close,
    /// It does not.
    Open,
}

/// What a call finds that asks for a place among the probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Probe of this number.
    Probe(u32),
    /// No place; the eldest runs out of time in so long.
    Full(Nanos),
}

impl Probes {
    pub(super) fn new(rules: Rules) -> Self {
        Self { rules, running: Vec::new(), next: 0, tally: Tally::default() }
    }

    /// Asks for a place. What time has settled is to be looked at first.
    pub(super) fn admit(&mut self, now: Nanos) -> Place {
        if let Some(wait) = self.full(now) {
            return Place::Full(wait);
        }
        // A number that is still running is passed over when the numbers come round.
        while self.running.iter().any(|probe| probe.number == self.next) {
            self.next = (self.next + 1) % NUMBERS;
        }
        let number = self.next;
        self.next = (self.next + 1) % NUMBERS;
        self.running.push(Running { number, since: now, head: None });
        Place::Probe(number)
    }

    /// Settles those whose time is up, in the order in which it was: unanswered they have failed, well begun they have
    /// succeeded. With the reason where that opens.
    pub(super) fn look(&mut self, now: Nanos) -> (Decision, Why) {
        while let Some(at) = self.next_end().filter(|at| self.end(&self.running[*at]) <= now) {
            let head = self.running.swap_remove(at).head;
            let why = if head.is_none() { Why::ProbeLimit } else { Why::Probes };
            match self.count(head.is_none(), head.is_some_and(|(_, slow)| slow)) {
                Decision::Wait => {}
                decided => return (decided, why),
            }
        }
        (Decision::Wait, Why::Probes)
    }

    /// How long until the eldest runs out of time, where there is no place for another.
    pub(super) fn full(&self, now: Nanos) -> Option<Nanos> {
        let places = match self.rules.judge {
            // More than can still be wanted are not let through.
            Judge::Rate(calls, _) => self.rules.at_once.min(calls.saturating_sub(self.tally.calls)),
            Judge::All(wanted) => self.rules.at_once.min(wanted.saturating_sub(self.tally.calls)),
        };
        if (self.running.len() as u64) < u64::from(places) {
            return None;
        }
        Some(self.next_end().map_or(0, |at| self.end(&self.running[at]).saturating_sub(now)))
    }

    /// When its time is up.
    const fn end(&self, probe: &Running) -> Nanos {
        match probe.head {
            Some((head, _)) => head.saturating_add(self.rules.settle_after),
            None => probe.since.saturating_add(self.rules.probe_limit),
        }
    }

    /// Whose time is up first.
    fn next_end(&self) -> Option<usize> {
        (0..self.running.len()).min_by_key(|at| (self.end(&self.running[*at]), self.running[*at].number))
    }

    /// The response of this probe has begun well.
    pub(super) fn head(&mut self, number: u32, now: Nanos, slow: bool) {
        if let Some(probe) = self.running.iter_mut().find(|probe| probe.number == number) {
            probe.head.get_or_insert((now, slow));
        }
    }

    /// Gives the place back without an answer.
    pub(super) fn release(&mut self, number: u32) {
        self.take(number);
    }

    /// The answer of this probe; `None` where it was settled before.
    pub(super) fn settle(&mut self, number: u32, failed: bool, slow: bool) -> Option<Decision> {
        self.take(number).then(|| self.count(failed, slow))
    }

    /// How many answers decide.
    pub(super) fn wanted(&self) -> u32 {
        match self.rules.judge {
            Judge::All(wanted) | Judge::Rate(wanted, _) => wanted,
        }
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    fn take(&mut self, number: u32) -> bool {
        let at = self.running.iter().position(|probe| probe.number == number);
        at.map(|at| self.running.swap_remove(at)).is_some()
    }

    fn count(&mut self, failed: bool, slow: bool) -> Decision {
        self.tally.calls += 1;
        self.tally.failed += u32::from(failed);
        self.tally.slow += u32::from(slow);
        let Tally { calls, failed, slow } = self.tally;
        let reached = |part: u32, rate: Ratio| part > 0 && rate.reached_by(part.into(), calls.into());
        match self.rules.judge {
            Judge::All(_) if failed > 0 || (slow > 0 && self.rules.slow_rate.is_some()) => Decision::Open,
            Judge::All(wanted) if calls >= wanted => Decision::Close,
            Judge::Rate(wanted, rate) if calls >= wanted => {
                let opens =
                    reached(failed, rate) || self.rules.slow_rate.is_some_and(|rate| reached(slow, rate));
                if opens { Decision::Open } else { Decision::Close }
            }
            Judge::All(_) | Judge::Rate(..) => Decision::Wait,
        }
    }
}

#[cfg(test)]
mod tests;

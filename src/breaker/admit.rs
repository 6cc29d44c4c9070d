//! Who is let through.

use super::{
    probe::{Decision, Place},
    slot::{Held, Slot},
    sync::Ordering,
    turn::Told,
    word::{Phase, Word},
};
use crate::{backoff::Random, telemetry::Why};

/// A call that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Admitted {
    pub(super) generation: u32,
    /// Its number among the probes, where it is one.
    pub(super) probe: Option<u32>,
}

/// A call that was not, and in how many nanoseconds it makes sense to come again: all ones where nobody knows, as a
/// rejection keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) wait: u64,
}

impl Refused {
    /// Until somebody lets calls through again by hand.
    const BY_HAND: Self = Self { wait: u64::MAX };
}

/// What a look at the door gives.
enum Door {
    Open(Admitted),
    Shut(Refused),
    /// The state has turned meanwhile: look again.
    Turned,
}

impl Slot {
    /// Whether a call is let through now. The clock is read only where the circuit is not closed.
    #[inline]
    pub(super) fn admit(&self, clock: impl FnOnce() -> u64) -> Result<Admitted, Refused> {
        let word = self.word.load();
        match word.phase() {
            Phase::Closed | Phase::ForcedClosed | Phase::Disabled => {
                Ok(Admitted { generation: word.generation(), probe: None })
            }
            _ => self.admit_slowly(clock()),
        }
    }

    /// Whether a call would be refused now, for `poll_ready`: takes no place among the probes.
    // An open circuit is asked for every call that it refuses; the two that ask are no larger for it.
    #[inline(always)]
    pub(super) fn would_refuse(&self, clock: impl FnOnce() -> u64) -> Option<Refused> {
        match self.word.load().phase() {
            Phase::Open => self.open_for_another(clock()).map(|wait| Refused { wait }),
            Phase::Closed | Phase::ForcedClosed | Phase::Disabled | Phase::Ramping => None,
            _ => self.would_refuse_slowly(clock()),
        }
    }

    /// For an inside that failed before there was a call: the same, but no lots are drawn in a ramp.
    #[cold]
    pub(super) fn admit_unready(&self, clock: impl FnOnce() -> u64) -> Result<Admitted, Refused> {
        let word = self.word.load();
        match word.phase() {
            Phase::Ramping => Ok(Admitted { generation: word.generation(), probe: None }),
            _ => self.admit(clock),
        }
    }

    fn admit_slowly(&self, now: u64) -> Result<Admitted, Refused> {
        loop {
            let word = self.word.load();
            let (door, told) = match word.phase() {
                Phase::Closed | Phase::ForcedClosed | Phase::Disabled => {
                    return Ok(Admitted { generation: word.generation(), probe: None });
                }
                Phase::ForcedOpen => return Err(Refused::BY_HAND),
                Phase::Open => match self.open_for_another(now) {
                    Some(wait) => return Err(Refused { wait }),
                    None => self.locked(word, |cold| {
                        if self.open_for_another(now).is_some() {
                            return (Door::Turned, None);
                        }
                        let told = self.half_open(cold, now);
                        (Door::Turned, Some(told))
                    }),
                },
                Phase::HalfOpen => self.locked(word, |cold| self.try_probe(cold, word, now)),
                Phase::Ramping => self.locked(word, |cold| (self.ramped(cold, word, now), None)),
            };
            if let Some(told) = told {
                told.say(self);
            }
            match door {
                Door::Open(admitted) => return Ok(admitted),
                Door::Shut(refused) => return Err(refused),
                Door::Turned => {}
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn would_refuse_slowly(&self, now: u64) -> Option<Refused> {
        loop {
            let word = self.word.load();
            match word.phase() {
                Phase::Closed | Phase::ForcedClosed | Phase::Disabled | Phase::Ramping => return None,
                Phase::ForcedOpen => return Some(Refused::BY_HAND),
                Phase::Open => {
                    let wait = self.open_for_another(now)?;
                    return Some(Refused { wait });
                }
                Phase::HalfOpen => {
                    let (door, told) = self.locked(word, |cold| {
                        let (door, told) = self.settled_by_time(cold, now);
                        let full = || cold.seen()?.probes.as_ref()?.full(now);
                        let door = door.or_else(|| full().map(|wait| Door::Shut(Refused { wait })));
                        let free = Door::Open(Admitted { generation: word.generation(), probe: None });
                        (door.unwrap_or(free), told)
                    });
                    if let Some(told) = told {
                        told.say(self);
                    }
                    match door {
                        Door::Open(_) => return None,
                        Door::Shut(refused) => return Some(refused),
                        Door::Turned => {}
                    }
                }
            }
        }
    }

    /// Runs `look` under the lock, unless the state has turned meanwhile.
    fn locked(
        &self,
        word: Word,
        look: impl FnOnce(&mut Held<'_>) -> (Door, Option<Told>),
    ) -> (Door, Option<Told>) {
        // Whoever asks holds the circuit; without it there is nobody to let through.
        let Some(mut cold) = self.cold() else { return (Door::Shut(Refused::BY_HAND), None) };
        let now = self.word.load();
        if (now.generation(), now.phase()) != (word.generation(), word.phase()) {
            return (Door::Turned, None);
        }
        look(&mut cold)
    }

    /// How long it stays open; `None` once the time has come. Without the lock this may read the end of an opening that
    /// follows at once: the call is then refused with the longer wait, which is as true.
    #[inline]
    fn open_for_another(&self, now: u64) -> Option<u64> {
        self.until.load(Ordering::Acquire).checked_sub(now).filter(|wait| *wait > 0)
    }

    fn try_probe(&self, cold: &mut Held<'_>, word: Word, now: u64) -> (Door, Option<Told>) {
        let (door, told) = self.settled_by_time(cold, now);
        if let Some(door) = door {
            return (door, told);
        }
        let Some(probes) = cold.rare().and_then(|more| more.probes.as_mut()) else {
            return (Door::Turned, None);
        };
        let door = match probes.admit(now) {
            Place::Probe(number) => {
                Door::Open(Admitted { generation: word.generation(), probe: Some(number) })
            }
            Place::Full(wait) => Door::Shut(Refused { wait }),
        };
        (door, None)
    }

    /// Probes that time has settled decide first.
    fn settled_by_time(&self, cold: &mut Held<'_>, now: u64) -> (Option<Door>, Option<Told>) {
        let Some(probes) = cold.rare().and_then(|more| more.probes.as_mut()) else { return (None, None) };
        match probes.look(now) {
            (Decision::Wait, _) => (None, None),
            (Decision::Close, _) => (Some(Door::Turned), Some(self.close(cold, Why::Probes, now))),
            (Decision::Open, why) => (Some(Door::Turned), Some(self.open(cold, why, None, now))),
        }
    }

    /// After closing: a share of the calls that grows with the time.
    fn ramped(&self, cold: &mut Held<'_>, word: Word, now: u64) -> Door {
        let ramp = cold.settings().ramp_nanos().max(1);
        let left = self.until.load(Ordering::Acquire).saturating_sub(now);
        let admitted = Admitted { generation: word.generation(), probe: None };
        if left == 0 {
            self.word.end_ramp(word.generation());
            cold.tidy();
            return Door::Open(admitted);
        }
        let share = 1.0 - left as f64 / ramp as f64;
        let drawn = cold.more().1.rng.unit();
        if drawn < share { Door::Open(admitted) } else { Door::Shut(Refused { wait: left }) }
    }
}

#[cfg(test)]
mod tests;

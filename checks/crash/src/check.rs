//! What must be true of a run, whatever went wrong in it.

use crate::{
    Op,
    client::{Heard, Told},
    ledger::Happened,
};
use std::collections::BTreeMap;

/// What a run has come to.
#[derive(Debug, Default)]
pub struct Report {
    /// Each rule that was broken, and by which operation.
    pub broken: Vec<(Op, String)>,
    /// Operations.
    pub ops: usize,
    /// Effects beyond the first of an operation.
    pub duplicates: u32,
    /// Operations that were acknowledged and have no effect.
    pub lost: usize,
    /// Operations of which the clients were told that nobody knows.
    pub unknown: usize,
    /// Operations with an answer of which the server said that it could not write it down.
    pub unstored: usize,
    /// Operations that ran more than once as far as their effect.
    pub reran: usize,
}

impl Report {
    /// Nothing is broken.
    ///
    /// # Panics
    /// Where something is.
    #[track_caller]
    pub fn whole(&self) {
        let broken = &self.broken;
        assert!(broken.is_empty(), "{} broken, the first:\n{}", broken.len(), broken[0].1);
    }

    /// That rule is.
    ///
    /// # Panics
    /// Where it is not.
    #[track_caller]
    pub fn breaks(&self, rule: &str) {
        let found = self.broken.iter().any(|(_, broken)| broken.starts_with(rule));
        assert!(found, "{rule}: not found in {:?}", self.broken);
    }
}

/// Compares what clients were told with what has happened. `parked`: how many records the store lists as unknown.
#[must_use]
pub fn check(heard: &BTreeMap<Op, Vec<Heard>>, happened: &Happened, parked: usize) -> Report {
    let mut report = Report { ops: heard.len(), ..Report::default() };
    for (op, heard) in heard {
        let told: Vec<_> = heard.iter().map(|heard| &heard.told).collect();
        let (effects, runs) = happened.of(*op);
        let mut say = |rule: &str| {
            report.broken.push((*op, format!("{rule}: {op:?}, {effects} effects, told {heard:?}")));
        };
        let done = || heard.iter().filter(|heard| matches!(heard.told, Told::Done(_)));
        let kept = || done().filter(|heard| !heard.unstored);
        let known =
            || kept().chain(heard.iter().filter(|heard| heard.told == Told::Refused && !heard.unstored));
        if effects > 1 {
            say("I1, no more than one effect");
            report.duplicates += effects - 1;
        }
        if done().next().is_some() && effects == 0 {
            say("I2, what is acknowledged has happened");
            report.lost += 1;
        }
        if told.contains(&&Told::Refused) && (effects > 0 || done().next().is_some()) {
            say("I3, what is refused has not happened");
        }
        if kept().zip(kept().skip(1)).any(|(one, other)| one.told != other.told) {
            say("I4, all answers are one answer");
        }
        if kept().filter(|heard| !heard.replayed).count() > 1 {
            say("I4, one answer comes from a run, and the others from the record");
        }
        let is_theirs = |told: &Told| match told {
            Told::Done(body) => body == "failed" || body.starts_with(&format!("tenant {} ", op.tenant)),
            _ => true,
        };
        if !told.iter().all(|told| is_theirs(told)) {
            say("I6, nobody sees another's answer");
        }
        if told.contains(&&Told::Nothing) {
            say("I8, everybody is told in the end");
        }
        if told.contains(&&Told::Unknown) {
            let known_since = known().map(|known| known.heard).min();
            let is_late = |heard: &Heard| {
                heard.told == Told::Unknown && known_since.is_some_and(|since| since < heard.asked)
            };
            // Its owner may have come back, and known: then who asks from there on is told.
            if heard.iter().any(is_late) {
                say("I4, what is known stays known");
            }
            report.unknown += usize::from(known().next().is_none());
        }
        report.unstored += usize::from(heard.iter().any(|heard| heard.unstored));
        report.reran += usize::from(runs > 1);
    }
    if let Some(op) = happened.effects.keys().find(|op| !heard.contains_key(op)) {
        report.broken.push((*op, format!("I1, nothing happens that nobody has asked for: {op:?}")));
    }
    if report.unknown > parked {
        let op = Op { tenant: 0, number: 0 };
        report.broken.push((op, format!("I5, {} unknown and {parked} of them parked", report.unknown)));
    }
    report
}

//! What must be true of a run, whatever went wrong in it.

use crate::{
    Op,
    client::{Heard, Told},
};
use std::collections::{BTreeMap, HashMap};

/// What a run has come to.
#[derive(Debug, Default)]
pub struct Report {
    /// Each rule that was broken, and by which operation.
    pub broken: Vec<String>,
    /// Operations.
    pub ops: usize,
    /// Effects beyond the first of an operation.
    pub duplicates: u32,
    /// Operations that were acknowledged and have no effect.
    pub lost: usize,
    /// Operations of which the clients were told that nobody knows.
    pub unknown: usize,
}

/// Compares what clients were told with what has happened. `parked`: how many records the store lists as unknown.
#[must_use]
pub fn check(heard: &BTreeMap<Op, Vec<Heard>>, effects: &HashMap<Op, u32>, parked: usize) -> Report {
    let mut report = Report { ops: heard.len(), ..Report::default() };
    for (op, heard) in heard {
        let told: Vec<_> = heard.iter().map(|heard| &heard.told).collect();
        let happened = effects.get(op).copied().unwrap_or(0);
        let mut say =
            |rule: &str| report.broken.push(format!("{rule}: {op:?}, {happened} effects, told {told:?}"));
        let bodies: Vec<_> = told
            .iter()
            .filter_map(|told| if let Told::Done(body) = told { Some(body) } else { None })
            .collect();
        if happened > 1 {
            say("I1, no more than one effect");
            report.duplicates += happened - 1;
        }
        if !bodies.is_empty() && happened == 0 {
            say("I2, what is acknowledged has happened");
            report.lost += 1;
        }
        let refused = told.contains(&&Told::Refused);
        if refused && (happened > 0 || !bodies.is_empty()) {
            say("I3, what is refused has not happened");
        }
        if bodies.windows(2).any(|pair| pair[0] != pair[1]) {
            say("I4, all answers are one answer");
        }
        if bodies.iter().any(|body| *body != "failed" && !body.starts_with(&format!("tenant {} ", op.tenant)))
        {
            say("I6, nobody sees another's answer");
        }
        if told.contains(&&Told::Nothing) {
            say("I8, everybody is told in the end");
        }
        if told.contains(&&Told::Unknown) {
            let done = heard.iter().filter(|heard| matches!(heard.told, Told::Done(_)));
            let known_since = done.map(|done| done.heard).min();
            let is_late = |heard: &&Heard| {
                heard.told == Told::Unknown && known_since.is_some_and(|since| since < heard.asked)
            };
            // Its owner may have come back, and known: then who asks from there on is told.
            if heard.iter().any(|heard| is_late(&heard)) {
                say("I4, what is known stays known");
            }
            report.unknown += usize::from(bodies.is_empty());
        }
    }
    if let Some(op) = effects.keys().find(|op| !heard.contains_key(op)) {
        report.broken.push(format!("I1, nothing happens that nobody has asked for: {op:?}"));
    }
    if report.unknown > parked {
        report.broken.push(format!("I5, {} unknown and {parked} of them parked", report.unknown));
    }
    report
}

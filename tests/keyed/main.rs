//! Circuits by key: each host its own, at most so many, and what happens where there are more.

mod authority;
mod crowd;
mod hosts;
mod live;
mod told;

use buttress::{
    breaker::{Circuits, Policy, Trip},
    telemetry::{Event, Observer},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

const OPEN_FOR: Duration = Duration::from_secs(10);

/// Opens at two failures in a row, for ten seconds.
fn policy() -> Policy {
    Policy::new().trip(Trip::consecutive(2)).open_for(OPEN_FOR)
}

fn circuits(bound: usize) -> Circuits {
    Circuits::new(bound, &policy())
}

/// What was told, as words.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("not poisoned"))
    }
}

impl Observer for Heard {
    fn event(&self, event: &Event<'_>) {
        let words = match event {
            Event::Overflow { name, bound, .. } => format!("{name}: more than {bound}"),
            Event::Turned { name, to, why, .. } => format!("{name}: {} by {}", to.as_str(), why.as_str()),
            Event::Rejected { name, .. } => format!("{name}: rejected"),
            Event::Call { name, class, .. } => format!("{name}: {}", class.as_str()),
            other => panic!("not of a breaker: {other:?}"),
        };
        self.0.lock().expect("not poisoned").push(words);
    }
}

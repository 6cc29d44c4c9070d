//! What a node is told when it is started. It is a process of its own, so all of it fits into arguments.

use crate::{point::Nth, wrong::Wrong};
use buttress::idempotency::Effects;
use std::{path::PathBuf, time::Duration};

/// What a node is told.
#[derive(Clone, Debug)]
pub struct Orders {
    /// A file of SQLite, or the address of a server of PostgreSQL or Redis.
    pub store: String,
    /// What its handler would do if it ran twice.
    pub effects: Effects,
    /// Where it writes its effects; with `SameTx` into a table beside the records.
    pub ledger: PathBuf,
    /// How long a record is a node's without a sign of life.
    pub lease: Duration,
    /// Where it listens; 0 for any free port.
    pub port: u16,
    /// What goes wrong in it.
    pub faults: Faults,
    /// By how much its clock is off, in words of `faketime`: `+1h`. No argument: another program starts it.
    pub clock: Option<&'static str>,
}

/// What goes wrong in a node, or on its way to the store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// A rule that it breaks.
    pub wrong: Option<Wrong>,
    /// Of so many claims in a hundred the first answer gets lost.
    pub lost: u32,
    /// It ends itself there.
    pub ends: Option<Nth>,
    /// None of its signs of life arrives.
    pub no_renewals: bool,
    /// So long is every step on its way.
    pub slow: Duration,
}

impl Orders {
    /// As arguments.
    #[must_use]
    pub fn args(&self) -> [String; 10] {
        let Faults { wrong, lost, ends, no_renewals, slow } = self.faults;
        [
            self.store.clone(),
            word(self.effects).to_owned(),
            self.ledger.display().to_string(),
            self.lease.as_millis().to_string(),
            self.port.to_string(),
            wrong.map_or("", Wrong::name).to_owned(),
            lost.to_string(),
            ends.map_or_else(String::new, |ends| ends.to_string()),
            no_renewals.to_string(),
            slow.as_millis().to_string(),
        ]
    }

    /// From arguments.
    ///
    /// # Panics
    /// Where they are none.
    #[must_use]
    pub fn of(args: &[String]) -> Self {
        let [store, effects, ledger, lease, port, wrong, lost, ends, no_renewals, slow] = args else {
            panic!("ten words")
        };
        let all = [Effects::SameTx, Effects::Keyed, Effects::Plain];
        let millis = |text: &String| Duration::from_millis(text.parse().expect("milliseconds"));
        let there = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Self {
            store: store.clone(),
            effects: all.into_iter().find(|known| word(*known) == effects).expect("effects"),
            ledger: ledger.into(),
            lease: millis(lease),
            port: port.parse().expect("a port"),
            faults: Faults {
                wrong: there(wrong).map(|wrong| wrong.parse().expect("a wrong")),
                lost: lost.parse().expect("a share"),
                ends: there(ends).map(|ends| ends.parse().expect("a point")),
                no_renewals: no_renewals.parse().expect("yes or no"),
                slow: millis(slow),
            },
            clock: None,
        }
    }
}

/// Effects as a word.
#[must_use]
pub const fn word(effects: Effects) -> &'static str {
    match effects {
        Effects::SameTx => "same-tx",
        Effects::Keyed => "keyed",
        Effects::Plain => "plain",
    }
}

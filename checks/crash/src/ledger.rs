//! What has really happened: a line for each run of an effect, in a file that nobody takes back.

use crate::Op;
use std::{
    collections::{HashMap, HashSet},
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
};

/// A file that is only appended to.
#[derive(Clone, Debug)]
pub struct Ledger(PathBuf);

/// What has happened, and how often it was tried.
#[derive(Clone, Debug, Default)]
pub struct Happened {
    /// How often each operation has happened. Runs that carried one child key are one: whoever keeps the keys, as a service behind a
    /// `Keyed` handler does, has done it once.
    pub effects: HashMap<Op, u32>,
    /// How often each was run as far as its effect.
    pub runs: HashMap<Op, u32>,
}

impl Happened {
    /// It has happened once more, and ran for it.
    pub fn once(&mut self, op: Op) {
        *self.effects.entry(op).or_insert(0) += 1;
        *self.runs.entry(op).or_insert(0) += 1;
    }

    /// How often it has happened, and how often it ran.
    #[must_use]
    pub fn of(&self, op: Op) -> (u32, u32) {
        let count = |counts: &HashMap<Op, u32>| counts.get(&op).copied().unwrap_or(0);
        (count(&self.effects), count(&self.runs))
    }
}

/// A run without a child key.
const NO_KEY: &str = "-";

impl Ledger {
    /// In that file.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The effect: one write, so that no line is half there.
    pub fn write(&self, op: Op, key: Option<&str>) {
        let line = format!("{} {} {}\n", op.tenant, op.number, key.unwrap_or(NO_KEY));
        let mut file = OpenOptions::new().append(true).create(true).open(&self.0).expect("a ledger");
        file.write_all(line.as_bytes()).expect("written");
    }

    /// All of it.
    #[must_use]
    pub fn read(&self) -> Happened {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        let (mut happened, mut known) = (Happened::default(), HashSet::new());
        for line in text.lines() {
            let words: Vec<_> = line.split(' ').collect();
            let [tenant, number, key] = words[..] else { panic!("three words: {line}") };
            let read = |word: &str| word.parse().expect("a number");
            let op = Op { tenant: read(tenant), number: read(number) };
            if key == NO_KEY || known.insert((op, key)) {
                happened.once(op);
            } else {
                *happened.runs.entry(op).or_insert(0) += 1;
            }
        }
        happened
    }
}

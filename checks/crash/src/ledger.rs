//! What has really happened: a line for each effect, in a file that nobody takes back.

use crate::Op;
use std::{
    collections::HashMap,
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
};

/// A file that is only appended to.
#[derive(Clone, Debug)]
pub struct Ledger(PathBuf);

impl Ledger {
    /// In that file.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The effect: one write, so that no line is half there.
    pub fn write(&self, op: Op) {
        let mut file = OpenOptions::new().append(true).create(true).open(&self.0).expect("a ledger");
        file.write_all(format!("{} {}\n", op.tenant, op.number).as_bytes()).expect("written");
    }

    /// How often each has happened.
    #[must_use]
    pub fn read(&self) -> HashMap<Op, u32> {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        let mut effects = HashMap::new();
        for line in text.lines() {
            let mut words = line.split(' ').map(|word| word.parse().expect("a number"));
            let mut next = || words.next().expect("two numbers");
            *effects.entry(Op { tenant: next(), number: next() }).or_insert(0) += 1;
        }
        effects
    }
}

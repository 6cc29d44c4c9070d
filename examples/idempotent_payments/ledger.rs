//! What has really happened: a line for each payment, written by nobody but the one who pays, and never taken back.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

pub(super) struct Ledger(PathBuf);

impl Ledger {
    pub(super) fn at(dir: &Path) -> Self {
        Self(dir.join("ledger"))
    }

    /// Pays: this is the effect that must not happen twice.
    pub(super) fn pay(&self, order: &str) {
        let mut file: File = OpenOptions::new().append(true).create(true).open(&self.0).expect("a ledger");
        file.write_all(format!("{order}\n").as_bytes()).expect("written");
    }

    pub(super) fn read(&self) -> Vec<String> {
        std::fs::read_to_string(&self.0).unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

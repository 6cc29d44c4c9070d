//! The contenders as numbered cases, two each, for a bench that runs every case in a process of its own.

use crate::{Batch, Contender, Row, rows};

/// Calls of the shorter case of a contender; the longer has twice as many.
pub const CALLS: u64 = 1000;

/// How many cases there are.
#[must_use]
pub fn count() -> usize {
    names().len() * 2
}

/// The row and the contender of each pair of cases: cases `2 * i` and `2 * i + 1` are those of the `i`-th name.
#[must_use]
pub fn names() -> Vec<(&'static str, &'static str)> {
    counted(&rows::all()).map(|(row, contender)| (row.name, contender.name)).collect()
}

/// A fresh batch for a case, and the calls it is to make. Must be called inside the runtime.
///
/// # Panics
/// If there is no such case.
#[must_use]
pub fn make(case: usize) -> (Batch, u64) {
    let rows = rows::all();
    let (_, contender) = counted(&rows).nth(case / 2).expect("a case below the count");
    (contender.make(), if case.is_multiple_of(2) { CALLS } else { 2 * CALLS })
}

fn counted(rows: &[Row]) -> impl Iterator<Item = (&Row, &Contender)> {
    rows.iter()
        .flat_map(|row| row.contenders.iter().map(move |contender| (row, contender)))
        .filter(|(_, contender)| contender.counted)
}

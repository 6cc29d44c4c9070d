//! Who inside a call pays from the budget that was told of it already: a hedge inside a retry.
//!
//! Both are told that a call begins and what its attempts come to, and neither can see the other. If both told the budget, one
//! first attempt would count as two, and so would one failure. So whoever is outside says here, around all that it does for an
//! attempt, which budget knows of it.
//!
//! It goes by the thread, and so as far as one task does: through tower's `Buffer`, or a spawn, each counts for itself.

use std::cell::Cell;

/// What is outside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outer {
    /// Where the budget lives; 0 where there is none.
    budget: usize,
    /// What the attempt that is made has cost there, if it was an extra one.
    pub(super) paid: Option<u64>,
    /// Somebody inside has told the budget how an attempt of this has ended.
    told: bool,
}

const NOBODY: Outer = Outer { budget: 0, paid: None, told: false };

thread_local! {
    static OUTER: Cell<Outer> = const { Cell::new(NOBODY) };
}

/// Puts back what was outside before, also when the inside panics.
struct Restore(Outer);

impl Drop for Restore {
    fn drop(&mut self) {
        OUTER.set(self.0);
    }
}

/// Runs a call or a poll of an attempt that this budget knows of; and whether somebody inside has told it of an end.
pub(super) fn inside<T>(budget: usize, paid: Option<u64>, run: impl FnOnce() -> T) -> (T, bool) {
    let _outside = Restore(OUTER.replace(Outer { budget, paid, told: false }));
    let answer = run();
    (answer, OUTER.get().told)
}

/// Who is outside, where it pays from this budget.
pub(super) fn outer(budget: usize) -> Option<Outer> {
    Some(OUTER.get()).filter(|outer| outer.budget == budget)
}

/// The budget was told of an end; whoever is outside need not.
pub(super) fn has_told(budget: usize) {
    let outer = OUTER.get();
    if outer.budget == budget {
        OUTER.set(Outer { told: true, ..outer });
    }
}

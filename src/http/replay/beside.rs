//! Copies of a body for those who send it side by side.
//!
//! A body that is being sent has one who gives the rest of it. A copy that begins then would take the rest over, and cut the one
//! who runs; so where the one before is to run on, there is no copy. Whoever copies a request knows its body by nothing but
//! `Clone`, which cannot say no. So the question is asked by the thread, for as long as the clone is made.

use std::cell::Cell;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// By nobody.
    No,
    /// And nothing speaks against it so far.
    Yes,
    Refused,
}

thread_local! {
    static ASKED: Cell<Asked> = const { Cell::new(Asked::No) };
}

/// Puts back what was asked before, also when a clone panics.
struct Restore(Asked);

impl Drop for Restore {
    fn drop(&mut self) {
        ASKED.set(self.0);
    }
}

/// A clone that can be sent beside the one that is under way; `None` where a [`ReplayBody`](super::ReplayBody) in it, however
/// deep, is in the middle of being sent.
pub(in crate::http) fn beside<T: Clone>(of: &T) -> Option<T> {
    let _before = Restore(ASKED.replace(Asked::Yes));
    let copy = of.clone();
    (ASKED.get() == Asked::Yes).then_some(copy)
}

/// Says whether the body that is being cloned can be sent side by side. Not asked where nobody wants to know.
#[inline]
pub(super) fn tell(can: impl FnOnce() -> bool) {
    if ASKED.get() == Asked::Yes && !can() {
        ASKED.set(Asked::Refused);
    }
}

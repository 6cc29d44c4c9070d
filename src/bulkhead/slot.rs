//! What a call holds while it is inside.

use super::shared::Shared;
use crate::{
    outcome::{Outcome, Ticket},
    rejected::Rejected,
};
use std::fmt;

/// A place among the calls that may run at once. Dropped, it goes to the next who waits, or is free.
///
/// It is a [`Ticket`] that owes nobody a verdict: settled or dropped, it is given back.
///
/// ```
/// use buttress::bulkhead::Slots;
///
/// let slots = Slots::new("reports", 1);
/// let slot = slots.try_acquire().unwrap();
/// assert!(slots.try_acquire().is_err());
/// drop(slot);
/// assert!(slots.try_acquire().is_ok());
/// ```
#[must_use = "a slot that is dropped is given back at once"]
pub struct Slot {
    shared: &'static Shared,
}

impl Slot {
    /// For a place that was taken.
    #[inline]
    pub(super) const fn new(shared: &'static Shared) -> Self {
        Self { shared }
    }

    /// The rejection of the call that holds it, whose deadline has passed before the inside was ready.
    #[cold]
    pub(super) fn too_late(&self) -> Rejected {
        self.shared.too_late()
    }
}

impl Drop for Slot {
    #[inline]
    fn drop(&mut self) {
        let word = self.shared.compartment.give_back();
        if !word.is_quiet() {
            self.shared.left(word);
        }
    }
}

impl Ticket for Slot {
    #[inline]
    fn expect(&mut self, _: Outcome) {}

    #[inline]
    fn busy(&mut self, _: bool) {}

    #[inline]
    fn settle(self, _: Outcome) {}
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

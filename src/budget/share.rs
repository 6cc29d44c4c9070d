//! The rule by a share of what runs now.

use crate::window::Ratio;

/// A share of the attempts that run at this moment: extra ones are sent while they are no more than that share of all, and
/// while there are fewer than a few in any case.
///
/// It follows the load without a clock and without a memory: where attempts are slow, so that many run, the share is what
/// holds the extra ones down. It counts each call and each extra attempt twice, when it begins and when it ends or is dropped,
/// so calls on many cores write one word.
///
/// ```
/// use buttress::{budget::{Budget, Extra, Share}, window::Ratio};
///
/// let budget = Budget::of(Share::new(Ratio::percent(50)).floor(1));
/// let mut call = budget.open();
/// assert!(call.take(Extra::Hedge)); // the one that there may be in any case
/// assert!(call.take(Extra::Hedge)); // 1 of 2 was extra
/// assert!(!call.take(Extra::Hedge)); // 2 of 3
/// call.ended(); // 1 of 2
/// assert!(call.take(Extra::Hedge));
/// drop(call); // all that it had sent is over
/// assert!(budget.open().take(Extra::Hedge));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub(super) share: Ratio,
    pub(super) floor: u32,
}

impl Share {
    /// While extra attempts are no more than that share of all that run, before the new one is counted; or fewer than 3.
    #[must_use]
    pub const fn new(share: Ratio) -> Self {
        Self { share, floor: 3 }
    }

    /// Or fewer than so many. 0 is 1: a budget that never allows anything would never recover.
    #[must_use]
    pub const fn floor(mut self, attempts: u32) -> Self {
        self.floor = if attempts == 0 { 1 } else { attempts };
        self
    }
}

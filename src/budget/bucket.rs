//! The default rule: a bucket that first attempts fill, by a tenth of a token each.

use crate::window::Ratio;

/// A bucket: each first attempt puts a share of a token in, each extra one takes a whole one out.
///
/// Whatever fails, and for how long: extra attempts are never more than the tokens of a full bucket and that share of the
/// first attempts. A hedge, which is sent before anything has failed, is paid only while the bucket is more than half full:
/// the lower half is kept for retries. No clock is read, so a budget says the same under any load, and the tokens of a quiet
/// night are there in the morning.
///
/// ```
/// use buttress::{budget::{Bucket, Budget, Extra}, window::Ratio};
///
/// let budget = Budget::of(Bucket::new().capacity(2).deposit(Ratio::percent(50)));
/// let mut call = budget.open();
/// assert!(call.take(Extra::Retry) && call.take(Extra::Retry));
/// assert!(!call.take(Extra::Retry));
/// drop((budget.open(), budget.open())); // two more calls, half a token each
/// assert!(call.take(Extra::Retry));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub(super) capacity: u32,
    pub(super) deposit: Ratio,
}

impl Bucket {
    /// 10 tokens, and a tenth of one for each first attempt.
    #[must_use]
    pub const fn new() -> Self {
        Self { capacity: 10, deposit: Ratio::percent(10) }
    }

    /// So many tokens when full, which it is at the start. 0 is 1.
    #[must_use]
    pub const fn capacity(mut self, tokens: u32) -> Self {
        self.capacity = if tokens == 0 { 1 } else { tokens };
        self
    }

    /// That share of a token for each first attempt. Counted in thousandths, and what is finer is cut off; less than one
    /// thousandth is one, since a bucket that never fills again would never recover.
    #[must_use]
    pub const fn deposit(mut self, share: Ratio) -> Self {
        self.deposit = share;
        self
    }
}

impl Default for Bucket {
    fn default() -> Self {
        Self::new()
    }
}

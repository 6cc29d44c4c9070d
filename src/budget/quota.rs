//! The rule of the AWS SDKs in their standard mode, as of 2026.

/// The retry quota of the AWS SDKs: what an extra attempt costs depends on what it follows, and success pays.
///
/// | | tokens |
/// |---|--:|
/// | full, and so at the start | 500 |
/// | a retry after a failure or a timeout, and a hedge | -14 |
/// | a retry after throttling | -5 |
/// | success at the first attempt | +1 |
/// | success of a retry | what that retry has cost; those before it stay paid |
///
/// It allows a burst of 35 retries, and gives out where more than about a fifth of all attempts fail for long.
///
/// ```
/// use buttress::{budget::{Budget, Extra, Quota}, outcome::Outcome};
///
/// let budget = Budget::of(Quota::new());
/// let mut call = budget.open();
/// call.answered(&Outcome::FAILED);
/// assert!(call.take(Extra::Retry));
/// assert_eq!(budget.tokens(), Some(486.0));
/// call.answered(&Outcome::OK);
/// assert_eq!(budget.tokens(), Some(500.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    pub(super) capacity: u32,
    pub(super) failure: u32,
    pub(super) throttled: u32,
}

impl Quota {
    /// 500 tokens, 14 after a failure, 5 after throttling.
    #[must_use]
    pub const fn new() -> Self {
        Self { capacity: 500, failure: 14, throttled: 5 }
    }

    /// So many tokens when full. Less than the dearer of the two costs is that: a quota that can pay for nothing would
    /// never recover.
    #[must_use]
    pub const fn capacity(mut self, tokens: u32) -> Self {
        self.capacity = tokens;
        self
    }

    /// What a retry costs after a failure, and after throttling. 0 is 1.
    #[must_use]
    pub const fn costs(mut self, failure: u32, throttled: u32) -> Self {
        self.failure = if failure == 0 { 1 } else { failure };
        self.throttled = if throttled == 0 { 1 } else { throttled };
        self
    }
}

impl Default for Quota {
    fn default() -> Self {
        Self::new()
    }
}

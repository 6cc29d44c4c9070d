//! What a window is told of one call.

/// One result: failed or not, slow or not.
///
/// ```
/// use buttress::window::{Counts, Sample};
///
/// let mut counts = Counts::default();
/// counts.record(Sample::OK);
/// counts.record(Sample::FAILED.slow());
/// assert_eq!((counts.calls, counts.failed, counts.slow), (2, 1, 1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sample {
    pub(super) failed: bool,
    pub(super) slow: bool,
}

impl Sample {
    /// A success, in good time.
    pub const OK: Self = Self::of(false);
    /// A failure, in good time.
    pub const FAILED: Self = Self::of(true);

    /// A success or a failure, in good time.
    #[must_use]
    pub const fn of(failed: bool) -> Self {
        Self { failed, slow: false }
    }

    /// The same, but slow.
    #[must_use]
    pub const fn slow(self) -> Self {
        self.slow_if(true)
    }

    /// The same, slow or not.
    #[must_use]
    pub const fn slow_if(mut self, slow: bool) -> Self {
        self.slow = slow;
        self
    }

    /// Whether it is a failure.
    #[must_use]
    pub const fn is_failed(self) -> bool {
        self.failed
    }

    /// Whether it was slow.
    #[must_use]
    pub const fn is_slow(self) -> bool {
        self.slow
    }
}

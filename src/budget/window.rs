//! The rule by a share of the calls of the last seconds.

use std::time::Duration;

/// A share of the first attempts of the last seconds, and so many a second in any case: the law of Finagle's budgets.
///
/// Over any span as long as the window, extra attempts are no more than that share of the first attempts, and the floor. What
/// was not spent is forgotten after the window, so a long quiet hour allows no storm. Each decision reads the clock.
///
/// A first attempt counts for the whole window and for no more than a hundredth of it longer, however calls come; the share
/// is exact to six decimals.
///
/// ```
/// # use std::time::Duration;
/// use buttress::budget::{Budget, Extra, Window};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let budget = Budget::of(Window::new(0.2).per_second(0)); // a fifth of the calls of the last ten seconds
/// let mut call = budget.open();
/// (0..4).for_each(|_| drop(budget.open()));
/// assert!(call.take(Extra::Retry));
/// assert!(!call.take(Extra::Retry));
/// (0..5).for_each(|_| drop(budget.open()));
/// tokio::time::advance(Duration::from_secs(11)).await;
/// assert!(!call.take(Extra::Retry)); // they are too long ago
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Millionths.
    pub(super) share: u32,
    pub(super) length: Duration,
    pub(super) per_second: u32,
}

impl Window {
    /// That share of the first attempts: 0.2 is one in five, 2.0 two for each. Below 0, and NaN, is 0; above 1000 is 1000.
    #[must_use]
    pub const fn new(share: f64) -> Self {
        // The cast truncates, and takes NaN and what is negative to 0.
        let millionths = if share >= 1000.0 { 1_000_000_000 } else { (share * 1e6 + 0.5) as u32 };
        Self { share: millionths, length: Duration::from_secs(10), per_second: 10 }
    }

    /// The length of the window, 10 s where nothing is said; at least 1 s, at most 60 s.
    #[must_use]
    pub fn length(mut self, length: Duration) -> Self {
        self.length = length.clamp(Duration::from_secs(1), Duration::from_secs(60));
        self
    }

    /// So many extra attempts a second in any case, 10 where nothing is said: what keeps retries possible where calls are
    /// few. They can be spent at once, for a whole window. With a share of 0 and a floor of 0 nothing is granted.
    #[must_use]
    pub const fn per_second(mut self, attempts: u32) -> Self {
        self.per_second = attempts;
        self
    }
}

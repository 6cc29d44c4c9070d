//! The layer: a policy, and the budget that its calls share.

use super::{Policy, Retry, shared::Shared};
use crate::{outcome::ErrorsFail, replay::Clones};
use std::{fmt, sync::Arc};
use tower_layer::Layer;

/// Sends calls again. See the [module](super).
pub struct RetryLayer<C = ErrorsFail, R = Clones> {
    shared: Arc<Shared<C, R>>,
}

impl<C, R> RetryLayer<C, R> {
    /// By that policy. Where it names no budget, this layer gets one of its own, which all services that it makes share.
    #[must_use]
    pub fn new(policy: Policy<C, R>) -> Self {
        Self { shared: Arc::new(Shared::new(policy)) }
    }

    /// The attempts, the backoff and the hints of that policy from now on, for all clones and all services made of them: also
    /// for calls under way, whose attempts end from now on; a backoff that has begun goes on as it was. What results mean,
    /// how requests are kept, who pays and who listens stay as they are, whatever that policy says.
    ///
    /// ```
    /// use buttress::retry::{Policy, RetryLayer};
    ///
    /// let layer = RetryLayer::new(Policy::new().all_safe());
    /// layer.retune(&Policy::new().attempts(1)); // for the time being, nothing is sent again
    /// ```
    pub fn retune<D, Q>(&self, policy: &Policy<D, Q>) {
        self.shared.go_by(policy.rules);
    }
}

impl<C, R> RetryLayer<C, R> {
    /// The same retry by another reading of results: it is retuned with this one, and pays from the same budget.
    #[cfg(feature = "http")]
    pub(crate) fn read_by<D>(&self, classify: D) -> RetryLayer<D, R>
    where
        R: Clone,
    {
        RetryLayer { shared: Arc::new(self.shared.read_by(classify)) }
    }

    /// At most so many for a call.
    #[cfg(feature = "http")]
    pub(crate) fn attempts(&self) -> u32 {
        self.shared.rules().attempts
    }

    /// Who pays, where nobody else does.
    #[cfg(feature = "http")]
    pub(crate) fn budget(&self) -> &crate::budget::Budget {
        &self.shared.budget
    }

    #[cfg(feature = "http")]
    pub(crate) fn replay(&self) -> &R {
        &self.shared.replay
    }
}

impl<C, R> Clone for RetryLayer<C, R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<S, C, R> Layer<S> for RetryLayer<C, R> {
    type Service = Retry<S, C, R>;

    fn layer(&self, inner: S) -> Retry<S, C, R> {
        Retry::new(inner, Arc::clone(&self.shared))
    }
}

impl<C, R> fmt::Debug for RetryLayer<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryLayer")
            .field("name", &self.shared.name)
            .field("rules", &self.shared.rules())
            .field("budget", &self.shared.budget)
            .finish_non_exhaustive()
    }
}

//! Why there is no answer: what a fallback gets to know.

use crate::{
    deadline::Deadline,
    outcome::{Class, Outcome},
    rejected::{Reason, Rejected},
};

/// How the call ended that a fallback is asked to stand in for.
///
/// ```
/// use buttress::{Lifted, Rejected, fallback::FallbackLayer, over, rejected::Reason};
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let open = tower::service_fn(|_: ()| async { Err::<String, _>(Rejected::new(Reason::Open, "stock", false)) });
/// let layer = FallbackLayer::function(|why| format!("unknown: {:?}", why.reason()));
/// let svc = tower::Layer::layer(&layer, open);
/// assert_eq!(svc.oneshot(()).await.unwrap(), "unknown: Some(Open)");
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Why {
    outcome: Outcome,
    rejected: Option<Rejected>,
    deadline: Option<Deadline>,
}

impl Why {
    pub(super) const fn new(
        outcome: Outcome,
        rejected: Option<Rejected>,
        deadline: Option<Deadline>,
    ) -> Self {
        Self { outcome, rejected, deadline }
    }

    /// The outcome, as the classifier or the rejection has it.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Its class.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.outcome.class()
    }

    /// The rejection, where a layer of ours has refused or cut the call.
    #[must_use]
    pub const fn rejected(&self) -> Option<&Rejected> {
        self.rejected.as_ref()
    }

    /// The reason of the rejection.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.rejected.as_ref().map(Rejected::reason)
    }

    /// The deadline of the call, for sources that [wait](super::Source::WAITS); the others do without it.
    #[must_use]
    pub const fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }
}

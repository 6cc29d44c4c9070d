//! What is made of the server's own word on when to come again.

use std::time::Duration;

/// How far the server's hint is followed. Where there is one, it is waited for instead of the backoff, and the backoff begins
/// anew after it.
///
/// ```
/// # use std::time::Duration;
/// use buttress::retry::{Hints, Policy};
///
/// // no longer than the caller would wait
/// let policy = Policy::new().hints(Hints::up_to(Duration::from_secs(2)));
/// # drop(policy);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hints(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    UpTo(Duration),
    Near(Duration),
}

/// What is taken where nothing is said.
const CAP: Duration = Duration::from_secs(30);

impl Hints {
    /// A hint up to `cap` is waited for as it is. One that is longer ends the call with the answer that it came with: to come
    /// earlier than asked would be no help to the server, to come that late none to the caller.
    #[must_use]
    pub const fn up_to(cap: Duration) -> Self {
        Self(Kind::UpTo(cap))
    }

    /// A hint is taken as no shorter than the backoff would be, and as no longer than that and `more`: the rule of the AWS SDKs,
    /// with 5 s. No hint ends a call.
    #[must_use]
    pub const fn near(more: Duration) -> Self {
        Self(Kind::Near(more))
    }

    /// How long to wait, where the backoff says `own`; `None` to end the call.
    pub(super) fn wait(self, hint: Duration, own: impl FnOnce() -> Duration) -> Option<Duration> {
        match self.0 {
            Kind::UpTo(cap) => (hint <= cap).then_some(hint),
            Kind::Near(more) => {
                let own = own();
                Some(hint.clamp(own, own.saturating_add(more)))
            }
        }
    }
}

/// Up to 30 s.
impl Default for Hints {
    fn default() -> Self {
        Self::up_to(CAP)
    }
}

//! What a probe does with one call.

use super::{
    fault::Fault,
    reply::{End, Wait},
};
use std::time::Duration;

/// How a [`Probe`](super::Probe) answers a call: how it ends, and after which wait.
///
/// ```
/// use std::time::Duration;
/// use buttress::testing::Answer;
///
/// let at_once = Answer::ok();
/// let in_a_while = Answer::fail().after(Duration::from_secs(2));
/// let badly = Answer::panics().after_polls(1);
/// assert_ne!(at_once, Answer::never());
/// # drop((in_a_while, badly));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    wait: Wait,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Echo,
    Fail,
    Panic,
    PanicInCall,
}

impl Answer {
    const fn at_once(kind: Kind) -> Self {
        Self { wait: Wait::Polls(0), kind }
    }

    /// The request itself comes back.
    #[must_use]
    pub const fn ok() -> Self {
        Self::at_once(Kind::Echo)
    }

    /// A [`Fault`] with a number of its own.
    #[must_use]
    pub const fn fail() -> Self {
        Self::at_once(Kind::Fail)
    }

    /// A panic when it is polled, with the payload [`PANIC`](super::PANIC).
    #[must_use]
    pub const fn panics() -> Self {
        Self::at_once(Kind::Panic)
    }

    /// A panic in `call` itself.
    #[must_use]
    pub const fn panics_in_call() -> Self {
        Self::at_once(Kind::PanicInCall)
    }

    /// No answer, ever.
    #[must_use]
    pub const fn never() -> Self {
        Self { wait: Wait::Never, kind: Kind::Echo }
    }

    /// The same, after that time of tokio's clock, counted from the call.
    #[must_use]
    pub const fn after(self, time: Duration) -> Self {
        Self { wait: Wait::For(time), ..self }
    }

    /// The same, after so many Pendings, each with its wake.
    #[must_use]
    pub const fn after_polls(self, polls: u32) -> Self {
        Self { wait: Wait::Polls(polls), ..self }
    }

    pub(super) fn ends_at_once(self) -> bool {
        self.wait == Wait::Polls(0)
    }

    pub(super) fn fails(self) -> bool {
        self.kind == Kind::Fail
    }

    pub(super) const fn wait(self) -> Wait {
        self.wait
    }

    pub(super) const fn end(self, request: u64, fault: u64) -> End<u64, Fault> {
        match self.kind {
            Kind::Echo => End::Ok(request),
            Kind::Fail => End::Err(Fault::new(fault)),
            Kind::Panic => End::Panic,
            Kind::PanicInCall => End::PanicInCall,
        }
    }
}

//! What a limit learns of each call, as it goes along.

use crate::clock::Instant;
use std::time::Duration;

/// Goes along with one call, and sees how long it takes.
pub trait Watch<T, E> {
    /// Whether there is anything to see: without, no clock is read.
    const TIMED: bool;

    /// The call pends for the first time: the limit for it, where `limit` is what it was at the call.
    fn pends(&mut self, now: Instant, limit: Duration) -> Duration;

    /// The call has answered.
    fn answered(&mut self, result: Result<&T, &E>);

    /// The call was cut by this limit.
    fn cut(&mut self);
}

/// Sees nothing: a limit that does not learn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unwatched;

impl<T, E> Watch<T, E> for Unwatched {
    const TIMED: bool = false;

    #[inline]
    fn pends(&mut self, _: Instant, limit: Duration) -> Duration {
        limit
    }

    #[inline]
    fn answered(&mut self, _: Result<&T, &E>) {}

    #[inline]
    fn cut(&mut self) {}
}

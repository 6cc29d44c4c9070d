//! What becomes of a response that failed, and that nobody will see.

use crate::replay::{ByKey, Clones, Replay};
use std::future::{Ready, ready};
use tower_service::Service;

/// Puts an end to the responses that are not given to anybody.
///
/// A trait of its own beside [`Replay`], because the compiler cannot find a response by the request that a replay makes, and that
/// request by the response, at once.
pub trait Dispose<Res> {
    /// Polled until it is done, or the wait is over.
    type Disposal: Future<Output = ()>;

    /// A response that nobody will see, before the wait and once the budget has paid: dropped, or read to its end so that its
    /// connection can be used again.
    ///
    /// What it returns is polled while the wait lasts, and dropped at its end: whatever holds a connection must be gone by
    /// then. To drop the response and return [`ready`] is always right.
    fn dispose(&self, response: Res) -> Self::Disposal;
}

/// Drops them.
impl<Res, F> Dispose<Res> for Clones<F> {
    type Disposal = Ready<()>;

    fn dispose(&self, _: Res) -> Ready<()> {
        ready(())
    }
}

impl<Res, R: Dispose<Res>, O, K> Dispose<Res> for ByKey<R, O, K> {
    type Disposal = R::Disposal;

    fn dispose(&self, response: Res) -> R::Disposal {
        self.replay().dispose(response)
    }
}

/// What `R` sends for a request.
pub(super) type Sent<R, Req> = <R as Replay<Req>>::Sent;

/// What `S` answers to that.
pub(super) type Answer<S, R, Req> = <S as Service<Sent<R, Req>>>::Response;

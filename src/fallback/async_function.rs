//! A function whose answer takes time.

use super::{FallbackLayer, Source, Why, Within};
use crate::telemetry::FallbackKind;
use std::fmt;

/// An async function of [`Why`]; what [`FallbackLayer::async_function`] makes.
#[derive(Clone, Copy)]
pub struct AsyncFunction<F>(F);

/// An async function of what was kept of the request; what [`FallbackLayer::async_of_request`] makes.
#[derive(Clone, Copy)]
pub struct AsyncOfRequest<G, F> {
    keep: G,
    answer: F,
}

impl<F> FallbackLayer<AsyncFunction<F>> {
    /// Answers with what the future of `answer` gives: a response, or an `Option` of one, whose `None` leaves the call as
    /// it ended. It may take the time that is left until the deadline of the call, and is cut then.
    ///
    /// ```
    /// use buttress::{Rejected, fallback::FallbackLayer, rejected::Reason};
    /// use tower::{Layer, ServiceExt};
    ///
    /// # async fn from_disk() -> Result<u32, std::io::Error> { Ok(42) }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let open = tower::service_fn(|_: ()| async { Err::<u32, _>(Rejected::new(Reason::Open, "rates", false)) });
    /// let svc = FallbackLayer::async_function(|_| async { from_disk().await.ok() }).layer(open);
    /// assert_eq!(svc.oneshot(()).await.unwrap(), 42);
    /// # }
    /// ```
    #[must_use]
    pub const fn async_function<Fut>(answer: F) -> Self
    where
        F: Fn(Why) -> Fut,
        Fut: Future,
    {
        Self::source(AsyncFunction(answer))
    }
}

impl<G, F> FallbackLayer<AsyncOfRequest<G, F>> {
    /// The same with what `keep` has kept of the request. `keep` runs for every call: let it keep little.
    ///
    /// ```
    /// use buttress::{Rejected, fallback::FallbackLayer, rejected::Reason};
    /// use tower::{Layer, ServiceExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let open = tower::service_fn(|_: u32| async { Err(Rejected::new(Reason::Open, "rates", false)) });
    /// let layer = FallbackLayer::async_of_request(|id: &u32| *id, |id, _| async move { id * 2 });
    /// assert_eq!(layer.layer(open).oneshot(21).await.unwrap(), 42);
    /// # }
    /// ```
    #[must_use]
    pub const fn async_of_request<Req, Kept, Fut>(keep: G, answer: F) -> Self
    where
        G: Fn(&Req) -> Kept,
        F: Fn(Kept, Why) -> Fut,
        Fut: Future,
    {
        Self::source(AsyncOfRequest { keep, answer })
    }
}

impl<Req, Res, E, F, Fut> Source<Req, Res, E> for AsyncFunction<F>
where
    F: Fn(Why) -> Fut,
    Fut: Future<Output: Into<Option<Res>>>,
{
    type Response = Res;
    type Kept = ();
    type Future = Within<Fut, Res>;
    const KIND: FallbackKind = FallbackKind::Function;
    const WAITS: bool = true;

    #[inline]
    fn keep(&self, _: &Req) {}

    #[inline]
    fn good(&self, (): (), response: Res) -> Res {
        response
    }

    fn pass(response: Res) -> Res {
        response
    }

    fn answer(&self, (): (), _: Result<&Res, &E>, why: &Why) -> Self::Future {
        Within::begin(why.deadline(), || (self.0)(why.clone()))
    }
}

impl<Req, Res, E, G, Kept, F, Fut> Source<Req, Res, E> for AsyncOfRequest<G, F>
where
    G: Fn(&Req) -> Kept,
    F: Fn(Kept, Why) -> Fut,
    Fut: Future<Output: Into<Option<Res>>>,
{
    type Response = Res;
    type Kept = Kept;
    type Future = Within<Fut, Res>;
    const KIND: FallbackKind = FallbackKind::Function;
    const WAITS: bool = true;

    #[inline]
    fn keep(&self, request: &Req) -> Kept {
        (self.keep)(request)
    }

    #[inline]
    fn good(&self, _: Kept, response: Res) -> Res {
        response
    }

    fn pass(response: Res) -> Res {
        response
    }

    fn answer(&self, kept: Kept, _: Result<&Res, &E>, why: &Why) -> Self::Future {
        Within::begin(why.deadline(), || (self.answer)(kept, why.clone()))
    }
}

impl<F> fmt::Debug for AsyncFunction<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFunction").finish_non_exhaustive()
    }
}

impl<G, F> fmt::Debug for AsyncOfRequest<G, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncOfRequest").finish_non_exhaustive()
    }
}

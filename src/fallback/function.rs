//! A function that answers at once.

use super::{FallbackLayer, Given, Source, Why};
use crate::telemetry::FallbackKind;
use std::{
    fmt,
    future::{Ready, ready},
};

/// A function of [`Why`]; what [`FallbackLayer::function`] makes.
#[derive(Clone, Copy)]
pub struct Function<F>(F);

/// A function of what was kept of the request; what [`FallbackLayer::of_request`] makes.
#[derive(Clone, Copy)]
pub struct OfRequest<G, F> {
    pub(super) keep: G,
    pub(super) answer: F,
}

/// A function of the result; what [`FallbackLayer::of_result`] makes.
#[derive(Clone, Copy)]
pub struct OfResult<F>(F);

impl<F> FallbackLayer<Function<F>> {
    /// Answers with what `answer` gives: a response, or an `Option` of one, whose `None` leaves the call as it ended.
    ///
    /// A function that captures nothing costs the calls that go well nothing at all, not even a reference count.
    ///
    /// ```
    /// use buttress::{Rejected, fallback::FallbackLayer, rejected::Reason};
    /// use tower::{Layer, ServiceExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let shed = tower::service_fn(|_: ()| async { Err::<&str, _>(Rejected::new(Reason::Shed, "search", false)) });
    /// let layer = FallbackLayer::function(|why| match why.reason() {
    ///     Some(Reason::Shed) => Some("busy, come again"),
    ///     _ => None,
    /// });
    /// assert_eq!(layer.layer(shed).oneshot(()).await.unwrap(), "busy, come again");
    /// # }
    /// ```
    #[must_use]
    pub const fn function<R>(answer: F) -> Self
    where
        F: Fn(&Why) -> R,
    {
        Self::source(Function(answer))
    }
}

impl<G, F> FallbackLayer<OfRequest<G, F>> {
    /// Answers with what `answer` makes of that which `keep` has kept of the request. `keep` runs for every call: let it
    /// keep little.
    ///
    /// ```
    /// use buttress::{Rejected, fallback::FallbackLayer, rejected::Reason};
    /// use tower::{Layer, ServiceExt};
    ///
    /// struct Order { customer: u64, lines: Vec<String> }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let full = tower::service_fn(|_: Order| async { Err(Rejected::new(Reason::Full, "prices", false)) });
    /// let layer = FallbackLayer::of_request(
    ///     |order: &Order| order.customer,
    ///     |customer, _| format!("list price for {customer}"),
    /// );
    /// let answer = layer.layer(full).oneshot(Order { customer: 7, lines: vec![] }).await;
    /// assert_eq!(answer.unwrap(), "list price for 7");
    /// # }
    /// ```
    #[must_use]
    pub const fn of_request<Req, Kept, R>(keep: G, answer: F) -> Self
    where
        G: Fn(&Req) -> Kept,
        F: Fn(Kept, &Why) -> R,
    {
        Self::source(OfRequest { keep, answer })
    }
}

impl<F> FallbackLayer<OfResult<F>> {
    /// Answers with what `answer` makes of the result itself: the error, or the response that was no good.
    ///
    /// ```
    /// use buttress::{Lifted, fallback::FallbackLayer, outcome::Class};
    /// use std::io::{Error, ErrorKind};
    /// use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let empty = tower::service_fn(|_: ()| async { Err(Error::from(ErrorKind::NotFound)) });
    /// let layer = FallbackLayer::of_result(|result: Result<&u32, &Lifted<Error>>, _| match result {
    ///     Err(Lifted::Inner(error)) if error.kind() == ErrorKind::NotFound => Some(0),
    ///     _ => None,
    /// })
    /// .on([Class::Failed]);
    /// assert_eq!(buttress::over(layer, empty).oneshot(()).await.unwrap(), 0);
    /// # }
    /// ```
    #[must_use]
    pub const fn of_result<Res, E, R>(answer: F) -> Self
    where
        F: Fn(Result<&Res, &E>, &Why) -> R,
    {
        Self::source(OfResult(answer))
    }
}

impl<Req, Res, E, F, R> Source<Req, Res, E> for Function<F>
where
    F: Fn(&Why) -> R,
    R: Into<Option<Res>>,
{
    type Response = Res;
    type Kept = ();
    type Future = Ready<Option<Given<Res>>>;
    const KIND: FallbackKind = FallbackKind::Function;
    const WAITS: bool = false;

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
        ready((self.0)(why).into().map(Given::new))
    }
}

impl<Req, Res, E, G, Kept, F, R> Source<Req, Res, E> for OfRequest<G, F>
where
    G: Fn(&Req) -> Kept,
    F: Fn(Kept, &Why) -> R,
    R: Into<Option<Res>>,
{
    type Response = Res;
    type Kept = Kept;
    type Future = Ready<Option<Given<Res>>>;
    const KIND: FallbackKind = FallbackKind::Function;
    const WAITS: bool = false;

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
        ready((self.answer)(kept, why).into().map(Given::new))
    }
}

impl<Req, Res, E, F, R> Source<Req, Res, E> for OfResult<F>
where
    F: Fn(Result<&Res, &E>, &Why) -> R,
    R: Into<Option<Res>>,
{
    type Response = Res;
    type Kept = ();
    type Future = Ready<Option<Given<Res>>>;
    const KIND: FallbackKind = FallbackKind::Function;
    const WAITS: bool = false;

    #[inline]
    fn keep(&self, _: &Req) {}

    #[inline]
    fn good(&self, (): (), response: Res) -> Res {
        response
    }

    fn pass(response: Res) -> Res {
        response
    }

    fn answer(&self, (): (), result: Result<&Res, &E>, why: &Why) -> Self::Future {
        ready((self.0)(result, why).into().map(Given::new))
    }
}

impl<F> fmt::Debug for Function<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").finish_non_exhaustive()
    }
}

impl<G, F> fmt::Debug for OfRequest<G, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfRequest").finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for OfResult<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfResult").finish_non_exhaustive()
    }
}

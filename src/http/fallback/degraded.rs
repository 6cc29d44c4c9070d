//! A response that says that it is a fallback.

use crate::{
    fallback::{FallbackLayer, Given, Source, Why},
    http::ByStatus,
    outcome::Class,
    rejected::Reason,
    telemetry::FallbackKind,
};
use ::http::Response;
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

/// In the extensions of a response: it stands in for one that could not be had.
///
/// A layer outside can tell the caller, by a header of yours:
///
/// ```
/// use std::time::Duration;
/// use axum::{Router, body::Body, http::Request, response::Response, routing::get};
/// use buttress::{fallback::FallbackLayer, http::{self, Degraded}, rejected::Reason, timeout::TimeoutLayer};
/// # use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let plain = FallbackLayer::function(|_| Response::new(Body::from("[]"))).http();
/// let app: Router = Router::new()
///     .route("/offers", get(|| std::future::pending::<&str>()))
///     .layer(http::guard((plain, TimeoutLayer::new(Duration::from_secs(1)))))
///     .layer(tower::util::MapResponseLayer::new(|mut answer: Response| {
///         if answer.extensions().get::<Degraded>().is_some() {
///             answer.headers_mut().insert("x-degraded", "1".parse().unwrap());
///         }
///         answer
///     }));
/// let answer = app.oneshot(Request::get("/offers").body(Body::empty()).unwrap()).await.unwrap();
/// assert_eq!((answer.status().as_u16(), &answer.headers()["x-degraded"]), (200, &"1".parse().unwrap()));
/// let degraded = answer.extensions().get::<Degraded>().unwrap();
/// assert_eq!((degraded.reason(), degraded.age()), (Some(Reason::TimedOut), None));
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Degraded {
    class: Class,
    reason: Option<Reason>,
    kind: FallbackKind,
    age: Option<Duration>,
}

impl Degraded {
    /// How the call ended.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// Why a layer of ours refused or cut it, if one did.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        self.reason
    }

    /// Where the answer comes from.
    #[must_use]
    pub const fn kind(&self) -> FallbackKind {
        self.kind
    }

    /// How old it is, where it was kept from an earlier call.
    #[must_use]
    pub const fn age(&self) -> Option<Duration> {
        self.age
    }
}

impl<K, C> FallbackLayer<K, C> {
    /// For HTTP: reads responses by [`ByStatus`], and puts [`Degraded`] into the extensions of those that it gives.
    /// [`classify`](Self::classify) afterwards reads them otherwise.
    ///
    /// ```
    /// use axum::{body::Body, extract::Request, response::Response};
    /// use buttress::{Rejected, fallback::FallbackLayer, http::Degraded, outcome::Class};
    /// use tower::{Layer, ServiceExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let busy = tower::service_fn(|_: Request| async {
    ///     Ok::<_, Rejected>(Response::builder().status(503).body(Body::empty()).unwrap())
    /// });
    /// let layer = FallbackLayer::function(|_| Response::new(Body::from("[]"))).http().also_on([Class::Failed]);
    /// let answer = layer.layer(busy).oneshot(Request::default()).await.unwrap();
    /// assert_eq!(answer.status(), 200);
    /// assert_eq!(answer.extensions().get::<Degraded>().unwrap().class(), Class::Failed);
    /// # }
    /// ```
    ///
    /// A layer inside that reads bodies to their end, such as a breaker with [`ByStatus`] or a bulkhead held
    /// [`ToEnd`](crate::http::ToEnd), gives them a type of its own, and a fallback has to answer with the same. A function
    /// makes it of `Bytes`. For another service, which has the body that it has, bring the inside back to one type:
    ///
    /// ```
    /// use axum::{body::Body, extract::Request, response::Response};
    /// use buttress::{breaker::{BreakerLayer, Circuit, Policy}, fallback::FallbackLayer, http::ByStatus, over};
    /// use bytes::Bytes;
    /// use tower::{ServiceExt, util::MapResponseLayer};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let offers = tower::service_fn(|_: Request| async { Ok::<_, std::io::Error>(Response::new(Body::from("three for two"))) });
    /// # let replica = tower::service_fn(|_: Request| async { Ok::<_, std::io::Error>(Response::new(Body::from("two for one"))) });
    /// let circuit = Circuit::new("offers", &Policy::new());
    /// let breaker = BreakerLayer::new(&circuit).classify(ByStatus);
    /// circuit.trip();
    ///
    /// let none = FallbackLayer::function(|_| Response::new(Bytes::from_static(b"[]").into())).http();
    /// let answer = over((none, breaker.clone()), offers).oneshot(Request::default()).await.unwrap();
    /// # let text = async |body| axum::body::to_bytes(body, 99).await.unwrap();
    /// # assert_eq!(text(Body::new(answer.into_body())).await, "[]");
    ///
    /// let again = |lost: &Request| Request::get(lost.uri().clone()).body(Body::empty()).unwrap();
    /// let other = FallbackLayer::service_with(replica, again).http();
    /// let one_type = MapResponseLayer::new(|answer: Response<_>| answer.map(Body::new));
    /// let answer = over((other, one_type, breaker), offers).oneshot(Request::default()).await.unwrap();
    /// # assert_eq!(text(answer.into_body()).await, "two for one");
    /// # }
    /// ```
    #[must_use]
    pub fn http(self) -> FallbackLayer<Degrading<K>, ByStatus> {
        self.with(|source| Degrading { source }, ByStatus)
    }
}

/// A source whose answers carry [`Degraded`].
#[derive(Clone, Copy, Debug)]
pub struct Degrading<K> {
    source: K,
}

impl<Req, B, E, K, Out> Source<Req, Response<B>, E> for Degrading<K>
where
    K: Source<Req, Response<B>, E, Response = Response<Out>>,
{
    type Response = Response<Out>;
    type Kept = K::Kept;
    type Future = DegradingFuture<K::Future>;
    const KIND: FallbackKind = K::KIND;
    const WAITS: bool = K::WAITS;

    #[inline]
    fn keep(&self, request: &Req) -> K::Kept {
        self.source.keep(request)
    }

    #[inline]
    fn good(&self, kept: K::Kept, response: Response<B>) -> Response<Out> {
        self.source.good(kept, response)
    }

    fn pass(response: Response<B>) -> Response<Out> {
        K::pass(response)
    }

    fn answer(&self, kept: K::Kept, result: Result<&Response<B>, &E>, why: &Why) -> Self::Future {
        let mark = Degraded { class: why.class(), reason: why.reason(), kind: K::KIND, age: None };
        DegradingFuture { answer: self.source.answer(kept, result, why), mark }
    }

    fn to_judge(response: &Response<Out>) -> Option<&Response<B>> {
        K::to_judge(response)
    }
}

pin_project! {
    /// The answer of a [`Degrading`] source.
    #[derive(Debug)]
    pub struct DegradingFuture<F> {
        #[pin]
        answer: F,
        mark: Degraded,
    }
}

impl<F, B> Future for DegradingFuture<F>
where
    F: Future<Output = Option<Given<Response<B>>>>,
{
    type Output = Option<Given<Response<B>>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let given = ready!(this.answer.poll(cx));
        Poll::Ready(given.map(|mut given| {
            let mark = Degraded { age: given.age, ..*this.mark };
            given.response.extensions_mut().insert(mark);
            given
        }))
    }
}

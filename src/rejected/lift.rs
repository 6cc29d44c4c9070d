//! Makes room for rejections in the error of a foreign service, once for a whole stack.

use super::Lifted;
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// A client under a stack of layers, with room for their rejections: lift and stack in one word.
///
/// The stack is a layer, a tuple of layers or a `ServiceBuilder`; the error becomes [`Lifted`]`<E>`. A tonic client is
/// lifted by [`grpc::lift`](crate::grpc) instead, and a service whose error is a [`BoxError`](super::BoxError) by nothing
/// at all.
///
/// ```
/// # use std::{convert::Infallible, time::Duration};
/// # use buttress::timeout::TimeoutLayer;
/// # use tower::ServiceExt;
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let echo = tower::service_fn(|n: u32| async move { Ok::<_, std::io::Error>(n) });
/// let svc = buttress::over(TimeoutLayer::new(Duration::from_secs(1)), echo);
/// assert_eq!(svc.oneshot(7).await.unwrap(), 7);
/// # }
/// ```
pub fn over<L, S>(stack: L, service: S) -> L::Service
where
    L: Layer<Lift<S>>,
{
    stack.layer(Lift { inner: service })
}

/// The lift as a layer, for a `ServiceBuilder`: last, next to the service.
///
/// ```
/// # use std::time::Duration;
/// # use buttress::timeout::TimeoutLayer;
/// let svc = tower::ServiceBuilder::new()
///     .layer(TimeoutLayer::new(Duration::from_secs(1)))
///     .layer(buttress::lift())
///     .service(tower::service_fn(|n: u32| async move { Ok::<_, std::io::Error>(n) }));
/// # drop(buttress::checked::<u32, _>(svc));
/// ```
#[must_use]
pub const fn lift() -> LiftLayer {
    LiftLayer { _more: () }
}

/// The layer that [`lift`] gives.
#[derive(Clone, Copy, Debug)]
pub struct LiftLayer {
    _more: (),
}

impl<S> Layer<S> for LiftLayer {
    type Service = Lift<S>;

    fn layer(&self, inner: S) -> Lift<S> {
        Lift { inner }
    }
}

/// A service whose error has room for rejections.
#[derive(Clone, Copy, Debug)]
pub struct Lift<S> {
    inner: S,
}

impl<S: Service<Req>, Req> Service<Req> for Lift<S> {
    type Response = S::Response;
    type Error = Lifted<S::Error>;
    type Future = ResponseFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Lifted::Inner)
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        ResponseFuture { call: self.inner.call(request) }
    }
}

pin_project! {
    /// The answer of a [`Lift`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        call: F,
    }
}

impl<F, T, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, Lifted<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().call.poll(cx).map_err(Lifted::Inner)
    }
}

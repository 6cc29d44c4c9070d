//! A tonic client's errors become `Status`, so that rejections arrive with the right code.

use crate::rejected::BoxError;
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tonic::Status;
use tower_layer::Layer;
use tower_service::Service;

/// The lift for tonic clients: last in the stack, next to the channel.
///
/// Under a plain [`lift`](crate::lift) the generated client turns every rejection into `Code::Unknown`. Under this one an
/// open circuit is `Unavailable`, a timeout `DeadlineExceeded`, and [`Rejected::find`](crate::Rejected::find) on the status
/// gives the wait.
///
/// ```
/// # use std::time::Duration;
/// use buttress::{grpc, timeout::TimeoutLayer};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let channel = tonic::transport::Endpoint::from_static("http://payments.internal").connect_lazy();
/// let service = tower::ServiceBuilder::new()
///     .layer(TimeoutLayer::new(Duration::from_secs(3)))
///     .layer(grpc::lift())
///     .service(channel);
/// // let client = PaymentsClient::new(service);
/// # drop(service);
/// # }
/// ```
#[must_use]
pub const fn lift() -> StatusLiftLayer {
    StatusLiftLayer { _more: () }
}

/// The layer that [`lift`] gives.
#[derive(Clone, Copy, Debug)]
pub struct StatusLiftLayer {
    _more: (),
}

impl<S> Layer<S> for StatusLiftLayer {
    type Service = StatusLift<S>;

    fn layer(&self, inner: S) -> StatusLift<S> {
        StatusLift { inner }
    }
}

/// A client whose errors are statuses. See [`lift`].
#[derive(Clone, Copy, Debug)]
pub struct StatusLift<S> {
    inner: S,
}

impl<S, Req> Service<Req> for StatusLift<S>
where
    S: Service<Req>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = Status;
    type Future = StatusLiftFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.inner.poll_ready(cx).map_err(status)
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        StatusLiftFuture { call: self.inner.call(request) }
    }
}

fn status(error: impl Into<BoxError>) -> Status {
    Status::from_error(error.into())
}

pin_project! {
    /// The answer of a [`StatusLift`].
    #[derive(Debug)]
    pub struct StatusLiftFuture<F> {
        #[pin]
        call: F,
    }
}

impl<F, T, E> Future for StatusLiftFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    type Output = Result<T, Status>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().call.poll(cx).map_err(status)
    }
}

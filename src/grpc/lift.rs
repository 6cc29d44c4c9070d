//! A tonic client's errors become `Status`, so that rejections arrive with the right code.

use crate::{
    clock,
    deadline::Deadline,
    rejected::{BoxError, Name, Reason, Rejected},
};
use pin_project_lite::pin_project;
use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
};
use tonic::{Status, TimeoutExpired};
use tower_layer::Layer;
use tower_service::Service;

/// The lift for tonic clients: last in the stack, next to the channel.
///
/// Under a plain [`lift`](crate::lift) the generated client turns every rejection into `Code::Unknown`. Under this one an
/// open circuit is `Unavailable`, a timeout `DeadlineExceeded`, and [`Rejected::find`](crate::Rejected::find) on the status
/// gives the wait.
///
/// A call that the channel itself has cut (by the endpoint's timeout, or by `grpc-timeout`) is told as what it is: `TimedOut`,
/// or `DeadlinePassed` where the deadline of the call has come; both `DeadlineExceeded`. tonic alone says `Cancelled`, and
/// nobody could tell it from a caller who has left.
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
    let error = error.into();
    if is_cut(&*error) { cut().into() } else { Status::from_error(error) }
}

/// Whether the channel has cut the call.
fn is_cut(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source()).any(<dyn Error>::is::<TimeoutExpired>)
}

#[cold]
fn cut() -> Rejected {
    // The channel's clock goes by whole milliseconds, and what it was told is rounded down.
    let has_come = |deadline: Deadline| deadline.remaining(clock::now()) <= clock::GRAIN;
    let own = Deadline::current().is_some_and(has_come);
    let reason = if own { Reason::DeadlinePassed } else { Reason::TimedOut };
    Rejected::new(reason, Name::fixed("channel"), true)
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

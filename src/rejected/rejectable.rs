//! What a layer asks of the error of the service inside: room for a rejection.

use super::{BoxError, Rejected};
use tower_service::Service;

/// An error that can carry a [`Rejected`] and give it back.
///
/// It is there for [`Rejected`], [`BoxError`], [`Lifted`](super::Lifted) and, with the feature `tonic`,
/// `tonic::Status`. An error type of your own takes one variant and one line:
///
/// ```
/// use buttress::{Rejectable, Rejected};
///
/// #[derive(Debug, thiserror::Error)]
/// enum Error {
///     #[error(transparent)]
///     Rejected(#[from] Rejected),
///     #[error("the ledger is out of balance")]
///     Ledger,
/// }
///
/// impl Rejectable for Error {
///     fn as_rejected(&self) -> Option<Rejected> {
///         Rejected::find(self)
///     }
/// }
/// ```
///
/// There is no default body on purpose: one that answered `None` would let an outer breaker count an inner rejection
/// as a failure of the service, in silence.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot carry a buttress rejection",
    label = "this error type has no room for `Rejected`",
    note = "a foreign service: `buttress::over(stack, service)`, or `.layer(buttress::lift())` last in the `ServiceBuilder`",
    note = "an axum router or a tonic server: `buttress::http::guard(stack)` or `buttress::grpc::guard(stack)`; a tonic client: `buttress::grpc::lift()` last",
    note = "an error type of your own: a variant `Rejected(#[from] Rejected)` and `impl Rejectable`"
)]
pub trait Rejectable: From<Rejected> {
    /// The rejection inside, if there is one. For an `Error` type: `Rejected::find(self)`.
    fn as_rejected(&self) -> Option<Rejected>;
}

impl Rejectable for Rejected {
    fn as_rejected(&self) -> Option<Rejected> {
        Some(self.clone())
    }
}

impl Rejectable for BoxError {
    fn as_rejected(&self) -> Option<Rejected> {
        Rejected::find(&**self)
    }
}

/// Gives the service back as it is, and makes the compiler say what is missing.
///
/// Where a bound is not met, `svc.oneshot(..)` and `svc.ready()` only say that the method does not exist. Put the
/// service through here, with the request type, and the compiler prints what its error lacks and the cures.
///
/// ```
/// # use std::{convert::Infallible, time::Duration};
/// # use buttress::timeout::TimeoutLayer;
/// let echo = tower::service_fn(|n: u32| async move { Ok::<_, Infallible>(n) });
/// let svc = buttress::over(TimeoutLayer::new(Duration::from_secs(1)), echo);
/// let svc = buttress::checked::<u32, _>(svc);
/// # drop(svc);
/// ```
pub fn checked<Req, S>(service: S) -> S
where
    S: Service<Req>,
    S::Error: Rejectable,
{
    service
}

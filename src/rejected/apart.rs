//! Taking an outermost error apart again, where a server answers rejections as responses.

use super::{BoxError, Lifted, Rejected};
use std::convert::Infallible;

/// An error that is either a rejection or a rest.
///
/// A server's `respond` answers the rejection and passes the rest on, so that the error of an axum router under a guard
/// stays `Infallible`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken apart into a rejection and a rest",
    label = "`respond` cannot answer the rejections in this error",
    note = "`buttress::http::guard(stack)` or `buttress::grpc::guard(stack)` lift and answer in one word",
    note = "with `respond()` by hand: `.layer(buttress::lift())` last in the same stack, next to the service"
)]
pub trait Apart {
    /// What is left when it is not a rejection.
    type Rest;

    /// The rejection.
    ///
    /// # Errors
    /// The rest, untouched, where it is not one.
    fn apart(self) -> Result<Rejected, Self::Rest>;
}

impl Apart for Rejected {
    type Rest = Infallible;

    fn apart(self) -> Result<Rejected, Infallible> {
        Ok(self)
    }
}

impl<E> Apart for Lifted<E> {
    type Rest = E;

    fn apart(self) -> Result<Rejected, E> {
        match self {
            Self::Rejected(rejected) => Ok(rejected),
            Self::Inner(error) => Err(error),
        }
    }
}

impl Apart for BoxError {
    type Rest = Self;

    fn apart(self) -> Result<Rejected, Self> {
        Rejected::find(&*self).ok_or(self)
    }
}

//! What an answer, or the lack of one, says of the operation.

use super::{Refusal, refusal::Problems};
use crate::{
    idempotency::{Effects, Outcome},
    rejected::{Rejectable, Rejected},
};
use ::http::{HeaderMap, Response, response::Parts};
use bytes::Bytes;
use std::{convert::Infallible, fmt};

/// How a protocol says what has become of a request: HTTP by status, gRPC by its own.
pub trait Dialect: fmt::Debug + Send + Sync + 'static {
    /// What an answer says of the operation, where neither the handler nor a layer of ours has said it.
    fn judge(&self, head: &Parts, trailers: Option<&HeaderMap>, effects: Effects) -> Outcome;

    /// The same of an answer whose body is over what is kept: it is passed on and not read to its end, so that its trailers are not known.
    fn judge_long(&self, head: &Parts, effects: Effects) -> Outcome {
        self.judge(head, None, effects)
    }

    /// A refusal as a response; `None` for a problem document.
    fn refuse(&self, refusal: Refusal) -> Option<Response<Bytes>> {
        let _ = refusal;
        None
    }
}

/// HTTP: by status.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ByStatusCode;

/// Nothing was begun, and the same request may well succeed later.
const NOT_STARTED: [u16; 8] = [401, 403, 407, 408, 409, 421, 425, 429];

impl Dialect for ByStatusCode {
    fn judge(&self, head: &Parts, _: Option<&HeaderMap>, effects: Effects) -> Outcome {
        match head.status.as_u16() {
            status if NOT_STARTED.contains(&status) => Outcome::NotStarted,
            500.. if effects.can_rerun() => Outcome::NotStarted,
            _ => Outcome::Final,
        }
    }
}

/// The handler's own word first, then that of a layer of ours, then the protocol's.
pub(super) fn judge(head: &Parts, by_protocol: impl FnOnce() -> Outcome) -> Outcome {
    if let Some(outcome) = head.extensions.get::<Outcome>() {
        return *outcome;
    }
    match head.extensions.get::<Rejected>() {
        Some(rejected) if !rejected.reached() => Outcome::NotStarted,
        _ => by_protocol(),
    }
}

pub(super) fn refuse(dialect: &dyn Dialect, problems: &Problems, refusal: Refusal) -> Response<Bytes> {
    dialect.refuse(refusal).unwrap_or_else(|| problems.render(refusal))
}

/// An error of a service, and whether the request may have reached it. It is there for every [`Rejectable`] error, and for
/// axum's [`Infallible`].
#[diagnostic::on_unimplemented(
    message = "nobody can tell by `{Self}` whether a request was begun",
    label = "the error of the service under an `IdempotencyLayer`",
    note = "an axum router, or a stack in `buttress::http::guard`, has an error that tells; `buttress::lift()` gives one to any service"
)]
pub trait Failure {
    /// Whether the request may have reached the service.
    fn reached(&self) -> bool;
}

impl<E: Rejectable> Failure for E {
    fn reached(&self) -> bool {
        self.as_rejected().is_none_or(|rejected| rejected.reached())
    }
}

impl Failure for Infallible {
    fn reached(&self) -> bool {
        match *self {}
    }
}

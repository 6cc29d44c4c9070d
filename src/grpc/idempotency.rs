//! Idempotency keys in gRPC metadata: the same layer, another dialect.

use super::Code;
use crate::{
    http::{
        IdempotencyLayer,
        idempotency::{Dialect, Refusal},
    },
    idempotency::{Effects, Outcome, Trouble},
};
use ::http::{HeaderMap, HeaderValue, Response, header, response::Parts};
use bytes::Bytes;
use std::time::Duration;

/// The layer for gRPC servers: the key is the metadata entry `idempotency-key`, an answer is judged by its `grpc-status`, and a
/// refusal is a trailers-only response. For calls of one message: requests and answers are read whole, up to their limits.
///
/// tonic's own transport has a body that cannot be made from bytes; its routes as an axum router have one that can:
///
/// ```
/// use buttress::{grpc, http::{IdempotencyLayer, Unscoped}, idempotency::Effects, store::memory::MemoryStore};
///
/// let layer = grpc::idempotency(IdempotencyLayer::new(MemoryStore::new(), Unscoped, Effects::Keyed));
/// let server = tonic::service::Routes::default().into_axum_router().layer(layer);
/// # drop(server);
/// ```
///
/// | status | the record |
/// |---|---|
/// | `UNAUTHENTICATED`, `PERMISSION_DENIED`, `RESOURCE_EXHAUSTED`, `ABORTED` | released |
/// | `CANCELLED`, `UNKNOWN`, `DEADLINE_EXCEEDED`, `INTERNAL`, `UNAVAILABLE`, `DATA_LOSS` | `Plain`: stored. `Keyed`, `SameTx`: released |
/// | none | as an answer that broke off |
/// | not known yet, of an answer over the limit | stored without its message: who asks again is told `FAILED_PRECONDITION` |
/// | every other, `OK` first | stored |
#[must_use]
pub fn idempotency<S>(layer: IdempotencyLayer<S>) -> IdempotencyLayer<S> {
    layer.dialect(Metadata)
}

#[derive(Clone, Copy, Debug)]
struct Metadata;

impl Dialect for Metadata {
    fn judge(&self, head: &Parts, trailers: Option<&HeaderMap>, effects: Effects) -> Outcome {
        let code = trailers.and_then(Code::find).or_else(|| Code::find(&head.headers));
        match code {
            None => effects.of_a_break(),
            Some(
                Code::UNAUTHENTICATED | Code::PERMISSION_DENIED | Code::RESOURCE_EXHAUSTED | Code::ABORTED,
            ) => Outcome::NotStarted,
            Some(
                Code::CANCELLED
                | Code::UNKNOWN
                | Code::DEADLINE_EXCEEDED
                | Code::INTERNAL
                | Code::UNAVAILABLE
                | Code::DATA_LOSS,
            ) if effects.can_rerun() => Outcome::NotStarted,
            Some(_) => Outcome::Final,
        }
    }

    /// A message has come, so the handler has answered; what its status will be stands behind it.
    fn judge_long(&self, head: &Parts, effects: Effects) -> Outcome {
        if Code::find(&head.headers).is_some() { self.judge(head, None, effects) } else { Outcome::Final }
    }

    fn refuse(&self, refusal: Refusal) -> Option<Response<Bytes>> {
        let mut response = Response::new(Bytes::new());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", u16::from(code(refusal).number()).into());
        // Plain ASCII without a percent sign: nothing to encode.
        headers.insert("grpc-message", HeaderValue::from_static(refusal.detail()));
        if refusal.is_for_good() {
            // A client that knows service configs asks no more.
            headers.insert("grpc-retry-pushback-ms", HeaderValue::from_static("-1"));
        } else if let Some(wait) = refusal.retry_after() {
            let wait = wait.min(LONGEST_WAIT).as_millis();
            headers.insert("grpc-retry-pushback-ms", u64::try_from(wait).unwrap_or(u64::MAX).into());
        }
        Some(response)
    }
}

/// What a client is asked to wait at most for the end of somebody else's attempt.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

const fn code(refusal: Refusal) -> Code {
    match refusal {
        Refusal::TooLarge | Refusal::Full | Refusal::Store(Trouble::Quota) => Code::RESOURCE_EXHAUSTED,
        Refusal::InFlight(_) | Refusal::Fenced => Code::ABORTED,
        Refusal::Reused | Refusal::Unknown | Refusal::NotRetained => Code::FAILED_PRECONDITION,
        Refusal::Store(_) => Code::UNAVAILABLE,
        Refusal::Unstored => Code::INTERNAL,
        Refusal::DeadlinePassed => Code::DEADLINE_EXCEEDED,
        Refusal::Missing | Refusal::Invalid(_) | Refusal::Weak | Refusal::Nobody | Refusal::Broken => {
            Code::INVALID_ARGUMENT
        }
    }
}

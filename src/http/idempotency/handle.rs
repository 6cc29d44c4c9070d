//! What a handler behind the layer finds in its request.

use super::{client, config::Config};
use crate::{
    idempotency::{Body as Kept, Idem, InTx, Lost, UsedTwice},
    key::Step,
};
use ::http::{Request, Response};
use bytes::Bytes;
use std::{error::Error, fmt, future::poll_fn, ops::Deref, sync::Arc, time::Duration};
use tower_service::Service;

/// The operation that a handler runs, in the extensions of its request. Everything that [`Idem`] can, and an end in a
/// transaction with a response as its answer.
///
/// A request that came without a key has none, and one that runs unprotected has none. Where keys are not
/// [`required`](super::IdempotencyLayer::required), a handler asks for `Option<Extension<Idempotent>>`.
///
/// ```
/// use axum::Extension;
/// use buttress::http::Idempotent;
///
/// async fn pay(Extension(idem): Extension<Idempotent>) -> String {
///     // the key for the call to the card service: the same on every attempt
///     idem.child_key("charge").as_str().to_owned()
/// }
/// # drop(pay);
/// ```
#[derive(Clone)]
pub struct Idempotent {
    idem: Idem,
    config: Arc<Config>,
    ttl: Duration,
}

impl Idempotent {
    pub(super) const fn new(idem: Idem, config: Arc<Config>, ttl: Duration) -> Self {
        Self { idem, config, ttl }
    }

    /// Makes a call downstream as that step of the operation: with the [key](Idem::child_key) of the step in `Idempotency-Key`, the same in
    /// every attempt and on every node. A client whose service wants its key in another header finds it in the extensions, where
    /// [`IdempotencyKeyLayer`](super::IdempotencyKeyLayer) takes it from.
    ///
    /// ```
    /// use axum::{Extension, body::Body, http::{Request, StatusCode}};
    /// use buttress::http::Idempotent;
    /// # use axum::response::Response;
    /// # use std::convert::Infallible;
    /// # fn cards() -> impl tower::Service<Request<Body>, Response = Response, Error = Infallible> {
    /// #     tower::service_fn(async |_: Request<Body>| Ok(Response::default()))
    /// # }
    ///
    /// async fn pay(Extension(idem): Extension<Idempotent>) -> StatusCode {
    ///     let charge = Request::post("https://cards.example/charges").body(Body::from("10")).unwrap();
    ///     match idem.call("charge", cards(), charge).await {
    ///         Ok(answer) => answer.status(),
    ///         Err(_) => StatusCode::BAD_GATEWAY,
    ///     }
    /// }
    /// # drop(pay);
    /// ```
    ///
    /// # Errors
    /// What the service says, or [`CallError::UsedTwice`]: this attempt has made a call of that name before.
    pub async fn call<'s, C, B>(
        &self,
        step: impl Into<Step<'s>>,
        mut service: C,
        mut request: Request<B>,
    ) -> Result<C::Response, CallError<C::Error>>
    where
        C: Service<Request<B>>,
    {
        let key = self.idem.call_key(step).map_err(|UsedTwice| CallError::UsedTwice)?;
        client::send_with(key, &mut request);
        poll_fn(|cx| service.poll_ready(cx)).await.map_err(CallError::Failed)?;
        service.call(request).await.map_err(CallError::Failed)
    }

    /// Ends the operation as a part of `tx`, with this response for all who ask again. Commit, and answer with what this gives
    /// back. After a rollback answer otherwise: what is answered instead is judged as any other answer.
    ///
    /// `store::sqlite` has a whole handler; over PostgreSQL the transaction may be held over the `await`.
    ///
    /// # Errors
    /// [`Lost::Fenced`]: another attempt owns the operation by now; roll back.
    pub async fn finish_in<S, Tx>(
        &self,
        store: &S,
        tx: &mut Tx,
        response: Response<Bytes>,
    ) -> Result<Response<Bytes>, Lost>
    where
        S: InTx<Tx>,
        Tx: ?Sized,
    {
        let (head, body) = response.into_parts();
        let answer = self.config.answers.store(&head, Kept::Kept(&body), None);
        self.idem.finish_in(store, tx, answer, self.ttl).await?;
        Ok(Response::from_parts(head, body))
    }
}

/// Why a [call](Idempotent::call) has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError<E> {
    /// What the service says.
    Failed(E),
    /// Two calls of one attempt have one name, and would be one call to the service: nothing was sent.
    UsedTwice,
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::UsedTwice => UsedTwice.fmt(f),
        }
    }
}

impl<E: Error + 'static> Error for CallError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => error.source(),
            Self::UsedTwice => None,
        }
    }
}

impl Deref for Idempotent {
    type Target = Idem;

    fn deref(&self) -> &Idem {
        &self.idem
    }
}

impl fmt::Debug for Idempotent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.idem.fmt(f)
    }
}

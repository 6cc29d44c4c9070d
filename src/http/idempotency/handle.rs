//! What a handler behind the layer finds in its request.

use super::config::Config;
use crate::idempotency::{Body as Kept, Idem, InTx, Lost};
use ::http::Response;
use bytes::Bytes;
use std::{fmt, ops::Deref, sync::Arc, time::Duration};

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

    /// Ends the operation as a part of `tx`, with this response for all who ask again. Commit, and answer with what this gives
    /// back. After a rollback answer otherwise: what is answered instead is judged as any other answer.
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

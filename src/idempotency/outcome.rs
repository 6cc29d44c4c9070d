//! What an attempt has come to, as the handler or a reading of its answer says.

/// What an attempt has come to. A handler that knows better than the status of its answer puts one into the extensions of
/// the response.
///
/// ```
/// use axum::{http::StatusCode, response::IntoResponse};
/// use buttress::idempotency::Outcome;
///
/// // nothing was begun: whoever comes again with this key may try again
/// let answer = (axum::Extension(Outcome::NotStarted), StatusCode::BAD_REQUEST).into_response();
/// assert!(answer.extensions().get::<Outcome>().is_some());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The answer is the answer: it is stored and replayed, a refusal as well as a success.
    Final,
    /// Nothing has happened: the key is released.
    NotStarted,
    /// Something may have happened, and the answer does not say what: parked until somebody says.
    Unknown,
}

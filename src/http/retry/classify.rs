//! What an answer means for whether to send the request again.

use super::safe;
use crate::{
    http::refused,
    outcome::{Classify, Outcome, Verdict},
    rejected::BoxError,
};
use ::http::Response;
use std::{convert::Infallible, error::Error, fmt, marker::PhantomData};

/// Reads an answer for a retry: by its status, and an error by what it says about whether the request was sent.
///
/// | | outcome |
/// |---|---|
/// | 408, 425, 500, 502, 503, 504 | `Failed` |
/// | 429 | `Throttled` |
/// | 429 or 503 with [`Retry-After`](crate::http::retry_after()) | the same, with that as the hint |
/// | every other status | `Ok` |
/// | an error that says that nothing was sent ([`refused`](crate::http::refused), or as told by [`never_sent`](Self::never_sent)) | `Failed`, and nothing was reached |
/// | any other error | `Failed` |
///
/// Unlike [`ByStatus`](crate::http::ByStatus) it looks at the head only: what has begun to arrive cannot be taken back.
///
/// An error is looked into by its sources, so its type has to be an `Error`. The one that is none is [`BoxError`]: for that,
/// [`ForRetry::boxed`]. In an enum of your own a variant that is `#[error(transparent)]` hides the very error that it holds: only
/// the sources of that one are seen. Give the variant words of its own, or say what it means by
/// [`never_sent`](Self::never_sent).
///
/// ```
/// use buttress::{http::ForRetry, outcome::{Class, Classify, Verdict}};
///
/// let nobody = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
/// let Verdict::Now(outcome) = ForRetry::new().classify(Err::<&http::Response<()>, _>(&nobody));
/// assert_eq!((outcome.class(), outcome.reached()), (Class::Failed, false));
/// ```
pub struct ForRetry<V = Plain> {
    never_sent: NeverSent,
    view: PhantomData<fn(V)>,
}

type NeverSent = fn(&(dyn Error + 'static)) -> bool;

impl ForRetry {
    /// For errors that are an `Error`: hyper's, reqwest's, tonic's, [`Lifted`](crate::Lifted) ones, an enum of your own.
    #[must_use]
    pub fn new() -> Self {
        Self { never_sent: refused, view: PhantomData }
    }
}

impl ForRetry<Boxed> {
    /// For stacks whose error is a [`BoxError`].
    #[must_use]
    pub fn boxed() -> Self {
        Self { never_sent: refused, view: PhantomData }
    }
}

impl<V> ForRetry<V> {
    /// Which errors say that the request was never processed; else only a refused connection does. For clients over hyper it is
    /// `hyper::never_sent`, with the feature `hyper`.
    ///
    /// A request of any method is sent again after such an error, so be sure.
    ///
    /// Under [`over`](crate::over) and [`lift`](crate::lift) it is shown `Lifted<E>`, which speaks for the error that it holds: that
    /// one is not among its sources.
    ///
    /// ```
    /// use buttress::{Lifted, http::ForRetry};
    ///
    /// #[derive(Debug)]
    /// struct NotToday;
    /// # impl std::fmt::Display for NotToday {
    /// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("not today") }
    /// # }
    /// # impl std::error::Error for NotToday {}
    ///
    /// let classify = ForRetry::new().never_sent(|error| error.is::<Lifted<NotToday>>());
    /// # drop::<ForRetry>(classify);
    /// ```
    #[must_use]
    pub fn never_sent(mut self, says: fn(&(dyn Error + 'static)) -> bool) -> Self {
        self.never_sent = says;
        self
    }
}

/// Sees an error as the first of a chain of sources.
#[diagnostic::on_unimplemented(
    message = "a retry cannot look into `{E}`",
    note = "where the error of the stack is a `BoxError`: `ForRetry::boxed()`, by `http::retry_by`",
    note = "an error type of your own has to implement `std::error::Error`"
)]
pub trait LookInto<E> {
    /// That view of it.
    fn look(error: &E) -> &(dyn Error + 'static);
}

/// Sees what is an `Error`.
#[derive(Clone, Copy, Debug)]
pub struct Plain {
    _more: (),
}

/// Sees what a [`BoxError`] holds.
#[derive(Clone, Copy, Debug)]
pub struct Boxed {
    _more: (),
}

impl<E: Error + 'static> LookInto<E> for Plain {
    fn look(error: &E) -> &(dyn Error + 'static) {
        error
    }
}

impl LookInto<BoxError> for Boxed {
    fn look(error: &BoxError) -> &(dyn Error + 'static) {
        &**error
    }
}

impl<B, E, V: LookInto<E>> Classify<Response<B>, E> for ForRetry<V> {
    type AtEnd = Infallible;

    #[inline]
    fn classify(&self, result: Result<&Response<B>, &E>) -> Verdict<Infallible> {
        Verdict::Now(match result {
            Ok(response) => safe::outcome(response.status(), response.headers()),
            Err(error) if (self.never_sent)(V::look(error)) => Outcome::FAILED.unreached(),
            Err(_) => Outcome::FAILED,
        })
    }
}

impl<V> Clone for ForRetry<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for ForRetry<V> {}

impl Default for ForRetry {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> fmt::Debug for ForRetry<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForRetry").finish_non_exhaustive()
    }
}

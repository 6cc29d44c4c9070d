//! Whether a request was never sent, as far as that can be told without knowing the client.

use crate::rejected::Lifted;
use std::{error::Error, io};

/// Whether this error, or one among its sources, is a refused connection: nobody listened, so nothing was sent. What is
/// [`Lifted`] is looked at, too.
///
/// Clients know more ways in which nothing is sent; for those over hyper (hyper-util, reqwest, tonic) the feature `hyper` has
/// `hyper::never_sent`.
///
/// ```
/// use std::io;
/// use buttress::http::refused;
///
/// assert!(refused(&io::Error::other(io::Error::from(io::ErrorKind::ConnectionRefused))));
/// assert!(!refused(&io::Error::from(io::ErrorKind::ConnectionReset)));
/// ```
#[must_use]
pub fn refused(error: &(dyn Error + 'static)) -> bool {
    any(error, |error| {
        let kind = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        plain::<io::Error>(error).is_some_and(|outer| {
            // What an `io::Error` was made of is not its source: that one's source is.
            kind(outer) || outer.get_ref().is_some_and(|inner| inner.downcast_ref().is_some_and(kind))
        })
    })
}

/// This error as one of that type, also where it is lifted: `Lifted` speaks for the error that it holds, so that one is not
/// among its sources.
pub(crate) fn plain<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    match error.downcast_ref::<Lifted<E>>() {
        Some(Lifted::Inner(error)) => Some(error),
        Some(Lifted::Rejected(_)) => None,
        None => error.downcast_ref(),
    }
}

/// Whether this error, or one among its sources, is such a one.
pub(crate) fn any(error: &(dyn Error + 'static), is_such: impl Fn(&(dyn Error + 'static)) -> bool) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if is_such(error) {
            return true;
        }
        next = error.source();
    }
    false
}

//! Whether a request was never sent, as far as that can be told without knowing the client.

use std::{error::Error, io};

/// Whether this error, or one among its sources, is a refused connection: nobody listened, so nothing was sent.
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
        error.downcast_ref::<io::Error>().is_some_and(|outer| {
            // What an `io::Error` was made of is not its source: that one's source is.
            kind(outer) || outer.get_ref().is_some_and(|inner| inner.downcast_ref().is_some_and(kind))
        })
    })
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

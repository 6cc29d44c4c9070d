//! Whether a request was never processed, as the errors of hyper, hyper-util and h2 tell it.

use crate::http::{any, plain, refused};
use h2::Reason;
use hyper_util::client::legacy;
use std::error::Error;

/// Whether this error, or one among its sources, says that the request was never processed: it may be sent again, whatever
/// its method. What is [`Lifted`](crate::Lifted) is looked at, too.
///
/// | found in the sources | because |
/// |---|---|
/// | a refused connection ([`http::refused`](crate::http::refused)) | nobody listens |
/// | hyper-util could not connect: no such host, no route, TLS that failed | there was nothing to send it over |
/// | hyper has given the request up before it wrote any of it | it waited for a connection that closed |
/// | an HTTP/2 stream that the server reset with `REFUSED_STREAM` | that says: not processed (RFC 9113, 8.7) |
/// | an HTTP/2 stream over the last one that a `GOAWAY` of the server names | the same (RFC 9113, 6.8) |
///
/// Everything else may have reached the service: a connection that broke off while there was no answer, other resets, a stream
/// that a `GOAWAY` leaves to its end and the end cuts off.
///
/// It knows the errors of hyper 1, hyper-util 0.1 and h2 0.4, and so of what is built on them: reqwest 0.13, tonic 0.14. Of
/// errors that it does not know it says no, which is safe.
///
/// An error of a *request body* that has one of these among its sources looks the same from here. Under
/// [`http::retry`](crate::http::retry) this does no harm: a body that has failed is never sent again.
///
/// See the [module](super) for an example.
#[must_use]
pub fn never_sent(error: &(dyn Error + 'static)) -> bool {
    refused(error) || any(error, says_so)
}

fn says_so(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = plain::<legacy::Error>(error) {
        return error.is_connect();
    }
    if let Some(error) = plain::<::hyper::Error>(error) {
        return error.is_canceled();
    }
    let Some(error) = plain::<h2::Error>(error) else { return false };
    // By the server: what h2 itself closes may have been sent. A stream that was to be served still ends in an I/O error
    // when the connection closes after a `GOAWAY`, not in this one.
    error.is_remote()
        && (error.is_go_away() || error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM))
}

//! How a rejection is answered over HTTP: `application/problem+json`, RFC 9457.

use crate::rejected::{Reason, Rejected};
use ::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use std::time::Duration;

/// Makes a response of a rejection.
///
/// [`Problem`] does it for HTTP; a page of your own is a function in
/// [`Guard::render`](super::Guard::render).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot answer a rejection with a body of the type `{B}`",
    label = "this body cannot be made from an answer of ours",
    note = "`http::guard` needs a response body that is `From<Bytes>`: `axum::body::Body`, `Full<Bytes>`; `grpc::guard` one that is `Default`",
    note = "a foreign layer that wraps the body in a type of its own (tracing, compression) stands outside the guard"
)]
pub trait Render<B>: Clone {
    /// The same, after a look at the request: for answers that depend on who asks.
    #[must_use]
    fn for_request(&self, headers: &HeaderMap) -> Self {
        let _ = headers;
        self.clone()
    }

    /// The response.
    fn render(self, rejected: &Rejected) -> Response<B>;
}

impl<B, F> Render<B> for F
where
    F: FnOnce(&Rejected) -> Response<B> + Clone,
{
    fn render(self, rejected: &Rejected) -> Response<B> {
        self(rejected)
    }
}

/// Answers with a problem document, the status of the reason, and `Retry-After` where the wait is known.
///
/// | reason | status |
/// |---|---|
/// | `TimedOut`, `DeadlinePassed` | 504 |
/// | `Open`, `Full`, `Shed`, `NoEndpoint`, `StoreDown` | 503 |
/// | `Limited` | 429 |
/// | `TooLarge` | 413 |
///
/// The document names the reason, not the layer: which hosts stand behind you is no caller's business. `Retry-After` is
/// rounded up to whole seconds.
///
/// ```
/// use std::time::Duration;
/// use buttress::{Rejected, http::{Problem, Render}, rejected::Reason};
/// use bytes::Bytes;
///
/// let open = Rejected::new(Reason::Open, "payments", false).after(Duration::from_millis(1200));
/// let answer = Render::<axum::body::Body>::render(Problem, &open);
/// assert_eq!(answer.status(), 503);
/// assert_eq!(answer.headers()["retry-after"], "2");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Problem;

impl<B: From<Bytes>> Render<B> for Problem {
    fn render(self, rejected: &Rejected) -> Response<B> {
        let (status, document) = document(rejected.reason());
        let mut response = Response::new(B::from(Bytes::from_static(document.as_bytes())));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(wait) = rejected.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        response
    }
}

/// Up, so that nobody comes before the time.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0))
}

macro_rules! problem {
    ($status:ident, $code:literal, $title:literal, $detail:literal) => {
        (
            StatusCode::$status,
            concat!(
                r#"{"type":"about:blank","title":""#,
                $title,
                r#"","status":"#,
                $code,
                r#","detail":""#,
                $detail,
                r#""}"#
            ),
        )
    };
}

fn document(reason: Reason) -> (StatusCode, &'static str) {
    match reason {
        Reason::TimedOut => problem!(GATEWAY_TIMEOUT, 504, "Gateway Timeout", "timed out"),
        Reason::DeadlinePassed => {
            problem!(GATEWAY_TIMEOUT, 504, "Gateway Timeout", "the deadline has passed")
        }
        Reason::Open => problem!(SERVICE_UNAVAILABLE, 503, "Service Unavailable", "the circuit is open"),
        Reason::Full => problem!(SERVICE_UNAVAILABLE, 503, "Service Unavailable", "no free slot"),
        Reason::Shed => problem!(SERVICE_UNAVAILABLE, 503, "Service Unavailable", "shed under overload"),
        Reason::NoEndpoint => {
            problem!(SERVICE_UNAVAILABLE, 503, "Service Unavailable", "no endpoint to send to")
        }
        Reason::StoreDown => {
            problem!(SERVICE_UNAVAILABLE, 503, "Service Unavailable", "the store cannot be reached")
        }
        Reason::Limited => problem!(TOO_MANY_REQUESTS, 429, "Too Many Requests", "over the rate limit"),
        Reason::TooLarge => problem!(PAYLOAD_TOO_LARGE, 413, "Content Too Large", "too large"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, Full};

    const ALL: [(Reason, u16); 9] = [
        (Reason::Open, 503),
        (Reason::Full, 503),
        (Reason::Limited, 429),
        (Reason::Shed, 503),
        (Reason::TimedOut, 504),
        (Reason::DeadlinePassed, 504),
        (Reason::NoEndpoint, 503),
        (Reason::StoreDown, 503),
        (Reason::TooLarge, 413),
    ];

    #[tokio::test]
    async fn every_reason_has_its_status_and_a_document_that_says_the_same() {
        for (reason, status) in ALL {
            let answer: Response<Full<Bytes>> = Problem.render(&Rejected::new(reason, "secret-host", false));
            assert_eq!(answer.status(), status, "{reason:?}");
            assert!(!answer.headers().contains_key("retry-after"), "no wait is known");
            let body = answer.into_body().collect().await.expect("a fixed body").to_bytes();
            let text = std::str::from_utf8(&body).expect("ascii");
            assert!(text.contains(&format!(r#""status":{status},"#)), "{text}");
            assert!(text.contains(&format!(r#""detail":"{reason}""#)), "{text}");
            assert!(!text.contains("secret-host"), "{text}");
        }
    }

    #[test]
    fn retry_after_is_rounded_up_and_never_overflows() {
        let of = |wait| {
            let rejected = Rejected::new(Reason::Open, "x", false).after(wait);
            let answer: Response<Full<Bytes>> = Problem.render(&rejected);
            answer.headers()["retry-after"].to_str().expect("digits").to_owned()
        };
        assert_eq!(of(Duration::ZERO), "0");
        assert_eq!(of(Duration::from_nanos(1)), "1");
        assert_eq!(of(Duration::from_secs(2)), "2");
        assert_eq!(of(Duration::MAX), "18446744074");
    }
}

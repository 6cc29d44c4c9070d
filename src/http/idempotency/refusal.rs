//! How a request is refused: problem documents, RFC 9457.

use crate::{idempotency::Trouble, key::Invalid};
use ::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};

/// Why a request was not run, or its answer not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// No key where one is required.
    Missing,
    /// What stands there is no key, for this reason.
    Invalid(Invalid),
    /// The service's own check refuses the key.
    Weak,
    /// A key, and nobody knows whose.
    Nobody,
    /// The body broke off.
    Broken,
    /// The body is over what is read.
    TooLarge,
    /// The key belongs to another request.
    Reused,
    /// Somebody runs it, for at most so long without a sign of life.
    InFlight(Duration),
    /// Another attempt took over while this one ran.
    Fenced,
    /// Nobody knows whether it was done.
    Unknown,
    /// It was done, and its answer was too large to be kept.
    NotRetained,
    /// It was done, and its answer could not be stored.
    Unstored,
    /// The store could not say.
    Store(Trouble),
    /// So many run that no other may begin.
    Full,
    /// The deadline of the call has passed before the service was ready: nothing was claimed, nothing has run.
    DeadlinePassed,
}

/// What of the problem documents can be chosen.
#[derive(Clone, Debug)]
pub(super) struct Problems {
    pub(super) base: Option<Arc<str>>,
    pub(super) described_by: Option<HeaderValue>,
    pub(super) reused: StatusCode,
    pub(super) max_wait: Duration,
    /// How long keys are remembered, for those who have to know.
    pub(super) ttl: Duration,
}

impl Refusal {
    /// The last part of its type; one of a closed set.
    #[must_use]
    pub const fn slug(&self) -> &'static str {
        match self {
            Self::Missing => "idempotency-key-missing",
            Self::Invalid(_) | Self::Weak | Self::Nobody => "idempotency-key-invalid",
            Self::Broken => "request-body-incomplete",
            Self::TooLarge => "request-body-too-large",
            Self::Reused => "idempotency-key-reused",
            Self::InFlight(_) | Self::Fenced => "idempotency-in-flight",
            Self::Unknown => "idempotency-outcome-unknown",
            Self::NotRetained => "idempotency-response-not-retained",
            Self::Unstored => "idempotency-response-not-stored",
            Self::Store(Trouble::Quota) => "idempotency-quota",
            Self::Store(_) => "idempotency-store-unavailable",
            Self::Full => "idempotency-full",
            Self::DeadlinePassed => "deadline-passed",
        }
    }

    /// What it says to people. Neither key nor fingerprint.
    #[must_use]
    pub const fn detail(&self) -> &'static str {
        match self {
            Self::Missing => "this operation requires an idempotency key",
            Self::Invalid(Invalid::Repeated) => "more than one idempotency key",
            Self::Invalid(_) => "not a valid idempotency key",
            Self::Weak => "this idempotency key is not accepted",
            Self::Nobody => "an idempotency key needs a known caller",
            Self::Broken => "the request body is incomplete",
            Self::TooLarge => "the request body is too large for an idempotent operation",
            Self::Reused => "this idempotency key was used for another request",
            Self::InFlight(_) => "a request with this idempotency key is being processed",
            Self::Fenced => "another request with this idempotency key has taken over",
            Self::Unknown => {
                "it is not known whether the request with this idempotency key was processed; do not retry"
            }
            Self::NotRetained => "the request was processed; its response was too large to be kept",
            Self::Unstored => "the request was processed; its response could not be stored",
            Self::Store(Trouble::Quota) => "too many idempotency keys",
            Self::Store(_) => "idempotency keys cannot be checked at the moment",
            Self::Full => "too many operations are being processed",
            Self::DeadlinePassed => "the deadline has passed before the operation could begin",
        }
    }

    /// The status, where nothing else was chosen.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Missing | Self::Invalid(_) | Self::Weak | Self::Nobody | Self::Broken => {
                StatusCode::BAD_REQUEST
            }
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Reused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::InFlight(_) | Self::Fenced | Self::Unknown | Self::NotRetained => StatusCode::CONFLICT,
            Self::Unstored => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Store(Trouble::Quota) => StatusCode::TOO_MANY_REQUESTS,
            Self::Store(_) | Self::Full => StatusCode::SERVICE_UNAVAILABLE,
            Self::DeadlinePassed => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// When it makes sense to come again, where that may help.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::InFlight(remaining) => Some(*remaining),
            Self::Fenced | Self::Full | Self::Store(Trouble::Unavailable | Trouble::Full) => {
                Some(Duration::from_secs(1))
            }
            Self::Store(Trouble::Quota) => Some(Duration::from_secs(60)),
            _ => None,
        }
    }

    /// Whether the same request sent again can only come to the same.
    #[must_use]
    pub const fn is_for_good(&self) -> bool {
        matches!(self, Self::Unknown | Self::NotRetained | Self::Reused)
    }
}

impl Problems {
    pub(super) fn render(&self, refusal: Refusal) -> Response<Bytes> {
        let status = if refusal == Refusal::Reused { self.reused } else { refusal.status() };
        let kind = self
            .base
            .as_ref()
            .map_or_else(|| "about:blank".to_owned(), |base| format!("{base}{}", refusal.slug()));
        let (title, code, detail) = (title(&refusal), status.as_u16(), refusal.detail());
        let published = match refusal {
            Refusal::Missing | Refusal::Reused => format!("; keys are kept for {}", in_words(self.ttl)),
            _ => String::new(),
        };
        let document = format!(
            r#"{{"type":"{kind}","title":"{title}","status":{code},"detail":"{detail}{published}"}}"#
        );
        let mut response = Response::new(Bytes::from(document));
        *response.status_mut() = status;
        self.heads(refusal, response.headers_mut());
        response
    }

    fn heads(&self, refusal: Refusal, headers: &mut HeaderMap) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(wait) = refusal.retry_after() {
            let wait = wait.min(self.max_wait);
            // Up, and never 0: nobody should come again at once.
            let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if refusal.is_for_good() {
            // The word that clients in the field look for.
            headers.insert("x-should-retry", HeaderValue::from_static("false"));
        }
        if let (Refusal::Missing | Refusal::Invalid(_) | Refusal::Weak, Some(link)) =
            (refusal, &self.described_by)
        {
            headers.insert(header::LINK, link.clone());
        }
    }
}

const fn title(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Missing => "Idempotency-Key is missing",
        Refusal::Invalid(_) | Refusal::Weak | Refusal::Nobody => "Idempotency-Key is invalid",
        Refusal::Broken => "Request body is incomplete",
        Refusal::TooLarge => "Request body is too large",
        Refusal::Reused => "Idempotency-Key is already used",
        Refusal::InFlight(_) | Refusal::Fenced => "A request is outstanding for this Idempotency-Key",
        Refusal::Unknown => "Outcome is unknown",
        Refusal::NotRetained => "Response was not retained",
        Refusal::Unstored => "Response was not stored",
        Refusal::Store(Trouble::Quota) => "Too many idempotency keys",
        Refusal::Store(_) => "Idempotency keys are unavailable",
        Refusal::Full => "Too many operations",
        Refusal::DeadlinePassed => "Deadline has passed",
    }
}

/// A time as people say it, never longer than it is.
fn in_words(time: Duration) -> String {
    const HOUR: u64 = 3_600;
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds if seconds % HOUR == 0 => format!("{} h", seconds / HOUR),
        seconds => format!("{seconds} s"),
    }
}

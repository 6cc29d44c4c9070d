//! An answer on its way into a record, and out of it again.

use super::{body::StoredBody, date::http_date};
use crate::{
    clock,
    idempotency::{Body as Kept, Stored, Unreadable},
    key::Key,
};
use ::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, response::Parts};
use bytes::Bytes;
use http_body::Body;
use std::{fmt, sync::Arc};

/// Seals what is stored, and opens it again: encryption, compression, whatever the store must not see in the clear.
///
/// The first byte of what is stored tells that it is sealed, so that one can be set up over records that are there already.
pub trait Seal: Send + Sync + 'static {
    /// Seals an answer.
    fn seal(&self, answer: &[u8]) -> Vec<u8>;

    /// Opens it again; `None` where it cannot be: then the request is refused, and not run again.
    fn open(&self, sealed: &[u8]) -> Option<Vec<u8>>;
}

/// What is sealed begins with this, which no version of the plain form will.
const SEALED: u8 = 0xFF;

/// What of answers is kept, and how they look when they come back.
#[derive(Clone)]
pub(super) struct Answers {
    pub(super) max: usize,
    pub(super) marker: HeaderName,
    pub(super) echo_key: Option<HeaderName>,
    /// Beside those that are never kept.
    pub(super) dropped: Vec<HeaderName>,
    /// In spite of that.
    pub(super) kept: Vec<HeaderName>,
    pub(super) seal: Option<Arc<dyn Seal>>,
}

/// Of one connection, one moment or one exchange: not a part of the answer.
const NEVER: [&str; 21] = [
    "age",
    "alt-svc",
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "request-id",
    "server-timing",
    "set-cookie",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-amzn-trace-id",
    "x-correlation-id",
    "x-request-id",
];

const ORIGINAL_DATE: HeaderName = HeaderName::from_static("idempotency-original-date");

impl Answers {
    /// The answer for all who ask again.
    pub(super) fn store(&self, head: &Parts, body: Kept<'_>, trailers: Option<&HeaderMap>) -> Stored {
        let none = HeaderMap::new();
        let stored = Stored::encode(
            head.status.as_u16(),
            clock::date(),
            self.lasting(&head.headers, trailers.is_some()),
            body,
            pairs(trailers.unwrap_or(&none)),
        );
        match &self.seal {
            None => stored,
            Some(seal) => {
                let mut sealed = vec![SEALED];
                sealed.extend(seal.seal(stored.as_bytes()));
                Stored::from_bytes(sealed)
            }
        }
    }

    /// What announces trailers is kept together with them: over HTTP/1.1 they are not sent without it.
    fn lasting<'a>(
        &'a self,
        headers: &'a HeaderMap,
        has_trailers: bool,
    ) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let named = headers.get_all(header::CONNECTION).into_iter().filter_map(|value| value.to_str().ok());
        let named: Vec<_> = named.flat_map(|value| value.split(',')).map(str::trim).collect();
        pairs(headers).filter(move |(name, _)| {
            let is = |other: &HeaderName| other.as_str() == *name;
            let lasts = (!NEVER.contains(name) || has_trailers && *name == "trailer")
                && !named.iter().any(|other| other.eq_ignore_ascii_case(name))
                && !self.dropped.iter().any(is);
            lasts || self.kept.iter().any(is)
        })
    }

    /// A stored answer as a response; `None` where its body was not kept.
    pub(super) fn replay<B: Body>(
        &self,
        stored: Stored,
        key: &Key,
    ) -> Result<Option<Response<StoredBody<B>>>, Unreadable> {
        let stored = self.unseal(stored)?;
        let answer = stored.open()?;
        let Kept::Kept(body) = answer.body() else { return Ok(None) };
        // Without a copy: the bytes stay where they are, and the body points at them.
        let all = || Bytes::from_owner(stored.clone());
        let data = if body.is_empty() { Bytes::new() } else { all().slice_ref(body) };
        let mut trailers = HeaderMap::new();
        fill(&mut trailers, answer.trailers())?;
        let body = StoredBody::own(data, (!trailers.is_empty()).then_some(trailers));
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(answer.status()).map_err(|_| Unreadable::Damaged)?;
        let headers = response.headers_mut();
        fill(headers, answer.headers())?;
        headers.insert(self.marker.clone(), HeaderValue::from_static("true"));
        if let Some(date) = http_date(answer.made_at()) {
            headers.insert(ORIGINAL_DATE, date);
        }
        self.echo(headers, key);
        Ok(Some(response))
    }

    /// Whether a stored answer is this one; of one that is too large only the status is compared.
    pub(super) fn is_of(&self, stored: Stored, head: &Parts, body: Kept<'_>) -> bool {
        let Ok(stored) = self.unseal(stored) else { return false };
        stored.open().is_ok_and(|answer| {
            let is_body = match (answer.body(), body) {
                (Kept::Kept(stored), Kept::Kept(body)) => stored == body,
                _ => true,
            };
            answer.status() == head.status.as_u16() && is_body
        })
    }

    /// Says the key back, where that was asked for.
    pub(super) fn echo(&self, headers: &mut HeaderMap, key: &Key) {
        if let Some(name) = &self.echo_key {
            let written =
                key.raw().map_or_else(|| HeaderValue::try_from(key.quoted()), HeaderValue::from_str);
            if let Ok(mut value) = written {
                value.set_sensitive(true);
                headers.insert(name.clone(), value);
            }
        }
    }

    fn unseal(&self, stored: Stored) -> Result<Stored, Unreadable> {
        match (stored.as_bytes().split_first(), &self.seal) {
            (Some((&SEALED, sealed)), Some(seal)) => {
                seal.open(sealed).map(Stored::from_bytes).ok_or(Unreadable::Damaged)
            }
            _ => Ok(stored),
        }
    }
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    // With an upper bound, by which room is made.
    headers.iter().take(headers.len()).map(|(name, value)| (name.as_str(), value.as_bytes()))
}

fn fill<'a>(
    headers: &mut HeaderMap,
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<(), Unreadable> {
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name).map_err(|_| Unreadable::Damaged)?;
        headers.append(name, HeaderValue::from_bytes(value).map_err(|_| Unreadable::Damaged)?);
    }
    Ok(())
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers")
            .field("max", &self.max)
            .field("sealed", &self.seal.is_some())
            .finish_non_exhaustive()
    }
}

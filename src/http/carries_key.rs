//! Whether a request carries an idempotency key, for those who would send it again.

use ::http::{Extensions, HeaderMap, HeaderName};

/// The header by which a server tells a request that it has served from a new one.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// In the extensions of a request: the server that it goes to knows keys by this header.
#[derive(Clone, Debug)]
pub(super) struct KeyHeader(pub(super) HeaderName);

/// An empty key tells nothing from nothing. As a string of a structured header it stands in quotes.
pub(super) fn carries_key(headers: &HeaderMap, extensions: &Extensions) -> bool {
    let is_key = |key: &[u8]| key.iter().any(|byte| !matches!(byte, b' ' | b'\t' | b'"'));
    let has = |name: &HeaderName| headers.get(name).is_some_and(|key| is_key(key.as_bytes()));
    has(&IDEMPOTENCY_KEY) || extensions.get::<KeyHeader>().is_some_and(|KeyHeader(name)| has(name))
}

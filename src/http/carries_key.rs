//! Whether a request carries an idempotency key, for those who would send it again.

use ::http::{HeaderMap, HeaderName};

/// The header by which a server tells a request that it has served from a new one.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// An empty key tells nothing from nothing. As a string of a structured header it stands in quotes.
pub(super) fn carries_key(headers: &HeaderMap) -> bool {
    let is_key = |key: &[u8]| key.iter().any(|byte| !matches!(byte, b' ' | b'\t' | b'"'));
    headers.get(IDEMPOTENCY_KEY).is_some_and(|key| is_key(key.as_bytes()))
}

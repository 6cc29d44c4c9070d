//! What a route says about its keys, and what a request's key comes to by that.

use super::{Principal, Refusal, answer::Answers, judge::Dialect, refusal::Problems};
use crate::{
    idempotency::{Fingerprint, RecordId, Scope},
    key::{Key, Rules},
};
use ::http::{HeaderName, HeaderValue, Method, header, request::Parts};
use bytes::Bytes;
use std::{fmt, sync::Arc};

type Check = dyn Fn(&Key) -> bool + Send + Sync;
type Canonical = dyn Fn(&Parts, &Bytes) -> Vec<u8> + Send + Sync;

#[derive(Clone)]
pub(super) struct Config {
    pub(super) namespace: Arc<str>,
    pub(super) principal: Arc<dyn Principal>,
    /// Of all requests, where the principal says one for all.
    pub(super) scope_of_all: Option<Scope>,
    pub(super) dialect: Arc<dyn Dialect>,
    pub(super) header: HeaderName,
    pub(super) rules: Rules,
    pub(super) check: Option<Arc<Check>>,
    pub(super) methods: Vec<Method>,
    pub(super) required: bool,
    pub(super) per_operation: bool,
    pub(super) fingerprinted: Vec<HeaderName>,
    pub(super) canonical: Option<Arc<Canonical>>,
    pub(super) max_request: usize,
    pub(super) fail_open: bool,
    pub(super) fail_unstored: bool,
    pub(super) cancel_with_client: bool,
    pub(super) answers: Answers,
    pub(super) problems: Problems,
}

/// What is to be done with a request.
#[derive(Debug, PartialEq)]
pub(super) enum Entry {
    /// Its method knows no keys.
    Pass,
    /// It has none, and needs none.
    Bypass,
    Keyed(Key),
    Refused(Refusal),
}

impl Config {
    /// Looks at the head of a request.
    pub(super) fn entry(&self, request: &Parts) -> Entry {
        if !self.methods.contains(&request.method) {
            return Entry::Pass;
        }
        match Key::from_lines(self.rules, request.headers.get_all(&self.header)) {
            Err(invalid) => Entry::Refused(Refusal::Invalid(invalid)),
            Ok(None) if self.required => Entry::Refused(Refusal::Missing),
            Ok(None) => Entry::Bypass,
            Ok(Some(key)) if self.check.as_ref().is_some_and(|check| !check(&key)) => {
                Entry::Refused(Refusal::Weak)
            }
            Ok(Some(key)) => Entry::Keyed(key),
        }
    }

    /// Which record; `None` where nobody knows whose.
    pub(super) fn record(&self, request: &Parts, key: &Key) -> Option<RecordId> {
        let scope = self.scope_of_all.or_else(|| self.principal.scope(&self.namespace, request))?;
        Some(if self.per_operation {
            let operation = [request.method.as_str(), " ", request.uri.path()].concat();
            RecordId::of_operation(scope, operation, key)
        } else {
            RecordId::new(scope, key)
        })
    }

    /// What it asks for: method, path, query, content type, the chosen headers, and the body. Never all headers: clients change
    /// some of them with every attempt.
    pub(super) fn fingerprint(&self, request: &Parts, body: &Bytes) -> Fingerprint {
        let line = |name| request.headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
        let canonical = self.canonical.as_ref().map(|canonical| canonical(request, body));
        let head = [
            request.method.as_str().as_bytes(),
            request.uri.path().as_bytes(),
            request.uri.query().unwrap_or("").as_bytes(),
            request.headers.get(header::CONTENT_TYPE).map_or(b"", HeaderValue::as_bytes),
        ];
        // Each header as its name, how many values it has, and these: so that no value passes for a name.
        let counts: Vec<_> =
            self.fingerprinted.iter().map(|name| (line(name).count() as u64).to_le_bytes()).collect();
        let chosen = self.fingerprinted.iter().zip(&counts).flat_map(|(name, count)| {
            [name.as_str().as_bytes(), count.as_slice()].into_iter().chain(line(name))
        });
        Fingerprint::of(head.into_iter().chain(chosen).chain([canonical.as_deref().unwrap_or(body)]))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("namespace", &self.namespace)
            .field("header", &self.header)
            .field("required", &self.required)
            .finish_non_exhaustive()
    }
}

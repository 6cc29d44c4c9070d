//! Which requests have the same answer.

use ::http::{
    HeaderValue, Method, Request, Uri,
    header::{AUTHORIZATION, COOKIE, HOST, RANGE},
};
use std::{fmt, hash::Hash};

/// Says which requests have the same answer.
pub trait RequestKey<B> {
    /// What they have in common.
    type Key: Hash + Eq;

    /// Whether the key says nothing of the caller: then answers that are one caller's are not kept.
    const SHARED: bool;

    /// The key of a request; `None` for one whose answer is neither kept nor given.
    fn key(&self, request: &Request<B>) -> Option<Self::Key>;

    /// How many bytes a key counts for.
    fn size(key: &Self::Key) -> usize {
        size_of_val(key)
    }
}

/// The same URI and host, for plain `GET`s of nobody in particular.
#[derive(Clone, Copy, Debug)]
pub struct ByUri {
    pub(super) _more: (),
}

/// The key of [`ByUri`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UriKey {
    uri: Uri,
    host: Option<HeaderValue>,
}

impl<B> RequestKey<B> for ByUri {
    type Key = UriKey;
    const SHARED: bool = true;

    fn key(&self, request: &Request<B>) -> Option<UriKey> {
        let headers = request.headers();
        let is_plain = request.method() == Method::GET
            && ![AUTHORIZATION, COOKIE, RANGE].iter().any(|name| headers.contains_key(name));
        is_plain.then(|| UriKey { uri: request.uri().clone(), host: headers.get(HOST).cloned() })
    }

    fn size(key: &UriKey) -> usize {
        let path = key.uri.path_and_query().map_or(0, |path| path.as_str().len());
        let authority = key.uri.authority().map_or(0, |authority| authority.as_str().len());
        size_of::<UriKey>() + path + authority + key.host.as_ref().map_or(0, HeaderValue::len)
    }
}

/// A key read by a function.
#[derive(Clone, Copy)]
pub struct ByKey<F>(pub(super) F);

impl<B, K: Hash + Eq, F: Fn(&Request<B>) -> Option<K>> RequestKey<B> for ByKey<F> {
    type Key = K;
    const SHARED: bool = false;

    #[inline]
    fn key(&self, request: &Request<B>) -> Option<K> {
        (self.0)(request)
    }
}

impl<F> fmt::Debug for ByKey<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(request: ::http::request::Builder) -> Option<UriKey> {
        ByUri { _more: () }.key(&request.body(()).expect("a request"))
    }

    #[test]
    fn only_a_plain_get_of_nobody_in_particular_has_a_key() {
        assert!(key(Request::get("/a")).is_some());
        for name in [AUTHORIZATION, COOKIE, RANGE] {
            assert_eq!(key(Request::get("/a").header(name, "x")), None);
        }
        for method in [Method::POST, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
            assert_eq!(key(Request::builder().method(method).uri("/a")), None);
        }
    }

    #[test]
    fn path_query_and_host_tell_requests_apart() {
        let all = [
            key(Request::get("/a")),
            key(Request::get("/a?n=1")),
            key(Request::get("/b")),
            key(Request::get("/a").header(HOST, "one")),
            key(Request::get("/a").header(HOST, "two")),
            key(Request::get("http://one/a")),
        ];
        for (n, one) in all.iter().enumerate() {
            assert!(all.iter().skip(n + 1).all(|other| other != one), "{one:?}");
        }
        assert_eq!(key(Request::get("/a")), key(Request::get("/a").header("accept", "*/*")));
    }

    #[test]
    fn a_long_uri_counts_for_its_length() {
        let long = format!("/{}", "a".repeat(5000));
        let size = |uri: &str| <ByUri as RequestKey<()>>::size(&key(Request::get(uri)).expect("plain"));
        assert!(size(&long) >= size("/") + 5000);
    }
}

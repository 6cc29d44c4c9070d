//! A response as it is kept: which may be, and what of it.

use super::KeepBody;
use ::http::{
    HeaderMap, HeaderName, Response, StatusCode,
    header::{CACHE_CONTROL, CONNECTION, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VARY},
};
use bytes::Bytes;

/// What is kept of a good response.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) trailers: Option<HeaderMap>,
}

impl Page {
    pub(super) fn respond<B>(&self) -> Response<KeepBody<B>> {
        let mut response = Response::new(KeepBody::kept(self.body.clone(), self.trailers.clone()));
        response.headers_mut().clone_from(&self.headers);
        response
    }
}

/// What becomes of a good response, and of what was kept for its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It may be given to another caller later.
    Keep,
    /// It may not; what was kept stays.
    Leave,
    /// It may not, and what was kept is no longer true.
    Forget,
}

/// `shared`: what is kept may be given to any caller at all.
pub(super) fn fate<B>(response: &Response<B>, shared: bool) -> Fate {
    let headers = response.headers();
    match response.status() {
        StatusCode::OK if forbidden(headers, shared) => Fate::Forget,
        StatusCode::OK if headers.contains_key(SET_COOKIE) || (shared && headers.contains_key(VARY)) => {
            Fate::Leave
        }
        StatusCode::OK => Fate::Keep,
        StatusCode::NOT_FOUND | StatusCode::GONE => Fate::Forget,
        _ => Fate::Leave,
    }
}

/// Whether `Cache-Control` says no, or something that cannot be read.
fn forbidden(headers: &HeaderMap, shared: bool) -> bool {
    headers.get_all(CACHE_CONTROL).iter().any(|value| match value.to_str() {
        Err(_) => true,
        Ok(text) => text.split(',').any(|directive| {
            let name = directive.split('=').next().unwrap_or(directive).trim();
            name.eq_ignore_ascii_case("no-store") || (shared && name.eq_ignore_ascii_case("private"))
        }),
    })
}

/// The headers without those of the one connection.
pub(super) fn lasting(headers: &HeaderMap) -> HeaderMap {
    const OF_THE_CONNECTION: [HeaderName; 7] = [
        CONNECTION,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
    ];
    let mut headers = headers.clone();
    for name in &OF_THE_CONNECTION {
        headers.remove(name);
    }
    headers
}

/// How many bytes headers count for.
pub(super) fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(response: ::http::response::Builder, shared: bool) -> Fate {
        fate(&response.body(()).expect("a response"), shared)
    }

    #[test]
    fn what_is_one_callers_or_says_no_store_is_not_kept() {
        let with = |name: &str, value: &str| Response::builder().header(name, value);
        assert_eq!(of(Response::builder(), true), Fate::Keep);
        assert_eq!(of(with("cache-control", "public, max-age=60"), true), Fate::Keep);
        for shared in [true, false] {
            assert_eq!(of(with("set-cookie", "a=b"), shared), Fate::Leave);
            assert_eq!(of(with("cache-control", "max-age=60, No-Store"), shared), Fate::Forget);
            assert_eq!(of(with("cache-control", "private"), shared) == Fate::Forget, shared);
            assert_eq!(of(with("cache-control", "private=\"x-user\""), shared) == Fate::Forget, shared);
            assert_eq!(of(with("vary", "accept-language"), shared) == Fate::Leave, shared);
            let unreadable = Response::builder().header("cache-control", &b"\xff"[..]);
            assert_eq!(of(unreadable, shared), Fate::Forget);
        }
    }

    #[test]
    fn only_a_200_is_kept_and_what_is_gone_is_forgotten() {
        for (status, then) in [
            (201, Fate::Leave),
            (206, Fate::Leave),
            (301, Fate::Leave),
            (304, Fate::Leave),
            (400, Fate::Leave),
            (404, Fate::Forget),
            (410, Fate::Forget),
        ] {
            assert_eq!(of(Response::builder().status(status), false), then, "{status}");
        }
    }

    #[test]
    fn headers_of_the_connection_are_left_out() {
        let mut headers = HeaderMap::new();
        for name in ["connection", "keep-alive", "transfer-encoding", "etag"] {
            headers.insert(name, "x".parse().expect("a value"));
        }
        let lasting = lasting(&headers);
        assert_eq!((lasting.len(), lasting.contains_key("etag"), size(&lasting)), (1, true, 5));
    }
}

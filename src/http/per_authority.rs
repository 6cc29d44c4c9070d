//! Which host a request goes to, as a key.

use super::ByStatus;
use crate::{
    breaker::{Circuits, KeyedBreakerLayer, Policy},
    bulkhead::{KeyedBulkheadLayer, KeyedSlots},
    keyed::KeyOf,
};
use ::http::{HeaderValue, Request, Uri, header::HOST};

/// Hosts that have one of their own, in the presets; those that come later, while none of these is idle, share one.
pub(super) const HOSTS: usize = 1000;

/// The longest key: a host name of 253 letters, a colon, a port. What is longer is no host.
const LONGEST: usize = 259;

/// Finds the authority of a request: what layers by key take for "one of these for each host".
///
/// | request | key |
/// |---|---|
/// | `https://User@Example.COM:443/a` | `example.com`: in small letters, without the user and the default port |
/// | `http://[::1]:8080/` | `[::1]:8080` |
/// | `/a` with `Host: example.com:81` | `example.com:81`: where the URI has no authority, the one `Host` header |
/// | neither of them, several `Host` headers, or what is no authority | none |
///
/// Nothing is allocated for it: in small letters it is lent as it stands in the request, else in a copy on the stack.
///
/// A server that is keyed by `Host` is keyed by what its callers write: give it a bound that fits, or a function that
/// knows the hosts.
///
/// ```
/// use buttress::{http::per_authority, keyed::KeyOf};
///
/// let request = http::Request::get("https://Example.COM:443/a").body(()).unwrap();
/// per_authority().with_key(&request, |key| assert_eq!(key, Some("example.com")));
/// ```
#[must_use]
pub const fn per_authority() -> PerAuthority {
    PerAuthority { _more: () }
}

/// See [`per_authority`].
#[derive(Clone, Copy, Debug)]
pub struct PerAuthority {
    _more: (),
}

impl<B> KeyOf<Request<B>> for PerAuthority {
    type Key = str;

    #[inline]
    fn with_key<T>(&self, request: &Request<B>, then: impl FnOnce(Option<&str>) -> T) -> T {
        match request.uri().authority() {
            Some(written) => {
                let written = written.as_str();
                // Hardly any is odd, and to look at each letter without an end before the last takes several at a time.
                let is_odd = |byte: u8| byte == b'@' || byte.is_ascii_uppercase();
                if written.len() <= LONGEST && !written.bytes().fold(false, |odd, byte| odd | is_odd(byte)) {
                    then(Some(without_port(written, request.uri())).filter(|key| !key.is_empty()))
                } else {
                    odd(written, request.uri(), then)
                }
            }
            None => {
                let mut hosts = request.headers().get_all(HOST).iter();
                let one = hosts.next().filter(|_| hosts.next().is_none());
                in_small_letters(one.and_then(of_header), then)
            }
        }
    }
}

/// Without the port, where that is the scheme's own, or none.
#[inline]
fn without_port<'a>(host: &'a str, uri: &Uri) -> &'a str {
    let shorter = match uri.scheme_str() {
        Some("https") => host.strip_suffix(":443"),
        Some("http") => host.strip_suffix(":80"),
        _ => None,
    };
    shorter.or_else(|| host.strip_suffix(':')).unwrap_or(host)
}

/// With a user in it, with capital letters, or too long.
#[cold]
fn odd<T>(written: &str, uri: &Uri, then: impl FnOnce(Option<&str>) -> T) -> T {
    let host = written.rsplit_once('@').map_or(written, |(_, host)| host);
    in_small_letters(Some(without_port(host, uri)), then)
}

/// A header can hold anything; what is no part of a host or a port must not become a name.
fn of_header(value: &HeaderValue) -> Option<&str> {
    let host = value.to_str().ok()?;
    let host = host.strip_suffix(':').unwrap_or(host);
    let belongs = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%:[]".contains(&byte);
    host.bytes().all(belongs).then_some(host)
}

/// The key that is written there, if it can be one.
fn in_small_letters<T>(key: Option<&str>, then: impl FnOnce(Option<&str>) -> T) -> T {
    match key.filter(|key| !key.is_empty() && key.len() <= LONGEST) {
        Some(key) if key.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            let mut copy = [0; LONGEST];
            // Its length was looked at before.
            let Some(copy) = copy.get_mut(..key.len()) else { return then(None) };
            copy.copy_from_slice(key.as_bytes());
            copy.make_ascii_lowercase();
            then(std::str::from_utf8(copy).ok())
        }
        key => then(key),
    }
}

impl KeyedBreakerLayer<String, PerAuthority, ByStatus> {
    /// A circuit for each host that an HTTP client talks to, at most `bound` of them, judged by [`ByStatus`]. See
    /// [`per_authority`] and [`Circuits`].
    ///
    /// ```
    /// use buttress::{breaker::{KeyedBreakerLayer, Policy, State, Trip}, over};
    /// use http::{Request, Response};
    /// # use axum::body::Body;
    /// # use tower::ServiceExt;
    ///
    /// # let client = tower::service_fn(|request: Request<Body>| async move {
    /// #     let status = if request.uri().host() == Some("broken.test") { 503 } else { 200 };
    /// #     Ok::<_, std::io::Error>(Response::builder().status(status).body(Body::empty()).unwrap())
    /// # });
    /// # #[tokio::main(flavor = "current_thread")] async fn main_of(client: impl tower::Service<Request<Body>, Response = Response<Body>, Error = std::io::Error> + Clone) {
    /// let layer = KeyedBreakerLayer::per_authority(100, &Policy::new().trip(Trip::consecutive(2)));
    /// let circuits = layer.circuits().clone();
    /// let client = over(layer, client); // hyper's, or any service of http requests
    ///
    /// let get = async |uri: &str| client.clone().oneshot(Request::get(uri).body(Body::empty()).unwrap()).await;
    /// for _ in 0..2 {
    ///     assert_eq!(get("https://broken.test/").await.unwrap().status(), 503);
    /// }
    /// assert_eq!(get("https://broken.test/").await.unwrap_err().to_string(), "the circuit is open");
    /// assert_eq!(get("https://whole.test/").await.unwrap().status(), 200);
    /// assert_eq!(circuits.known("broken.test").unwrap().state(), State::Open);
    /// # }
    /// # main_of(client);
    /// ```
    #[must_use]
    pub fn per_authority(bound: usize, policy: &Policy) -> Self {
        Self::over_authorities(&Circuits::new(bound, policy))
    }

    /// The same over circuits that are there already: shared by several clients, or named otherwise.
    #[must_use]
    pub fn over_authorities(circuits: &Circuits) -> Self {
        KeyedBreakerLayer::by(circuits, per_authority()).classify(ByStatus)
    }
}

impl KeyedBulkheadLayer<String, PerAuthority> {
    /// Slots for each host that an HTTP client talks to: `limit` calls at once for each of at most `bound` hosts. See
    /// [`per_authority`] and [`KeyedSlots`].
    ///
    /// ```
    /// use buttress::{bulkhead::KeyedBulkheadLayer, http::ToEnd, over};
    /// use http::{Request, Response};
    /// # use axum::body::Body;
    /// # use tower::ServiceExt;
    ///
    /// # let client = tower::service_fn(|_: Request<Body>| async { Ok::<_, std::io::Error>(Response::new(Body::from("a page"))) });
    /// # #[tokio::main(flavor = "current_thread")] async fn main_of(client: impl tower::Service<Request<Body>, Response = Response<Body>, Error = std::io::Error> + Clone) {
    /// let layer = KeyedBulkheadLayer::per_authority(100, 1).hold(ToEnd);
    /// let slots = layer.slots().clone();
    /// let client = over(layer, client); // hyper's, or any service of http requests
    ///
    /// let get = async |uri: &str| client.clone().oneshot(Request::get(uri).body(Body::empty()).unwrap()).await;
    /// let page = get("https://slow.test/").await.unwrap(); // whose body is not read
    /// assert_eq!(get("https://slow.test/").await.unwrap_err().to_string(), "no free slot");
    /// assert!(get("https://quick.test/").await.is_ok());
    /// assert_eq!(slots.known("slow.test").unwrap().in_flight(), 1);
    /// # drop(page);
    /// # }
    /// # main_of(client);
    /// ```
    #[must_use]
    pub fn per_authority(bound: usize, limit: u32) -> Self {
        Self::over_authorities(&KeyedSlots::new(bound, limit))
    }

    /// The same over slots that are there already: shared by several clients, or named otherwise.
    #[must_use]
    pub fn over_authorities(slots: &KeyedSlots) -> Self {
        KeyedBulkheadLayer::by(slots, per_authority())
    }
}

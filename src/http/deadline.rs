//! Deadlines in: from a header or the request's extensions into the scope of the call.

use crate::{
    clock,
    deadline::{Deadline, Scope},
};
use ::http::{HeaderMap, HeaderName, Request};
use std::{
    task::{Context, Poll},
    time::Duration,
};
use tower_layer::Layer;
use tower_service::Service;

/// Gives each call the deadline that its request brings along.
///
/// The trouble: a caller that waits two seconds tells nobody, and everything behind it works on for an answer that will
/// be thrown away. This layer finds the caller's deadline and makes it [`Deadline::current`] for the call and its polls;
/// every layer inside that waits then takes the smaller of its own limit and the time left.
///
/// A [`Deadline`] in the request's extensions always counts: it is how one survives a `Buffer` or a spawn, and it was put
/// there by your own code. A header comes from outside and counts only with [`trust_deadline`](Self::trust_deadline).
/// Whatever is found only ever shortens the deadline in force.
///
/// ```
/// # use std::{convert::Infallible, time::Duration};
/// use buttress::{Deadline, clock, http::DeadlineLayer};
/// # use axum::{body::Body, extract::Request, response::Response};
/// # use tower::{Layer, ServiceExt};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let handler = tower::service_fn(|_: Request| async {
///     let left = Deadline::current().map(|end| end.remaining(clock::now()));
///     assert_eq!(left, Some(Duration::from_millis(250)));
///     Ok::<_, Infallible>(Response::new(Body::empty()))
/// });
/// let svc = DeadlineLayer::new().trust_deadline(Duration::from_secs(10)).layer(handler);
/// let request = Request::get("/").header("x-request-timeout-ms", "250").body(Body::empty()).unwrap();
/// svc.oneshot(request).await.unwrap();
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct DeadlineLayer<R = HeaderMillis> {
    read: R,
    /// The longest that a header is believed; `None`: headers are not read.
    trusted: Option<Duration>,
}

impl DeadlineLayer {
    /// Deadlines from the request's extensions; with [`trust_deadline`](Self::trust_deadline), also from the header
    /// `x-request-timeout-ms`.
    #[must_use]
    pub const fn new() -> Self {
        Self::reading(HeaderMillis { name: HeaderName::from_static("x-request-timeout-ms") })
    }

    /// Another header of the same form: a whole number of milliseconds. Envoy, for one, writes
    /// `x-envoy-expected-rq-timeout-ms`.
    #[must_use]
    pub fn header(mut self, name: HeaderName) -> Self {
        self.read.name = name;
        self
    }
}

impl Default for DeadlineLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> DeadlineLayer<R> {
    /// Deadlines from the request's extensions; with [`trust_deadline`](Self::trust_deadline), also as `read` finds them
    /// in the headers.
    pub const fn reading(read: R) -> Self {
        Self { read, trusted: None }
    }

    /// Believes the header, but never longer than `max`. A value that cannot be read counts as none; zero has passed
    /// already.
    #[must_use]
    pub fn trust_deadline(mut self, max: Duration) -> Self {
        self.trusted = Some(max);
        self
    }
}

impl<S, R: Clone> Layer<S> for DeadlineLayer<R> {
    type Service = DeadlineService<S, R>;

    fn layer(&self, inner: S) -> DeadlineService<S, R> {
        DeadlineService { inner, read: self.read.clone(), trusted: self.trusted }
    }
}

/// Finds in the headers how long the caller waits.
pub trait ReadTimeout {
    /// The time the caller gives, from now on; `None` where it does not say, or says it in a way that cannot be read.
    fn read(&self, headers: &HeaderMap) -> Option<Duration>;
}

/// A header that holds a whole number of milliseconds.
#[derive(Clone, Debug)]
pub struct HeaderMillis {
    name: HeaderName,
}

impl ReadTimeout for HeaderMillis {
    fn read(&self, headers: &HeaderMap) -> Option<Duration> {
        let digits = headers.get(&self.name)?.to_str().ok()?.trim();
        // `parse` alone would take a sign.
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // More digits than a u64 holds are a very long time, not nonsense.
        Some(Duration::from_millis(digits.parse().unwrap_or(u64::MAX)))
    }
}

/// A service whose calls run under the deadline of their request. See [`DeadlineLayer`].
#[derive(Clone, Debug)]
pub struct DeadlineService<S, R = HeaderMillis> {
    inner: S,
    read: R,
    trusted: Option<Duration>,
}

impl<S, R: ReadTimeout> DeadlineService<S, R> {
    /// The clock is read only where a header was found.
    fn find(&self, headers: &HeaderMap) -> Option<Deadline> {
        let max = self.trusted?;
        let given = self.read.read(headers)?;
        Some(Deadline::after(clock::now(), given.min(max)))
    }
}

impl<S, B, R> Service<Request<B>> for DeadlineService<S, R>
where
    S: Service<Request<B>>,
    R: ReadTimeout,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Scope<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let carried = request.extensions().get::<Deadline>().copied();
        let found = Deadline::earlier(self.find(request.headers()), carried);
        let Some(deadline) = Deadline::earlier(found, Deadline::current()) else {
            return Scope::new(None, self.inner.call(request));
        };
        // For whoever is behind a `Buffer` or a spawn, and has another copy of this layer.
        if carried != Some(deadline) {
            request.extensions_mut().insert(deadline);
        }
        let call = deadline.sync_scope(|| self.inner.call(request));
        deadline.scope(call)
    }
}

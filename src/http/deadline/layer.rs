//! Deadlines in: from a header or the request's extensions into the scope of the call.

use super::{DeadlineService, HeaderMillis};
use crate::clock::GRAIN;
use ::http::HeaderName;
use std::time::Duration;
use tower_layer::Layer;

/// Gives each call the deadline that its request brings along.
///
/// The trouble: a caller that waits two seconds tells nobody, and everything behind it works on for an answer that will
/// be thrown away. This layer finds the caller's deadline and makes it [`Deadline::current`](crate::Deadline::current) for the call and its polls;
/// every layer inside that waits then takes the smaller of its own limit and the time left. It makes the deadline known
/// and cuts nothing itself: inside it stands a [`TimeoutLayer`](crate::timeout::TimeoutLayer) or
/// [`TotalLayer`](crate::timeout::TotalLayer), which refuses what comes too late and cuts what takes too long.
///
/// A [`Deadline`](crate::Deadline) in the request's extensions always counts: it is how one survives a `Buffer` or a spawn, and it was put
/// there by your own code. A header comes from outside and counts only with [`trust_deadline`](Self::trust_deadline).
/// Whatever is found only ever shortens the deadline in force. For those that bring none, or one that cannot be read, there
/// is [`at_most`](Self::at_most).
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
    trust: Trust,
}

/// How far a caller is believed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trust {
    /// The longest that a header is believed; `None`: headers are not read.
    pub(super) header: Option<Duration>,
    /// What every request gets at most, whatever it says.
    pub(super) at_most: Option<Duration>,
}

impl DeadlineLayer {
    /// Deadlines from the request's extensions; with [`trust_deadline`](Self::trust_deadline), also from the header
    /// `x-request-timeout-ms`.
    #[must_use]
    pub const fn new() -> Self {
        Self::reading(HeaderMillis::new(super::millis::NAME))
    }

    /// Another header of the same form, which is that of [`HeaderMillis`]: a whole number of milliseconds. Envoy, for one, writes
    /// `x-envoy-expected-rq-timeout-ms`.
    #[must_use]
    pub fn header(mut self, name: HeaderName) -> Self {
        self.read = HeaderMillis::new(name);
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
        Self { read, trust: Trust { header: None, at_most: None } }
    }

    /// Believes the header, but never longer than `max`. A value that cannot be read counts as none; zero has passed
    /// already. A `max` of zero is a millisecond.
    #[must_use]
    pub fn trust_deadline(mut self, max: Duration) -> Self {
        self.trust.header = Some(max.max(GRAIN));
        self
    }

    /// Every request has so long at most, from its arrival: also one that brings no deadline, or one that cannot be read
    /// or is not believed. Without it, such a request has none. Zero is a millisecond.
    ///
    /// ```
    /// # use std::{convert::Infallible, time::Duration};
    /// # use buttress::{Deadline, clock, http::DeadlineLayer};
    /// # use axum::{body::Body, extract::Request, response::Response};
    /// # use tower::{Layer, ServiceExt};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// # let handler = tower::service_fn(|_: Request| async {
    /// #     let left = Deadline::current().map(|end| end.remaining(clock::now()));
    /// #     assert_eq!(left, Some(Duration::from_secs(5)));
    /// #     Ok::<_, Infallible>(Response::new(Body::empty()))
    /// # });
    /// let layer = DeadlineLayer::new().trust_deadline(Duration::from_secs(30)).at_most(Duration::from_secs(5));
    /// # let request = Request::get("/").header("x-request-timeout-ms", "soon").body(Body::empty()).unwrap();
    /// # layer.layer(handler).oneshot(request).await.unwrap();
    /// # }
    /// ```
    #[must_use]
    pub fn at_most(mut self, limit: Duration) -> Self {
        self.trust.at_most = Some(limit.max(GRAIN));
        self
    }
}

impl<R> DeadlineLayer<R> {
    /// How far the header is believed; nothing where it is not.
    pub(crate) const fn trusted(&self) -> Option<Duration> {
        self.trust.header
    }
}

impl<S, R: Clone> Layer<S> for DeadlineLayer<R> {
    type Service = DeadlineService<S, R>;

    fn layer(&self, inner: S) -> DeadlineService<S, R> {
        DeadlineService::new(inner, self.read.clone(), self.trust)
    }
}

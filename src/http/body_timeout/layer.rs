//! The layer: which limits there are.

use super::BodyTimeout;
use crate::telemetry::{Observed, Observer};
use std::time::Duration;
use tower_layer::Layer;

/// Cuts response bodies that take too long: in all, or between two frames.
///
/// Without a limit set it still ends a body at the deadline of its request. A body that is cut ends in the error
/// [`Lifted::Rejected`](crate::Lifted), after the body inside was dropped with its
/// [`Cause`](crate::cause::Cause).
///
/// - [`to_end`](Self::to_end) runs from the head of the response to the end of its body, whoever is slow.
/// - [`idle`](Self::idle) is the longest silence of the sender: it runs from the first `Pending` after a frame, so a slow
///   reader does not use it up.
///
/// ```
/// use std::time::Duration;
/// use buttress::{Rejected, http::BodyTimeoutLayer, rejected::Reason};
/// use http_body_util::{BodyExt, StreamBody};
/// # use std::convert::Infallible;
/// # use bytes::Bytes;
/// # use http::{Request, Response};
/// # use http_body::Frame;
/// # use tower::{Layer, ServiceExt};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// // a server whose bodies never come
/// let server = tower::service_fn(|_: Request<()>| async {
///     let silent = futures_util::stream::pending::<Result<Frame<Bytes>, Infallible>>();
///     Ok::<_, Infallible>(Response::new(StreamBody::new(silent)))
/// });
/// let client = BodyTimeoutLayer::new().idle(Duration::from_secs(5)).layer(server);
///
/// let response = client.oneshot(Request::new(())).await.unwrap();
/// let error = response.into_body().collect().await.unwrap_err();
/// assert_eq!(Rejected::find(&error).unwrap().reason(), Reason::TimedOut);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BodyTimeoutLayer {
    settings: Settings,
}

/// What layer, service and body share.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) to_end: Duration,
    pub(super) idle: Duration,
    pub(super) name: &'static str,
    pub(super) observed: Observed,
}

const NAME: &str = "body timeout";

impl BodyTimeoutLayer {
    /// No limit but the deadline of the request.
    #[must_use]
    pub const fn new() -> Self {
        let settings =
            Settings { to_end: Duration::MAX, idle: Duration::MAX, name: NAME, observed: Observed::new() };
        Self { settings }
    }

    /// From the head to the end of the body. Zero is taken as one millisecond, the grain of the timer;
    /// [`Duration::MAX`], the default, is no limit.
    #[must_use]
    pub const fn to_end(mut self, limit: Duration) -> Self {
        self.settings.to_end = limit;
        self
    }

    /// The longest silence between two frames. Zero is taken as one millisecond; [`Duration::MAX`], the default, is no
    /// limit.
    #[must_use]
    pub const fn idle(mut self, limit: Duration) -> Self {
        self.settings.idle = limit;
        self
    }

    /// The name in rejections and events; `"body timeout"` where none is set, or an empty one.
    #[must_use]
    pub const fn name(mut self, name: &'static str) -> Self {
        self.settings.name = if name.is_empty() { NAME } else { name };
        self
    }

    /// Lets `observer` hear what this layer decides.
    #[must_use]
    pub fn observe(mut self, observer: impl Observer) -> Self {
        self.settings.observed = Observed::by(observer);
        self
    }
}

impl Default for BodyTimeoutLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for BodyTimeoutLayer {
    type Service = BodyTimeout<S>;

    fn layer(&self, inner: S) -> BodyTimeout<S> {
        BodyTimeout::new(inner, self.settings.clone())
    }
}

//! Deadlines out: the layer, and what a user sets.

use super::{HeaderMillis, SendDeadline};
use crate::telemetry::{Observed, Observer};
use ::http::HeaderName;
use std::time::Duration;
use tower_layer::Layer;

/// Tells the next hop how long it may take: what is left of the deadline, in a header.
///
/// The trouble: this service knows that its caller waits two seconds, and gives up in time. Those that it calls know
/// nothing of it and work on, for an answer that nobody reads. This layer writes what is left into each outgoing request;
/// a [`DeadlineLayer`](super::DeadlineLayer) over there reads it. With gRPC it is
/// [`grpc::send_deadline()`](crate::grpc).
///
/// What is left is that of the [`Deadline`](crate::Deadline) in force, or of the one in the request's extensions (so that one
/// survives a `Buffer`), whichever is earlier, less the [`margin`](Self::margin). What the header holds is a time and not an
/// instant, since no two clocks agree; and it is never more than what is left. A header that is there already is only
/// ever shortened. Where no deadline is known, none is told, unless there is an [`at_most`](Self::at_most).
///
/// **A call whose time has passed is refused before it starts**, as
/// [`DeadlinePassed`](crate::rejected::Reason::DeadlinePassed) that reached nothing. So is one with too little left to be
/// told: less than a millisecond.
///
/// It stands inside the retry, so that every attempt tells what is left by then, and next to the client, where no queue comes
/// after it. It cuts nothing: that is for the [`TimeoutLayer`](crate::timeout::TimeoutLayer) outside of it. All that it
/// allocates is the header value.
///
/// ```
/// use std::time::Duration;
/// use buttress::{Deadline, Lifted, clock, http::SendDeadlineLayer, rejected::Reason};
/// # use std::convert::Infallible;
/// # use tower::{Service, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let next_hop = tower::service_fn(|request: http::Request<()>| async move {
///     Ok::<_, Infallible>(request.headers()["x-request-timeout-ms"].clone())
/// });
/// let mut client = buttress::over(SendDeadlineLayer::new().margin(Duration::from_millis(20)), next_hop);
///
/// let deadline = Deadline::after(clock::now(), Duration::from_millis(200));
/// deadline.scope(async {
///     tokio::time::sleep(Duration::from_millis(50)).await; // what was done here so far
///     let told = client.ready().await.unwrap().call(http::Request::new(())).await.unwrap();
///     assert_eq!(told, "130");
///
///     tokio::time::sleep(Duration::from_millis(130)).await;
///     let Err(Lifted::Rejected(no)) = client.call(http::Request::new(())).await else { panic!("too late") };
///     assert_eq!((no.reason(), no.reached()), (Reason::DeadlinePassed, false));
/// })
/// .await;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SendDeadlineLayer<W = HeaderMillis> {
    settings: Settings<W>,
}

/// What layer and service share.
#[derive(Clone, Debug)]
pub(super) struct Settings<W> {
    pub(super) form: W,
    pub(super) margin: Duration,
    pub(super) at_most: Option<Duration>,
    pub(super) name: &'static str,
    pub(super) observed: Observed,
}

const NAME: &str = "deadline";

impl SendDeadlineLayer {
    /// In the header `x-request-timeout-ms`: see [`HeaderMillis`].
    #[must_use]
    pub const fn new() -> Self {
        Self::writing(HeaderMillis::new(super::millis::NAME))
    }

    /// In another header of the same form.
    #[must_use]
    pub fn header(mut self, name: HeaderName) -> Self {
        self.settings.form = HeaderMillis::new(name);
        self
    }
}

impl Default for SendDeadlineLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<W> SendDeadlineLayer<W> {
    /// In a form of one's own.
    pub const fn writing(form: W) -> Self {
        let observed = Observed::new();
        Self { settings: Settings { form, margin: Duration::ZERO, at_most: None, name: NAME, observed } }
    }

    /// Holds back so much of what is left, none unless it is set: the time that the answer needs for its way back, and this
    /// service for what it does with it. The deadline of the call inside is earlier by as much.
    #[must_use]
    pub fn margin(mut self, margin: Duration) -> Self {
        self.settings.margin = margin;
        self
    }

    /// Tells no more than `limit`, and tells it where no deadline is known: the limit of one attempt, say, after which
    /// nobody waits for this answer any more. Zero is a millisecond.
    #[must_use]
    pub fn at_most(mut self, limit: Duration) -> Self {
        self.settings.at_most = Some(limit.max(crate::clock::GRAIN));
        self
    }

    /// The name in rejections and events; `"deadline"` where none is set, or an empty one.
    #[must_use]
    pub const fn name(mut self, name: &'static str) -> Self {
        self.settings.name = if name.is_empty() { NAME } else { name };
        self
    }

    /// Lets `observer` hear what this layer refuses.
    #[must_use]
    pub fn observe(mut self, observer: impl Observer) -> Self {
        self.settings.observed = Observed::by(observer);
        self
    }
}

impl<S, W: Clone> Layer<S> for SendDeadlineLayer<W> {
    type Service = SendDeadline<S, W>;

    fn layer(&self, inner: S) -> SendDeadline<S, W> {
        SendDeadline::new(inner, self.settings.clone())
    }
}

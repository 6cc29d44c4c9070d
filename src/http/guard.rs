//! A server's whole stack in one word: lift, layers, answers.

use super::{Problem, Respond, RespondLayer};
use crate::rejected::{Lift, lift};
use tower_layer::Layer;

/// Puts a stack around a server, and answers what it refuses or cuts.
///
/// The stack is a layer, a tuple of layers, or a `ServiceBuilder`. Fits `Router::layer`, `Router::route_layer`, a
/// handler's `.layer`, and hyper. The error of the router stays `Infallible`.
///
/// The response body has to be made of bytes (`B: From<Bytes>`): axum's `Body` and `Full<Bytes>` are. Foreign layers that
/// wrap the body in a type of their own (tracing, compression) stand outside the guard.
///
/// ```
/// # use std::time::Duration;
/// use axum::{Router, routing::get};
/// use buttress::{http, timeout::TimeoutLayer};
///
/// let app: Router = Router::new()
///     .route("/", get(|| async { "hello" }))
///     .layer(http::guard(TimeoutLayer::new(Duration::from_secs(3))));
/// # drop(app);
/// ```
pub const fn guard<L>(stack: L) -> Guard<L> {
    Guard { stack, render: Problem }
}

/// The layer that [`guard`] gives.
///
/// It can be named, for a field or a return type: `Guard<TimeoutLayer>`, `Guard<(DeadlineLayer, TimeoutLayer)>`.
#[derive(Clone, Copy, Debug)]
pub struct Guard<L, R = Problem> {
    stack: L,
    render: R,
}

impl<L, R> Guard<L, R> {
    /// A guard that answers in another way.
    pub const fn with(stack: L, render: R) -> Self {
        Self { stack, render }
    }

    /// Answers rejections in a way of your own.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use axum::{Router, body::Body, http::StatusCode, response::{IntoResponse, Response}, routing::get};
    /// # use buttress::{Rejected, http, timeout::TimeoutLayer};
    /// let stack = http::guard(TimeoutLayer::new(Duration::from_secs(3)))
    ///     .render(|why: &Rejected| (StatusCode::SERVICE_UNAVAILABLE, why.to_string()).into_response());
    /// let app: Router = Router::new().route("/", get(|| async { "hello" })).layer(stack);
    /// # drop(app);
    /// ```
    pub fn render<N>(self, render: N) -> Guard<L, N> {
        Guard { stack: self.stack, render }
    }
}

impl<S, L, R> Layer<S> for Guard<L, R>
where
    L: Layer<Lift<S>>,
    R: Clone,
{
    type Service = Respond<L::Service, R>;

    fn layer(&self, inner: S) -> Self::Service {
        RespondLayer::with(self.render.clone()).layer(self.stack.layer(lift().layer(inner)))
    }
}

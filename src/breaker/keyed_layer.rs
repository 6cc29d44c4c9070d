//! The layer: a circuit for each key, around one service.

use super::{Circuits, KeyedBreaker};
use crate::{
    keyed,
    outcome::{By, Classify, ErrorsFail, Outcome},
};
use std::{borrow::Cow, fmt};
use tower_layer::Layer;

/// Puts [`Circuits`] around a service that reaches many: each call asks the circuit of its key.
///
/// | question | answer |
/// |---|---|
/// | `poll_ready` | asks inside, and nothing else: it cannot know which key comes next. The circuit is asked in `call`, before the inside is called |
/// | an inner service that is not ready | is not ready for any key: where one host may block it for all, put a breaker into each host's own service instead |
/// | an error of the inside in `poll_ready` | passes through, and counts for no circuit: it has no key |
/// | a request without a key | passes through, uncounted |
/// | everything else | as in the [`BreakerLayer`](super::BreakerLayer) |
///
/// HTTP clients are keyed by authority in one word, `KeyedBreakerLayer::per_authority` (feature `http`). By anything else,
/// here a route that the router has left in the request:
///
/// ```
/// use std::borrow::Cow;
/// use axum::{Router, extract::{MatchedPath, Request}, http::StatusCode, routing::get};
/// use buttress::{breaker::{Circuits, KeyedBreakerLayer, Policy, State, Trip}, http};
/// # use axum::body::Body;
/// # use tower::ServiceExt;
///
/// let circuits = Circuits::new(100, &Policy::new().trip(Trip::consecutive(2)));
/// let by_route = KeyedBreakerLayer::new(&circuits, |request: &Request| {
///     request.extensions().get::<MatchedPath>().map(|route| Cow::from(route.as_str()))
/// });
/// let app: Router = Router::new()
///     .route("/orders/{id}", get(|| async { StatusCode::BAD_GATEWAY }))
///     .route("/health", get(|| async { "well" }))
///     .route_layer(http::guard(by_route.classify(http::ByStatus)));
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main_of(app: Router, circuits: Circuits) {
/// # let call = async |path: &str| app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
/// for path in ["/orders/1", "/orders/2"] {
///     assert_eq!(call(path).await.status(), 502);
/// }
/// assert_eq!(call("/orders/3").await.status(), 503); // refused
/// assert_eq!(call("/health").await.status(), 200);
/// assert_eq!(circuits.known("/orders/{id}").unwrap().state(), State::Open);
/// # }
/// # main_of(app, circuits);
/// ```
pub struct KeyedBreakerLayer<K, P, C = ErrorsFail> {
    circuits: Circuits<K>,
    key_of: P,
    classify: C,
}

impl<K, F, Q: ?Sized> KeyedBreakerLayer<K, keyed::By<F, Q>> {
    /// Around these circuits, by the key that `key` finds in a request: every error is a failure, every response a success.
    #[must_use]
    pub fn new<Req>(circuits: &Circuits<K>, key: F) -> Self
    where
        F: for<'r> Fn(&'r Req) -> Option<Cow<'r, Q>>,
        Q: ToOwned<Owned = K>,
    {
        Self::by(circuits, keyed::By::new(key))
    }
}

impl<K, P> KeyedBreakerLayer<K, P> {
    /// The same, by whatever finds the key.
    #[must_use]
    pub fn by(circuits: &Circuits<K>, key_of: P) -> Self {
        Self { circuits: circuits.clone(), key_of, classify: ErrorsFail }
    }
}

impl<K, P, C> KeyedBreakerLayer<K, P, C> {
    /// Reads results by `classify`: `http::ByStatus` and `grpc::ByStatus` are two.
    #[must_use]
    pub fn classify<D>(self, classify: D) -> KeyedBreakerLayer<K, P, D> {
        let Self { circuits, key_of, .. } = self;
        KeyedBreakerLayer { circuits, key_of, classify }
    }

    /// Reads results by a function.
    #[must_use]
    pub fn classify_by<Res, E, F>(self, classify: F) -> KeyedBreakerLayer<K, P, By<F>>
    where
        F: Fn(Result<&Res, &E>) -> Outcome,
        By<F>: Classify<Res, E>,
    {
        self.classify(By(classify))
    }

    /// The circuits.
    #[must_use]
    pub const fn circuits(&self) -> &Circuits<K> {
        &self.circuits
    }
}

impl<S, K, P: Clone, C: Clone> Layer<S> for KeyedBreakerLayer<K, P, C> {
    type Service = KeyedBreaker<S, K, P, C>;

    fn layer(&self, inner: S) -> Self::Service {
        KeyedBreaker::new(inner, self.circuits.clone(), self.key_of.clone(), self.classify.clone())
    }
}

impl<K, P: Clone, C: Clone> Clone for KeyedBreakerLayer<K, P, C> {
    fn clone(&self) -> Self {
        let Self { circuits, key_of, classify } = self;
        Self { circuits: circuits.clone(), key_of: key_of.clone(), classify: classify.clone() }
    }
}

impl<K, P, C> fmt::Debug for KeyedBreakerLayer<K, P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBreakerLayer").field("circuits", &self.circuits).finish_non_exhaustive()
    }
}

//! The last good response, with its body.

use super::{
    ByKey, ByUri, Degrading, KeepBody, RequestKey,
    keep_body::{Collect, Room},
    key::UriKey,
    page::{Fate, Page, fate, lasting, size},
};
use crate::{
    clock::{self, Instant},
    fallback::{Bounds, FallbackLayer, Given, Kept, Signed, Source, Store, Why},
    http::ByStatus,
    telemetry::FallbackKind,
};
use ::http::{Request, Response};
use bytes::Bytes;
use http_body::Body;
use std::{
    fmt,
    future::{Ready, ready},
    hash::Hash,
    sync::{Arc, atomic::AtomicUsize},
};

/// A fallback that answers with the last good response for the same URI and host, marked as [`Degraded`](super::Degraded).
///
/// Kept are answers with status 200 to a `GET` without `Authorization`, `Cookie` or `Range`, unless they say
/// `Cache-Control: no-store` or `private`, `Set-Cookie` or `Vary`. What was kept is forgotten once the service says 404, 410
/// or that it is not to be kept. **If something else tells callers apart** (a header of
/// your own, a client certificate), answers with `no-store`, or use [`last_good_by`] with that in the key. Inside a nested
/// axum router the URI is the rest of the path: give each nest a layer value of its own.
///
/// Bodies are passed on as they come, and copied beside where it is time to keep one ([`Bounds::refresh`]). A body over
/// [`Bounds::each`], one that breaks off, and one that is not read to its end are passed on and not kept. All bodies that
/// are being copied take together no more than [`Bounds::size`].
///
/// ```
/// use std::time::Duration;
/// use axum::{Router, body::{Body, to_bytes}, http::Request, routing::get};
/// use buttress::{fallback::Bounds, http::{self, Degraded}, outcome::Class};
/// use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
/// # use axum::http::StatusCode;
/// # use tower::ServiceExt;
///
/// static DOWN: AtomicBool = AtomicBool::new(false);
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let app: Router = Router::new()
///     .route("/offers", get(|| async {
///         if DOWN.load(Relaxed) { Err(StatusCode::SERVICE_UNAVAILABLE) } else { Ok("three for two") }
///     }))
///     .layer(http::guard(http::last_good(Bounds::age(Duration::from_secs(600))).also_on([Class::Failed])));
/// let page = || async {
///     let answer = app.clone().oneshot(Request::get("/offers").body(Body::empty()).unwrap()).await.unwrap();
///     let age = answer.extensions().get::<Degraded>().and_then(Degraded::age);
///     (to_bytes(answer.into_body(), 100).await.unwrap(), age)
/// };
/// assert_eq!(page().await, ("three for two".into(), None));
/// DOWN.store(true, Relaxed);
/// tokio::time::advance(Duration::from_secs(5)).await;
/// assert_eq!(page().await, ("three for two".into(), Some(Duration::from_secs(5))));
/// # }
/// ```
#[must_use]
pub fn last_good(bounds: Bounds) -> FallbackLayer<Degrading<LastGood<ByUri, UriKey>>, ByStatus> {
    keeping(bounds, ByUri { _more: () })
}

/// A fallback that answers with the last good response for the same key, marked as [`Degraded`](super::Degraded).
///
/// `key` says which requests have the same answer; `None` for one whose answer is neither kept nor given. It is asked for
/// every request, whatever its method, and answers for whatever the response varies by: the caller too. Kept are answers
/// with status 200, unless they say `Cache-Control: no-store` or `Set-Cookie`. Keys are bounded by number only, so let
/// them be short. For the rest see [`last_good`].
///
/// ```
/// # use std::time::Duration;
/// use axum::extract::Request;
/// use buttress::{fallback::Bounds, http};
///
/// // answers are kept for each tenant
/// let layer = http::last_good_by(Bounds::age(Duration::from_secs(60)), |request: &Request| {
///     let tenant = request.headers().get("x-tenant")?.clone();
///     (request.method() == "GET").then(|| (tenant, request.uri().clone()))
/// });
/// # drop(layer);
/// ```
#[must_use]
pub fn last_good_by<B, K, F>(
    bounds: Bounds,
    key: F,
) -> FallbackLayer<Degrading<LastGood<ByKey<F>, K>>, ByStatus>
where
    F: Fn(&Request<B>) -> Option<K>,
    K: Hash + Eq,
{
    keeping(bounds, ByKey(key))
}

fn keeping<G, K: Hash + Eq>(bounds: Bounds, key: G) -> FallbackLayer<Degrading<LastGood<G, K>>, ByStatus> {
    let pages = Arc::new(Pages { store: Store::new(bounds), collected: Arc::default() });
    FallbackLayer::source(LastGood { key, pages }).http()
}

/// The last good response for the same key; what [`last_good`] and [`last_good_by`] make.
pub struct LastGood<G, K> {
    key: G,
    pages: Arc<Pages<K>>,
}

struct Pages<K> {
    store: Store<K, Page>,
    /// Bytes of bodies that are being collected.
    collected: Arc<AtomicUsize>,
}

impl<G: Clone, K> Clone for LastGood<G, K> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), pages: Arc::clone(&self.pages) }
    }
}

impl<Q, B, E, G> Source<Request<Q>, Response<B>, E> for LastGood<G, G::Key>
where
    G: RequestKey<Q, Key: Send + Sync + 'static>,
    B: Body<Data = Bytes>,
{
    type Response = Response<KeepBody<B>>;
    type Kept = Kept<G::Key>;
    type Future = Ready<Option<Given<Self::Response>>>;
    const KIND: FallbackKind = FallbackKind::LastGood;
    const WAITS: bool = false;

    #[inline]
    fn keep(&self, request: &Request<Q>) -> Self::Kept {
        Kept(self.key.key(request).map(|key| self.pages.store.sign(key)))
    }

    #[inline]
    fn good(&self, Kept(key): Self::Kept, response: Response<B>) -> Self::Response {
        let collect = key.and_then(|key| {
            let now = clock::now();
            if self.pages.store.claim(&key, now) { self.keep_page(key, &response, now) } else { None }
        });
        response.map(|body| KeepBody::passing(body, collect))
    }

    fn pass(response: Response<B>) -> Self::Response {
        response.map(|body| KeepBody::passing(body, None))
    }

    fn answer(&self, Kept(key): Self::Kept, _: Result<&Response<B>, &E>, _: &Why) -> Self::Future {
        let found = key.and_then(|key| self.pages.store.get(&key, clock::now()));
        ready(found.map(|(page, age)| Given::new(page.respond()).aged(age)))
    }
}

impl<G, K: Hash + Eq + Send + Sync + 'static> LastGood<G, K> {
    /// Begins to collect the body of a good response, or keeps it at once where there is none.
    #[cold]
    fn keep_page<Q, B>(&self, key: Signed<K>, response: &Response<B>, now: Instant) -> Option<Box<Collect>>
    where
        G: RequestKey<Q, Key = K>,
        B: Body<Data = Bytes>,
    {
        let store = &self.pages.store;
        match fate(response, G::SHARED) {
            Fate::Keep => {}
            Fate::Leave => return None,
            Fate::Forget => {
                store.forget(&key);
                return None;
            }
        }
        let bounds = store.bounds();
        let head = G::size(key.key()).saturating_add(size(response.headers()));
        let most = bounds.largest().checked_sub(head)?;
        let body = response.body();
        if body.size_hint().lower() > most as u64 {
            return None;
        }
        let headers = lasting(response.headers());
        if body.is_end_stream() {
            store.put(key, Page { headers, body: Bytes::new(), trailers: None }, head, now);
            return None;
        }
        let room = Room::new(Arc::clone(&self.pages.collected), bounds.size);
        let pages = Arc::clone(&self.pages);
        Some(Box::new(Collect::new(most, room, move |body, trailers| {
            let size = head + body.len() + trailers.as_ref().map_or(0, size);
            pages.store.put(key, Page { headers, body, trailers }, size, now);
        })))
    }
}

impl<G, K: Hash + Eq> fmt::Debug for LastGood<G, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastGood").field("store", &self.pages.store).finish_non_exhaustive()
    }
}

//! A service that counts what it does, a store that can be made to fail, and a client that sends what it is told to.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, Method, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use buttress::{
    http::IdempotencyLayer,
    idempotency::{
        Attempt, Claim, Effects, Ending, Hold, KeyStore, Lost, Parked, RecordId, Recovery, Resolution,
        StoreError, Trouble,
    },
    store::memory::MemoryStore,
    telemetry::Event,
};
use bytes::Bytes;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};
use tower::ServiceExt as _;

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// The caller, as whatever authenticates would have left it.
pub(crate) fn tenant(head: &Parts) -> Option<Vec<u8>> {
    head.headers.get("x-tenant").map(|tenant| tenant.as_bytes().to_vec())
}

pub(crate) fn layer(effects: Effects) -> IdempotencyLayer<Store> {
    IdempotencyLayer::new(Store::default(), tenant, effects)
}

pub(crate) fn plain() -> IdempotencyLayer<Store> {
    layer(Effects::Plain)
}

/// What the handler did, counted.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<AtomicU32>);

impl Ledger {
    pub(crate) fn effect(&self) -> u32 {
        self.0.fetch_add(1, SeqCst) + 1
    }

    pub(crate) fn effects(&self) -> u32 {
        self.0.load(SeqCst)
    }
}

/// Every request, under the layer.
pub(crate) fn serve<S, H, F>(layer: IdempotencyLayer<S>, handler: H) -> Router
where
    S: KeyStore,
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    Router::new().fallback(handler).layer(layer)
}

/// One order for each run, named by its number.
pub(crate) fn orders(layer: IdempotencyLayer<Store>) -> (Router, Ledger) {
    let ledger = Ledger::default();
    let counted = ledger.clone();
    let app = serve(layer, move |_| {
        let number = counted.effect();
        async move { (StatusCode::CREATED, format!("order {number}")).into_response() }
    });
    (app, ledger)
}

/// The same, each taking so long.
pub(crate) fn slow(layer: IdempotencyLayer<Store>, takes: Duration) -> (Router, Ledger) {
    let ledger = Ledger::default();
    let counted = ledger.clone();
    let app = serve(layer, move |_| {
        let number = counted.effect();
        async move {
            tokio::time::sleep(takes).await;
            format!("order {number}").into_response()
        }
    });
    (app, ledger)
}

/// Runs once each, and answers what it is told.
pub(crate) fn answering(
    layer: IdempotencyLayer<Store>,
    answer: impl Fn() -> Response + Clone + Send + Sync + 'static,
) -> (Router, Ledger) {
    let ledger = Ledger::default();
    let counted = ledger.clone();
    let app = serve(layer, move |_| {
        counted.effect();
        let answer = answer();
        async move { answer }
    });
    (app, ledger)
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    pub(crate) fn is_replay(&self) -> bool {
        self.header("idempotency-replayed") == Some("true")
    }
}

pub(crate) async fn read(response: Response) -> Answer {
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a whole body");
    Answer { status: head.status.as_u16(), headers: head.headers, body }
}

/// A request by the usual tenant.
pub(crate) fn request(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Request {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "x-tenant") {
        request = request.header("x-tenant", "t");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).expect("a request")
}

pub(crate) async fn send(app: &Router, request: Request) -> Answer {
    read(app.clone().oneshot(request).await.expect("never an error")).await
}

/// `POST /orders` with that key and body.
pub(crate) async fn post(app: &Router, key: &str, body: &'static str) -> Answer {
    send(app, request(Method::POST, "/orders", &[("idempotency-key", key)], body)).await
}

/// The same on its way, begun.
pub(crate) async fn begin(app: &Router, key: &'static str) -> tokio::task::JoinHandle<Answer> {
    let app = app.clone();
    let task = tokio::spawn(async move { post(&app, key, "1").await });
    settle().await;
    task
}

/// Lets everything run that can, without time passing.
pub(crate) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// What listeners were told.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<&'static str>>>);

impl Heard {
    pub(crate) fn ears(&self) -> impl Fn(&Event<'_>) + Send + Sync + 'static {
        let heard = Arc::clone(&self.0);
        move |event: &Event<'_>| {
            if let Event::Idempotency { outcome, .. } = event {
                heard.lock().expect("not poisoned").push(outcome.as_str());
            }
        }
    }

    pub(crate) fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().expect("not poisoned"))
    }
}

/// Records in memory, behind switches.
#[derive(Clone, Default)]
pub(crate) struct Store {
    pub(crate) records: MemoryStore,
    pub(crate) switch: Arc<Switch>,
}

#[derive(Default)]
pub(crate) struct Switch {
    pub(crate) claims_down: AtomicBool,
    pub(crate) ends_down: AtomicBool,
    pub(crate) renewals_down: AtomicBool,
    /// So many answers to claims are lost from now on.
    pub(crate) lose_claims: AtomicU32,
    pub(crate) lose_ends: AtomicU32,
    /// Claims reach the store, and their answers take so long.
    pub(crate) claims_take: Mutex<Duration>,
    pub(crate) claims: AtomicU32,
    pub(crate) renewals: AtomicU32,
}

impl Switch {
    pub(crate) fn claims_take(&self, time: Duration) {
        *self.claims_take.lock().expect("not poisoned") = time;
    }
}

fn down() -> StoreError {
    StoreError::new(Trouble::Unavailable, "switched off")
}

fn is_lost(left: &AtomicU32) -> bool {
    left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok()
}

impl KeyStore for Store {
    async fn claim(&self, id: RecordId, attempt: Attempt) -> Result<Claim, StoreError> {
        self.switch.claims.fetch_add(1, SeqCst);
        if self.switch.claims_down.load(SeqCst) {
            return Err(down());
        }
        let told = self.records.claim(id, attempt).await;
        let takes = *self.switch.claims_take.lock().expect("not poisoned");
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        if is_lost(&self.switch.lose_claims) { Err(down()) } else { told }
    }

    async fn renew(&self, hold: Hold, lease: Duration) -> Result<(), Lost> {
        self.switch.renewals.fetch_add(1, SeqCst);
        if self.switch.renewals_down.load(SeqCst) {
            return Err(down().into());
        }
        self.records.renew(hold, lease).await
    }

    async fn finish(&self, hold: Hold, ending: Ending, ttl: Duration) -> Result<(), Lost> {
        if self.switch.ends_down.load(SeqCst) {
            return Err(down().into());
        }
        let told = self.records.finish(hold, ending, ttl).await;
        if is_lost(&self.switch.lose_ends) { Err(down().into()) } else { told }
    }

    async fn set_recovery(&self, hold: Hold, recovery: Recovery) -> Result<(), Lost> {
        self.records.set_recovery(hold, recovery).await
    }

    async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        self.records.purge(limit).await
    }

    async fn parked(&self, after: Option<RecordId>, limit: usize) -> Result<Vec<Parked>, StoreError> {
        self.records.parked(after, limit).await
    }

    async fn resolve(
        &self,
        id: RecordId,
        token: u64,
        resolution: Resolution,
        ttl: Duration,
    ) -> Result<(), Lost> {
        self.records.resolve(id, token, resolution, ttl).await
    }

    async fn changed(&self, id: RecordId) {
        self.records.changed(id).await;
    }
}

//! Idempotency keys in memory: the first request of a key, and the same once more, at few keys and at many.

use crate::{
    Batch, Row, requests,
    service::{Body, Page},
};
use buttress::{
    http::{IdempotencyLayer, Unscoped},
    idempotency::{
        Attempt, Claim, Effects, Ending, Fingerprint, Hold, KeyStore, OnLeaseOver, RecordId, Scope, Terms,
    },
    key::Key,
    store::memory::MemoryStore,
};
use http::{HeaderValue, Method, Request, Response};
use std::{
    convert::Infallible,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tower::{Layer, Service};

const MOMENT: Duration = Duration::from_millis(5);
const DAY: Duration = Duration::from_secs(86_400);

/// Keys that are there before the first call, and stay.
const KEYS: [(usize, &str); 3] = [
    (0, "buttress, no other key"),
    (10_000, "buttress, beside 10 000 keys"),
    (1_000_000, "buttress, beside 1 000 000 keys"),
];

pub(super) fn rows() -> Vec<Row> {
    let mut first = Row::new("idempotency: the first request of a key")
        .floor("no layer", || keyed(Page, Keys::Each))
        .ours("buttress, a handler that waits once", || keyed(layer(0, MOMENT).layer(Waits), Keys::Each));
    let mut replay =
        Row::new("idempotency: the same request again").floor("no layer", || keyed(Page, Keys::One));
    let mut none = Row::new("idempotency: a request without a key").floor("no layer", || unkeyed(Page));
    for (keys, name) in KEYS {
        first = first.ours(name, move || keyed(layer(keys, MOMENT).layer(Page), Keys::Each));
        replay = replay.ours(name, move || keyed(layer(keys, DAY).layer(Page), Keys::One));
        if keys > 100_000 {
            (first, replay) = (first.not_counted(), replay.not_counted());
        }
    }
    none = none.ours("buttress", || unkeyed(layer(0, MOMENT).layer(Page)));
    vec![first, replay, none]
}

/// Records of the calls live for a moment only, so that there are as many at the end as at the beginning. A replay keeps its
/// answer for the whole run.
fn layer(keys: usize, kept: Duration) -> IdempotencyLayer<MemoryStore> {
    let store = MemoryStore::new().max_records(keys + 50_000).max_bytes(usize::MAX / 2);
    fill(&store, keys);
    IdempotencyLayer::new(store, Unscoped, Effects::Keyed).lease(MOMENT).ttl(kept)
}

fn fill(store: &MemoryStore, keys: usize) {
    let scope = Scope::unscoped("others");
    for number in 0..keys {
        let id = RecordId::new(scope, &Key::from_bits(number as u128));
        let attempt = Attempt::new(Fingerprint::ANY, Terms::new(DAY, DAY, OnLeaseOver::Park));
        let Ok(Claim::Mine { token, .. }) = at_once(store.claim(id, attempt)) else {
            panic!("there is room")
        };
        let hold = Hold { id, token, nonce: attempt.nonce };
        at_once(store.finish(hold, Ending::Released, DAY)).expect("it is ours");
    }
}

/// A store in memory never waits.
fn at_once<F: Future>(step: F) -> F::Output {
    match pin!(step).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("a step in memory has waited"),
    }
}

/// A [`Page`] behind something that has to be waited for, so that it goes on in a task of its own.
#[derive(Clone, Copy)]
struct Waits;

impl Service<Request<Body>> for Waits {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Woken;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Woken {
        Woken { is_asked: false }
    }
}

/// Asks to be polled again, and answers then.
struct Woken {
    is_asked: bool,
}

impl Future for Woken {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.is_asked {
            return Poll::Ready(Ok(Response::new(Body::default())));
        }
        self.is_asked = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Which keys are sent.
#[derive(Clone, Copy, PartialEq)]
enum Keys {
    Each,
    One,
}

fn keyed<S>(service: S, keys: Keys) -> Batch
where
    S: Service<Request<Body>> + 'static,
    S::Error: std::fmt::Debug,
{
    // Another run of the same batch is not the same keys again.
    let mut run = 0_u64;
    requests(service, move |_| {
        run += 1;
        let number = if keys == Keys::One { 0 } else { run };
        let mut request = post();
        request.headers_mut().insert("idempotency-key", HeaderValue::from(number));
        request
    })
}

fn unkeyed<S>(service: S) -> Batch
where
    S: Service<Request<Body>> + 'static,
    S::Error: std::fmt::Debug,
{
    requests(service, |_| post())
}

fn post() -> Request<Body> {
    let mut request = Request::new(Body::default());
    *request.method_mut() = Method::POST;
    request
}

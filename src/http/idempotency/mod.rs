//! Idempotency keys on a server: an operation runs once, and everybody who asks again gets its answer.
//!
//! What a layer alone can promise: each key runs at most one attempt at a time, and an operation that has *completed* is not
//! run again. It cannot know what a process did between its effect and its record when it died there. Exactly one effect
//! needs one of three: the effect in the transaction of the record ([`Effects::SameTx`](crate::idempotency::Effects::SameTx)), phases that are written down
//! ([`Idem::phase`](crate::idempotency::Idem::phase)), or keys for the calls downstream that are derived from this one
//! ([`Effects::Keyed`](crate::idempotency::Effects::Keyed)). A handler that has none of them is
//! [`Effects::Plain`](crate::idempotency::Effects::Plain): where nobody knows, the layer says that nobody knows, and runs
//! nothing again.
//!
//! # The trouble
//!
//! The answer to a `POST` is lost, the client sends it again, and somebody pays twice. Or: both arrive at the same time. Or: the
//! client hangs up, the server stops half-way, and nobody ever learns what happened.
//!
//! # The call
//!
//! ```
//! use axum::{Router, body::Body, http::{Request, request::Parts}, routing::post};
//! use buttress::{http::IdempotencyLayer, idempotency::Effects, store::memory::MemoryStore};
//! use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
//! # use tower::ServiceExt;
//!
//! static PAID: AtomicU32 = AtomicU32::new(0);
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! // who asks: left in the extensions by whatever authenticates
//! #[derive(Clone)]
//! struct Account(u64);
//! let account = |head: &Parts| head.extensions.get::<Account>().map(|account| account.0.to_le_bytes());
//!
//! let app: Router = Router::new()
//!     .route("/payments", post(|| async { format!("payment {}", PAID.fetch_add(1, SeqCst) + 1) }))
//!     .layer(IdempotencyLayer::new(MemoryStore::new(), account, Effects::Plain));
//!
//! let pay = |amount: &'static str| {
//!     let request = Request::post("/payments").header("idempotency-key", "8e03978e").extension(Account(7));
//!     app.clone().oneshot(request.body(Body::from(amount)).unwrap())
//! };
//! let first = pay("10").await.unwrap();
//! let again = pay("10").await.unwrap();
//! assert_eq!(again.headers()["idempotency-replayed"], "true");
//! assert_eq!((first.status(), again.status(), PAID.load(SeqCst)), (200.try_into().unwrap(), 200.try_into().unwrap(), 1));
//!
//! // the same key for something else is a mistake
//! assert_eq!(pay("99").await.unwrap().status(), 422);
//! # }
//! ```
//!
//! # What is compared, kept and answered
//!
//! A request is known again by its key, its caller, and a fingerprint of method, path, query, content type and body. Kept are
//! status, headers (but those of one moment or one connection), body and trailers.
//!
//! | what comes | answer |
//! |---|---|
//! | the first with its key | runs; the answer is stored, then sent |
//! | again, once that is done | the stored answer, with `Idempotency-Replayed: true` |
//! | again, while it runs | 409 and `Retry-After`; with [`wait`](IdempotencyLayer::wait) first waits |
//! | again, when nobody knows | 409, without `Retry-After`, with `x-should-retry: false` |
//! | the key with another request | 422 |
//! | no key | runs unprotected; 400 where one is [`required`](IdempotencyLayer::required) |
//! | no key at all in what stands there | 400 |
//! | a body over 1 MiB | 413 |
//! | the store cannot be reached | 503; unprotected with [`fail_open`](IdempotencyLayer::fail_open) |
//! | the store is full, or has what cannot be read here | 503 |
//! | too many at once | 503, before anything is claimed |
//! | the deadline, before the inside is ready | 504, before anything is claimed |
//!
//! | the handler's answer | the record |
//! |---|---|
//! | carries an [`Outcome`](crate::idempotency::Outcome) | as that says |
//! | carries, or is, a rejection that reached nothing | released |
//! | 401, 403, 407, 408, 409, 421, 425, 429 | released |
//! | 5xx | `Plain`: stored. `Keyed`, `SameTx`: released, so that a retry runs it again |
//! | an error, a panic, a body that breaks off | `Plain`: parked. `Keyed`, `SameTx`: released |
//! | 101 | released, and passed on |
//! | a body over 1 MiB, events (`text/event-stream`) | passed on; stored without its body, so that who asks again is told 409 |
//! | everything else | stored |
//!
//! # Where it stands
//!
//! Inside authentication, limiters and load shedding, so that what they refuse claims nothing; outside timeouts, which then end an
//! attempt and not the wait of one caller; inside compression and whatever else wraps bodies. On `Router::layer`,
//! `route_layer` or a handler's `.layer`, alone or in [`guard`](super::guard).
//!
//! Once around a handler: under another layer over the same records the inner one finds the key in flight, by the outer one, and answers
//! 409. And inside of a nested router the path that it sees is the rest of it: `/v1/payments` and `/v2/payments` are both `/payments`
//! there, and one key sent to both is one operation. So put it outside, on the router that nests; or give each a
//! [`namespace`](IdempotencyLayer::namespace).
//!
//! # Cancel and clone
//!
//! Where the handler first waits it goes on in a task of its own, which polls it again at once; one that never waits costs no
//! task. So a caller that leaves stops nothing: the operation goes on, its answer is stored, and whoever asks again gets it. At
//! most [`max_running`](IdempotencyLayer::max_running) operations run; the place is the operation's, not the caller's. A caller that
//! leaves earlier, while its body is read or its claim is made, leaves nothing claimed. A panic of the handler
//! comes out of the call as it would without the layer.
//!
//! Clones of the layer share records and bounds. `poll_ready` is always ready: the inside is asked after the body was read, and
//! before anything is claimed; so the service inside has to be `Clone`.

mod answer;
mod body;
mod client;
mod config;
mod date;
mod future;
mod handle;
mod handling;
mod judge;
mod keyed;
mod layer;
mod principal;
mod read;
mod readying;
mod refusal;
mod service;
mod task;

pub use answer::Seal;
pub use body::StoredBody;
pub use client::{CallStep, IdempotencyKey, IdempotencyKeyLayer};
pub use future::IdempotencyFuture;
pub use handle::{CallError, Idempotent};
pub use judge::{Dialect, Failure};
pub use layer::IdempotencyLayer;
pub use principal::{Principal, Unscoped};
pub use refusal::Refusal;
pub use service::Idempotency;

//! The idempotency layer, between two adapters. Judged are calls without a key: what has a key deliberately goes on when its
//! caller leaves (law 3 is then kept by the layer's task), which tests/idempotency looks at.

use axum::body::Body;
use buttress::{
    http::{IdempotencyKeyLayer, IdempotencyLayer, StoredBody, Unscoped},
    idempotency::Effects,
    store::memory::MemoryStore,
    testing::{Law, Subject},
};
use http::{Request, Response};
use tower::ServiceBuilder;

/// Without a key nothing is refused, queued or cut, and no verdict is kept.
const NOT_ITS_AFFAIR: [Law; 15] = [
    Law::ReadinessNeverRejects,
    Law::RefusalAsksNothingInside,
    Law::RefusalStands,
    Law::WaitingIsInTheCall,
    Law::WaitingHoldsNothing,
    Law::AdmittedFirst,
    Law::DropInTheQueue,
    Law::DropWhileRecovering,
    Law::LateResultsMoveNothing,
    Law::CutBeforeTheAnswer,
    Law::CutSaysWhy,
    Law::LayerSharesState,
    Law::ClonesShareState,
    Law::LayersAreApart,
    Law::WaitsEndOnTime,
];

fn request(n: u64) -> Request<Body> {
    let mut request = Request::post("/").body(Body::empty()).expect("a request");
    request.extensions_mut().insert(n);
    request
}

#[expect(clippy::needless_pass_by_value, reason = "tower hands it over")]
fn number_of<B>(request: Request<B>) -> u64 {
    *request.extensions().get().expect("put there by the adapter outside")
}

fn response(n: u64) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(n);
    response
}

#[expect(clippy::needless_pass_by_value, reason = "tower hands it over")]
fn number<B>(response: Response<B>) -> u64 {
    *response.extensions().get().expect("put there by the adapter inside")
}

#[test]
fn a_call_without_a_key_keeps_the_laws() {
    let report = Subject::new(|| {
        ServiceBuilder::new()
            .map_request(request)
            .map_response(number::<StoredBody<Body>>)
            .layer(IdempotencyLayer::new(MemoryStore::new(), Unscoped, Effects::Plain))
            .map_request(number_of::<Body>)
            .map_response(response)
    })
    .named("idempotency, without a key")
    .judge();
    report.assert();
    let mut not_run = report.not_run();
    not_run.retain(|law| !NOT_ITS_AFFAIR.contains(law));
    // The adapters allocate, so that this one cannot be asked.
    assert_eq!(not_run, [Law::NothingAllocated], "{report}");
}

#[test]
fn a_key_of_a_client_keeps_the_laws() {
    let report = Subject::new(|| {
        ServiceBuilder::new()
            .map_request(request)
            .map_response(number::<Body>)
            .layer(IdempotencyKeyLayer::new())
            .map_request(number_of::<Body>)
            .map_response(response)
    })
    .named("a client's key")
    .judge();
    report.assert();
}

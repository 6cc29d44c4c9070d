//! The retry in its HTTP form: requests that may be served twice, and requests that may not.

use buttress::{
    backoff::Backoff,
    http::{ReplayBody, retry},
    retry::Policy,
    testing::{Judgeable, Law, Subject, deadline_in},
};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use std::time::Duration;
use tower::{ServiceBuilder, layer::util::Stack};

/// As of any other retry, and more: an HTTP request is kept with a copy of its head, which is allocated where it has headers
/// or, as here, extensions. What is allocated is counted in `tests/allocations.rs`.
const NOT_ITS_AFFAIR: [Law; 15] = [
    Law::ReadinessNeverRejects,
    Law::RefusalAsksNothingInside,
    Law::RefusalStands,
    Law::WaitingIsInTheCall,
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
    Law::NothingAllocated,
];

#[derive(Clone, Copy)]
struct Number(u64);

/// The numbers of the judge, as requests and responses.
fn form(method: Method, attempts: u32, wait: Duration) -> impl Judgeable {
    let policy = Policy::new().attempts(attempts).backoff(Backoff::constant(wait));
    ServiceBuilder::new()
        .map_request(move |number: u64| {
            let request = Request::builder().method(method.clone()).uri("http://judge.test/");
            let request = request.extension(Number(number)).body(Full::<Bytes>::from("a body"));
            request.expect("a good request")
        })
        .map_response(|response: Response<Number>| response.into_body().0)
        .layer(retry(policy))
        .map_request(|request: Request<ReplayBody<Full<Bytes>>>| {
            request.extensions().get::<Number>().map_or(0, |number| number.0)
        })
        .map_response(|number| Response::new(Number(number)))
}

fn judge<L: Judgeable>(make: impl Fn() -> L + 'static) {
    let report = Subject::new(make).named("http::retry").calls_again().judge();
    report.assert();
    assert_eq!(report.not_run(), NOT_ITS_AFFAIR, "{report}");
}

const WAIT: Duration = Duration::from_millis(50);

#[test]
fn a_retry_of_http_keeps_the_laws() {
    judge(|| form(Method::PUT, 3, WAIT));
    judge(|| form(Method::PUT, 5, Duration::ZERO));
}

#[test]
fn a_retry_of_what_may_not_be_served_twice_keeps_the_laws() {
    judge(|| form(Method::POST, 3, WAIT));
}

#[test]
fn a_retry_of_http_under_a_deadline_keeps_the_laws() {
    for left in [Duration::ZERO, Duration::from_millis(75), Duration::from_secs(60)] {
        judge(move || Stack::new(form(Method::GET, 3, WAIT), deadline_in(left)));
    }
}

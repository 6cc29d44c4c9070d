//! Law 11: a call through a breaker allocates nothing, whatever its rules and whoever listens.

use crate::{
    counting,
    rig::{SECOND, fail, policy},
};
use buttress::{
    breaker::{BreakerLayer, Circuit, Policy, Rule, State, Trip},
    clock::Instant,
    http::ByStatus,
    outcome::Outcome,
    over,
    telemetry::{Event, Metrics},
    window::Ratio,
};
use bytes::Bytes;
use futures_util::{FutureExt, task::noop_waker_ref};
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use metrics_util::debugging::DebuggingRecorder;
use std::{convert::Infallible, future::ready, pin::pin, task::Context};
use tower::{Service, service_fn};

/// Allocations of a thousand runs, after some to warm up.
fn allocations(mut run: impl FnMut()) -> u64 {
    (0..10).for_each(|_| run());
    let before = counting::made();
    (0..1000).for_each(|_| run());
    counting::made() - before
}

/// One call that answers at once, or is refused at once; whether it was answered.
fn call<S: Service<Req>, Req>(svc: &mut S, request: Req) -> Option<S::Response> {
    assert!(svc.poll_ready(&mut Context::from_waker(noop_waker_ref())).is_ready());
    svc.call(request).now_or_never().expect("at once").ok()
}

/// A service that answers, or fails where it is told so.
fn echo() -> impl Service<Result<u8, ()>, Response = u8, Error = ()> + Clone {
    service_fn(ready::<Result<u8, ()>>)
}

/// Never opens.
struct Never;

impl Rule for Never {
    fn record(&mut self, _: Instant, _: &Outcome) -> bool {
        false
    }
    fn clear(&mut self) {}
}

fn rules() -> [Trip; 7] {
    let slow = |trip: Trip| trip.slow_rate(SECOND, Ratio::percent(50));
    [
        Trip::default(),
        Trip::consecutive(5),
        Trip::over_calls(100),
        Trip::over_time(SECOND),
        slow(Trip::over_calls(4095)),
        slow(Trip::over_time(SECOND)).or_consecutive(9),
        Trip::consecutive(5).or_rule(|| Never),
    ]
}

#[test]
fn an_admitted_call_allocates_nothing_by_whatever_rule_it_is_judged() {
    for trip in rules() {
        for abandoned_after in [SECOND, std::time::Duration::MAX] {
            let policy = policy().trip(trip.clone()).abandoned_after(abandoned_after);
            let circuit = Circuit::new("orders", &policy);
            let mut svc = over(BreakerLayer::new(&circuit), echo());
            assert_eq!(allocations(|| assert_eq!(call(&mut svc, Ok(7)), Some(7))), 0, "{trip:?}");
            // One failure in ten, which none of these rules minds.
            let mut n = 0;
            let mixed = || {
                n += 1;
                let answer = call(&mut svc, if n % 10 == 0 { Err(()) } else { Ok(7) });
                assert_eq!(answer.is_none(), n % 10 == 0);
            };
            assert_eq!(allocations(mixed), 0, "{trip:?}");
            assert_eq!(circuit.state(), State::Closed, "{trip:?}");
        }
    }
}

#[test]
fn a_refused_call_allocates_nothing() {
    let circuit = Circuit::new("orders", &policy());
    let mut svc = over(BreakerLayer::new(&circuit), echo());
    fail(&circuit);
    assert_eq!(allocations(|| assert_eq!(call(&mut svc, Ok(7)), None)), 0);
    // With a name that was made at run time, as by host, it is shared and not copied.
    let circuit = Circuit::new(String::from("orders"), &policy());
    let mut svc = over(BreakerLayer::new(&circuit), echo());
    fail(&circuit);
    assert_eq!(allocations(|| assert_eq!(call(&mut svc, Ok(7)), None)), 0);
}

#[test]
fn a_call_that_is_judged_at_the_end_of_its_body_allocates_nothing() {
    let page = service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"page")))))
    });
    for trip in rules() {
        let circuit = Circuit::new("pages", &policy().trip(trip));
        let mut svc = over(BreakerLayer::new(&circuit).classify(ByStatus), page);
        let read = || {
            let mut body = pin!(call(&mut svc, Request::new(())).expect("a page").into_body());
            let mut cx = Context::from_waker(noop_waker_ref());
            assert!(body.as_mut().poll_frame(&mut cx).map(|frame| frame.expect("a page").is_ok()).is_ready());
            assert!(body.is_end_stream());
        };
        assert_eq!(allocations(read), 0);
    }
}

/// Admitted and refused, both after a first call of the kind.
fn counts_without_allocating(policy: &Policy) {
    let circuit = Circuit::new(String::from("orders"), policy);
    let mut svc = over(BreakerLayer::new(&circuit), echo());
    assert_eq!(allocations(|| assert_eq!(call(&mut svc, Ok(7)), Some(7))), 0);
    fail(&circuit);
    assert_eq!(allocations(|| assert_eq!(call(&mut svc, Ok(7)), None)), 0);
}

#[test]
fn with_a_recorder_a_call_allocates_nothing_once_its_handles_are_made() {
    metrics::with_local_recorder(&DebuggingRecorder::new(), || {
        counts_without_allocating(&policy().observe(Metrics::new()));
    });
}

#[test]
fn with_an_observer_a_call_allocates_nothing() {
    counts_without_allocating(&policy().observe(|event: &Event<'_>| assert_eq!(event.name(), "orders")));
}

#[test]
fn cloning_a_breaker_for_each_request_allocates_nothing() {
    let circuit = Circuit::new("orders", &policy());
    let svc = over(BreakerLayer::new(&circuit), echo());
    assert_eq!(allocations(|| assert_eq!(call(&mut svc.clone(), Ok(7)), Some(7))), 0);
}

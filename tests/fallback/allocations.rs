//! Law 11 for calls that go well: nothing is allocated.

use crate::counting;
use buttress::{
    Lifted, Rejectable,
    fallback::{Bounds, FallbackLayer},
    outcome::Class,
};
use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tower::{Service, service_fn};

fn echo()
-> impl Service<u64, Response = u64, Error = Infallible, Future = Ready<Result<u64, Infallible>>> + Clone {
    service_fn(|n| ready(Ok(n)))
}

/// Allocations of a hundred good calls, after one to warm up.
fn allocations<S>(mut svc: S) -> u64
where
    S: Service<u64, Response = u64>,
    S::Error: Rejectable + std::fmt::Debug,
{
    let mut cx = Context::from_waker(Waker::noop());
    let mut one = || {
        assert!(svc.poll_ready(&mut cx).is_ready());
        match pin!(svc.call(7)).poll(&mut cx) {
            Poll::Ready(answer) => assert_eq!(answer.expect("good"), 7),
            Poll::Pending => panic!("it waits"),
        }
    };
    one();
    let before = counting::made();
    (0..100).for_each(|_| one());
    counting::made() - before
}

#[test]
fn a_good_call_allocates_nothing_whatever_would_stand_in_for_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _inside = runtime.enter();
    let words = [String::from("captured")];
    assert_eq!(allocations(buttress::over(FallbackLayer::value(7), echo())), 0);
    assert_eq!(allocations(buttress::over(FallbackLayer::function(|_| 7), echo())), 0);
    assert_eq!(allocations(buttress::over(FallbackLayer::async_function(|_| async { 7 }), echo())), 0);
    let of_request = FallbackLayer::of_request(|n: &u64| *n, |n, _| n).when(|_| true);
    assert_eq!(allocations(buttress::over(of_request, echo())), 0);
    let of_result = FallbackLayer::of_result(|_: Result<&u64, &Lifted<Infallible>>, _| 7).on([Class::Failed]);
    assert_eq!(allocations(buttress::over(of_result, echo())), 0);
    let other = service_fn(move |n: u64| ready(Ok::<_, Infallible>(n + words.len() as u64)));
    assert_eq!(allocations(buttress::over(FallbackLayer::service(other), echo())), 0);
}

#[test]
fn a_good_call_between_two_refreshes_allocates_nothing() {
    let bounds = Bounds::age(Duration::from_secs(86_400)).refresh(Duration::from_secs(3600));
    let layer = FallbackLayer::last_good(bounds, |n: &u64| Some(*n));
    assert_eq!(allocations(buttress::over(layer, echo())), 0);
}

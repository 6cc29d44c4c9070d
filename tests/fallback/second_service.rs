//! Another service as the fallback.

use crate::{Does, MS, ask, open};
use buttress::{
    Lifted, Rejected,
    fallback::FallbackLayer,
    outcome::{Class, Outcome},
    rejected::Reason,
    testing::{Answer, Fault, Probe},
};
use std::{
    convert::Infallible,
    task::{Context, Poll, Waker},
};
use tower::{Layer, Service, ServiceExt, service_fn};

#[tokio::test]
async fn it_is_readied_only_when_it_is_needed_and_by_a_clone() {
    let (first, second) = (Probe::new(), Probe::new());
    let mut svc = FallbackLayer::service(second.clone()).on([Class::Failed]).layer(first.clone());
    assert_eq!(svc.ready().await.expect("ready").call(1).await, Ok(1));
    let counts = second.handle().counts();
    assert_eq!((counts.ready_polls, counts.calls), (0, 0));
    first.handle().next(Answer::fail());
    assert_eq!(svc.ready().await.expect("ready").call(2).await, Ok(2));
    let counts = second.handle().counts();
    assert_eq!((counts.ready_polls, counts.calls, counts.violations()), (1, 1, 0));
}

#[test]
fn it_is_waited_for_in_the_call_and_not_in_poll_ready() {
    let (first, second) = (Probe::new(), Probe::new());
    second.handle().pend();
    first.handle().next(Answer::fail());
    let mut svc = FallbackLayer::service(second.clone()).on([Class::Failed]).layer(first);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(svc.poll_ready(&mut cx).is_ready());
    let mut call = Box::pin(svc.call(3));
    assert!(call.as_mut().poll(&mut cx).is_pending());
    assert!(svc.poll_ready(&mut cx).is_ready(), "the next caller does not wait for it");
    second.handle().ready();
    assert_eq!(call.as_mut().poll(&mut cx), Poll::Ready(Ok(3)));
}

#[tokio::test]
async fn where_it_fails_or_is_not_ready_the_first_error_comes_back() {
    let second = Probe::new();
    let layer = FallbackLayer::service_with(second.clone(), |_: &Does| 1).also_on([Class::Failed]);
    second.handle().next(Answer::fail());
    assert_eq!(ask(&layer, Does::Fails(70)).await, Err(Lifted::Inner(Fault::new(70))));
    second.handle().fail_readiness();
    assert_eq!(ask(&layer, Does::Fails(71)).await, Err(Lifted::Inner(Fault::new(71))));
}

#[tokio::test]
async fn an_answer_of_it_that_the_classifier_does_not_call_ok_is_none() {
    let second = service_fn(|status: u64| async move { Ok::<_, Infallible>(status) });
    for (answer, then) in [(200, Ok(200)), (503, Ok(500)), (429, Ok(500))] {
        let layer = FallbackLayer::service_with(second, move |_: &Does| answer)
            .on([Class::Failed])
            .classify_by(|result: Result<&u64, &Lifted<Fault>>| match result {
                Ok(500 | 503) => Outcome::FAILED,
                Ok(429) => Outcome::THROTTLED,
                _ => Outcome::OK,
            });
        assert_eq!(ask(&layer, Does::Answers(500)).await, then);
    }
}

#[tokio::test(start_paused = true)]
async fn it_can_fail_with_an_error_of_its_own_type_and_take_its_time() {
    let slow = service_fn(|does: Does| async move {
        tokio::time::sleep(5 * MS).await;
        if does == open() { Ok(8_u64) } else { Err(std::io::Error::other("no")) }
    });
    let layer = FallbackLayer::service(slow);
    assert_eq!(ask(&layer, open()).await, Ok(8));
    assert!(ask(&layer, Does::Rejects(Reason::Full, false)).await.is_err());
}

/// A service that may be sent and not shared, as tower's `BoxCloneService`.
#[tokio::test]
async fn a_service_that_cannot_be_shared_between_threads_will_do() {
    let second = tower::util::BoxCloneService::new(service_fn(|n: u64| async move { Ok::<_, Fault>(n) }));
    let first = service_fn(|_: u64| async { Err::<u64, _>(Rejected::new(Reason::Open, "x", false)) });
    let svc = FallbackLayer::service(second).layer(first);
    assert_eq!(tokio::spawn(svc.oneshot(4)).await.expect("no panic"), Ok(4));
}

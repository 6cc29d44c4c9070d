//! How many timers there are: what nobody can see from outside.

use super::{Total, TotalLayer};
use crate::{
    backoff::Backoff,
    breaker::{self, BreakerLayer, Circuit},
    bulkhead::{BulkheadLayer, Slots},
    hedge::HedgeLayer,
    rejected::{Lifted, lift},
    retry::{Policy, RetryLayer},
    timeout::TimeoutLayer,
};
use std::{
    convert::Infallible,
    future::{Pending, pending},
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tower::{Layer, Service, ServiceBuilder, service_fn};

const SECOND: Duration = Duration::from_secs(1);

type Hangs = Pending<Result<(), Infallible>>;

fn hangs() -> impl Service<(), Response = (), Error = Lifted<Infallible>, Future: Send> + Clone {
    lift().layer(service_fn(|()| -> Hangs { pending() }))
}

/// Whether a call under `limit` has a timer of its own once it is pending.
fn arms<S>(limit: Duration, inside: S) -> bool
where
    S: Service<(), Error = Lifted<Infallible>>,
{
    let mut svc: Total<S> = TotalLayer::new(limit).layer(inside);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(svc.poll_ready(&mut cx).is_ready());
    let mut call = pin!(svc.call(()));
    assert!(call.as_mut().poll(&mut cx).is_pending());
    call.has_timer()
}

#[tokio::test(start_paused = true)]
async fn a_timer_of_its_own_is_armed_only_where_nobody_inside_has_one() {
    assert!(arms(SECOND, hangs()), "nobody");
    assert!(!arms(SECOND, TimeoutLayer::new(SECOND / 2).layer(hangs())), "goes off earlier");
    assert!(!arms(SECOND, TimeoutLayer::new(SECOND * 2).layer(hangs())), "takes the smaller");
    assert!(!arms(SECOND, TimeoutLayer::new(Duration::MAX).layer(hangs())), "by the deadline alone");
    assert!(!arms(Duration::MAX, TimeoutLayer::new(SECOND).layer(hangs())), "no limit, no timer");
    assert!(!arms(Duration::MAX, hangs()));
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_the_queue_of_a_bulkhead_has_the_one_timer() {
    for wait in [SECOND / 2, SECOND * 2, Duration::MAX] {
        let slots = Slots::new("x", 1);
        let _held = slots.try_acquire().expect("free");
        let layer = BulkheadLayer::new(&slots).queue(1).max_wait(wait);
        assert!(!arms(SECOND, layer.layer(hangs())), "{wait:?}");
    }
    let free = BulkheadLayer::new(&Slots::new("x", 1)).queue(1);
    assert!(arms(SECOND, free.layer(hangs())), "it waits for the inside, and nobody in there");
}

#[tokio::test(start_paused = true)]
async fn of_two_totals_and_an_attempt_inside_only_the_attempt_has_a_timer() {
    for inner in [SECOND / 2, SECOND, SECOND * 2] {
        let attempt = TotalLayer::new(inner).layer(TimeoutLayer::new(SECOND * 3).layer(hangs()));
        assert!(!arms(SECOND, attempt), "{inner:?}");
        assert!(!arms(SECOND, TotalLayer::new(inner).layer(hangs())), "the inner one has it: {inner:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_was_dropped_in_the_very_poll_wakes_nobody() {
    let drops_it = service_fn(|()| async {
        let guarded = pin!(TimeoutLayer::new(SECOND).layer(hangs()).call(()));
        let mut guarded = Box::pin(guarded);
        std::future::poll_fn(|cx| {
            assert!(guarded.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        pending::<Result<(), Lifted<Infallible>>>().await
    });
    // What is pinned to the stack lives as long as the call: it still wakes it.
    assert!(!arms(SECOND, drops_it));
    let drops_it = service_fn(|()| async {
        let mut guarded = Box::pin(TimeoutLayer::new(SECOND).layer(hangs()).call(()));
        std::future::poll_fn(|cx| {
            assert!(guarded.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(guarded);
        pending::<Result<(), Lifted<Infallible>>>().await
    });
    assert!(arms(SECOND, drops_it));
}

#[tokio::test(start_paused = true)]
async fn once_nobody_inside_has_a_timer_any_more_one_is_armed() {
    let goes_on = service_fn(|()| async {
        let cut = TimeoutLayer::new(SECOND / 4).layer(hangs()).call(()).await;
        assert!(cut.is_err());
        pending::<Result<(), Lifted<Infallible>>>().await
    });
    let mut svc = TotalLayer::new(SECOND).layer(goes_on);
    let mut call = pin!(svc.call(()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut cx).is_pending());
    assert!(!call.has_timer());
    tokio::time::advance(SECOND / 2).await;
    assert!(call.as_mut().poll(&mut cx).is_pending());
    assert!(call.has_timer());
    tokio::time::advance(SECOND / 2).await;
    assert!(call.as_mut().poll(&mut cx).is_ready());
}

#[tokio::test(start_paused = true)]
async fn layers_of_others_in_between_change_nothing() {
    let stack = ServiceBuilder::new()
        .map_request(|()| ())
        .map_result(|result: Result<(), Lifted<Infallible>>| result)
        .layer(TimeoutLayer::new(SECOND * 2));
    assert!(!arms(SECOND, stack.service(hangs())));
}

#[tokio::test(start_paused = true)]
async fn a_whole_client_has_one_timer_at_a_time_in_its_attempts_and_in_the_waits_between_them() {
    let retries = Policy::new().all_safe().backoff(Backoff::constant(SECOND / 10));
    let stack = (
        TotalLayer::new(SECOND * 10),
        RetryLayer::new(retries),
        BreakerLayer::new(&Circuit::new("x", &breaker::Policy::new())),
        BulkheadLayer::new(&Slots::new("x", 1)).queue(1),
        TimeoutLayer::new(SECOND / 2),
    );
    let mut svc = stack.layer(hangs());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(svc.poll_ready(&mut cx).is_ready());
    let mut call = pin!(svc.call(()));
    for (attempt, wait) in
        [(1, SECOND / 2), (1, SECOND / 10), (2, SECOND / 2), (2, SECOND / 10), (3, SECOND / 2)]
    {
        assert!(call.as_mut().poll(&mut cx).is_pending(), "attempt {attempt}");
        assert!(!call.has_timer(), "attempt {attempt}");
        tokio::time::advance(wait).await;
    }
    assert!(call.as_mut().poll(&mut cx).is_ready(), "three attempts");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_next_hedge_has_the_one_timer_and_once_all_are_sent_there_is_one_more() {
    let mut svc = TotalLayer::new(SECOND).layer(HedgeLayer::after(SECOND / 4).all_safe().layer(hangs()));
    let mut cx = Context::from_waker(Waker::noop());
    let mut call = pin!(svc.call(()));
    assert!(call.as_mut().poll(&mut cx).is_pending());
    assert!(!call.has_timer());
    tokio::time::advance(SECOND / 4).await;
    assert!(call.as_mut().poll(&mut cx).is_pending());
    assert!(call.has_timer(), "both run, and neither has one");
}

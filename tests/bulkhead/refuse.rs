//! Without a queue: in at once, or refused.

use crate::{DAY, Inside, lifted, on_call};
use buttress::{
    Deadline, Lifted,
    bulkhead::{BulkheadLayer, Slots},
    clock, over,
    rejected::Reason,
};
use futures_util::{FutureExt, poll};
use std::{
    convert::Infallible,
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::{Context, Poll, Waker},
};
use tower::{Service, ServiceExt, service_fn};

fn hangs() -> impl Service<(), Response = (), Error = Infallible, Future: Send> + Clone {
    service_fn(|()| pending())
}

#[test]
fn it_needs_no_runtime_and_no_timer() {
    let mut svc = over(
        BulkheadLayer::new(&Slots::new("x", 1)),
        service_fn(|n: u32| std::future::ready(Ok::<_, Infallible>(n))),
    );
    assert_eq!(
        svc.ready().now_or_never().expect("at once").expect("ready").call(7).now_or_never(),
        Some(Ok(7))
    );
}

#[tokio::test]
async fn so_many_are_let_in_and_the_next_is_refused_without_a_call_inside() {
    let slots = Slots::new("reports", 3);
    let (inside, answer, service) = on_call();
    let client = over(BulkheadLayer::new(&slots), service);
    let running: Vec<_> = (0..3).map(|n| tokio::spawn(client.clone().oneshot(n))).collect();
    tokio::task::yield_now().await;
    assert_eq!((slots.in_flight(), inside.all()), (3, 3));

    match client.clone().oneshot(9).await {
        Err(Lifted::Rejected(why)) => {
            assert_eq!((why.reason(), why.name(), why.retry_after()), (Reason::Full, "reports", None));
            assert!(!why.reached());
        }
        other => panic!("there were three slots: {other:?}"),
    }
    assert_eq!(inside.all(), 3);

    answer.send(()).expect("they wait");
    for (n, call) in (0..).zip(running) {
        assert_eq!(call.await.expect("no panic"), Ok(n));
    }
    assert_eq!(slots.in_flight(), 0);
    assert_eq!(client.oneshot(4).await, Ok(4));
}

#[tokio::test]
async fn refused_in_poll_ready_is_refused_though_a_slot_become_free() {
    let slots = Slots::new("x", 1);
    let inside = Inside::default();
    let count = inside.clone();
    let service = service_fn(move |()| {
        drop(count.enter());
        async { Ok::<_, Infallible>(()) }
    });
    let mut svc = over(BulkheadLayer::new(&slots), service);
    let slot = slots.try_acquire().expect("free");
    svc.ready().await.expect("ready, to be refused");
    drop(slot);
    assert_eq!(lifted(svc.call(()).await), Reason::Full);
    assert_eq!(inside.all(), 0);
    // Only that call: the next is asked anew.
    assert_eq!(svc.ready().await.expect("ready").call(()).await, Ok(()));
}

#[tokio::test]
async fn a_clone_of_a_refusing_service_starts_afresh() {
    let slots = Slots::new("x", 1);
    let mut svc = over(BulkheadLayer::new(&slots), service_fn(|()| async { Ok::<_, Infallible>(()) }));
    let slot = slots.try_acquire().expect("free");
    svc.ready().await.expect("ready, to be refused");
    let mut clone = svc.clone();
    drop(slot);
    assert_eq!(clone.ready().await.expect("ready").call(()).await, Ok(()));
}

#[tokio::test]
async fn full_it_is_ready_over_a_service_that_is_not() {
    #[derive(Clone)]
    struct NeverReady;
    impl Service<()> for NeverReady {
        type Response = ();
        type Error = Infallible;
        type Future = std::future::Ready<Result<(), Infallible>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Pending
        }
        fn call(&mut self, (): ()) -> Self::Future {
            panic!("called, and never ready")
        }
    }
    let slots = Slots::new("x", 1);
    let mut svc = over(BulkheadLayer::new(&slots), NeverReady);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(svc.poll_ready(&mut cx).is_pending());
    let _slot = slots.try_acquire().expect("free: readiness takes none");
    assert!(svc.poll_ready(&mut cx).is_ready());
    assert_eq!(lifted(svc.call(()).await), Reason::Full);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_deadline_has_passed_is_refused_and_takes_no_slot() {
    let slots = Slots::new("x", 1);
    let (inside, _answer, service) = on_call();
    let mut svc = over(BulkheadLayer::new(&slots), service);
    let late = Deadline::at(clock::now());
    let answer = late.scope(async { svc.ready().await.expect("ready").call(1).await }).await;
    assert_eq!(lifted(answer), Reason::DeadlinePassed);
    assert_eq!((inside.all(), slots.in_flight()), (0, 0));

    let soon = Deadline::after(clock::now(), DAY);
    let mut call = pin!(soon.scope(async { svc.ready().await.expect("ready").call(1).await }));
    assert!(poll!(call.as_mut()).is_pending());
    assert_eq!((inside.all(), slots.in_flight()), (1, 1));
}

#[tokio::test]
async fn a_call_dropped_at_any_point_gives_its_slot_back() {
    let slots = Slots::new("x", 1);
    let mut svc = over(BulkheadLayer::new(&slots), hangs());
    for polls in 0..3 {
        let mut call = Box::pin(svc.ready().await.expect("ready").call(()));
        for _ in 0..polls {
            assert!(poll!(call.as_mut()).is_pending());
        }
        assert_eq!(slots.in_flight(), 1, "a call that was made holds its slot, polled or not");
        drop(call);
        assert_eq!(slots.in_flight(), 0, "dropped after {polls} polls");
    }
}

#[tokio::test]
async fn the_slot_is_given_back_with_the_answer_and_not_with_the_future() {
    let slots = Slots::new("x", 1);
    for fails in [false, true] {
        let service = service_fn(move |()| async move { if fails { Err("broken") } else { Ok(()) } });
        let mut call = pin!(over(BulkheadLayer::new(&slots), service).call(()));
        assert_eq!(poll!(call.as_mut()).map(|answer| answer.is_err()), Poll::Ready(fails));
        assert_eq!(slots.in_flight(), 0, "the future itself still stands");
        let mut call = pin!(over(BulkheadLayer::new(&slots).queue(1), service).call(()));
        assert_eq!(poll!(call.as_mut()).map(|answer| answer.is_err()), Poll::Ready(fails));
        assert_eq!(slots.in_flight(), 0, "the future itself still stands");
    }
}

#[tokio::test]
async fn a_panic_inside_gives_the_slot_back() {
    let slots = Slots::new("x", 1);
    let in_poll = service_fn(|()| async { panic!("in poll") as Result<(), Infallible> });
    let call = over(BulkheadLayer::new(&slots), in_poll).oneshot(());
    AssertUnwindSafe(call).catch_unwind().await.expect_err("passed on");
    assert_eq!(slots.in_flight(), 0);

    let in_call = service_fn(|()| -> std::future::Ready<Result<(), Infallible>> { panic!("in call") });
    let mut svc = over(BulkheadLayer::new(&slots), in_call);
    assert!(catch_unwind(AssertUnwindSafe(|| svc.call(()))).is_err());
    assert_eq!(slots.in_flight(), 0);
}

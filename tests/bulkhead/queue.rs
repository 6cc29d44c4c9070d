//! With a queue: first come, first served, for a bounded time, and gone at once when dropped.

use crate::{DAY, Inside, MS, lifted, on_call, reason};
use buttress::{
    Deadline, Rejectable,
    bulkhead::{BulkheadLayer, Queue, Slots},
    clock, over,
    rejected::Reason,
    telemetry::Event,
    testing::Probe,
};
use futures_util::{FutureExt, poll};
use std::{
    convert::Infallible,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};
use tokio::time::{Instant, advance, sleep, timeout};
use tower::{Layer, Service, ServiceExt, service_fn};

const ALWAYS: Queue = Queue::new(1000).max_wait(Duration::MAX);

#[tokio::test]
async fn turns_are_taken_in_the_order_of_coming() {
    let slots = Slots::new("x", 2);
    let held = [slots.try_acquire().expect("free"), slots.try_acquire().expect("free")];
    let order: Arc<Mutex<Vec<u32>>> = Arc::default();
    let waiting: Vec<_> = (0..20)
        .map(|n| {
            let (turn, order) = (slots.acquire(ALWAYS), Arc::clone(&order));
            tokio::spawn(async move {
                let slot = turn.await.expect("its turn");
                order.lock().expect("not poisoned").push(n);
                tokio::task::yield_now().await;
                drop(slot);
            })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!((slots.in_flight(), slots.waiting()), (2, 20));
    drop(held);
    for call in waiting {
        call.await.expect("no panic");
    }
    assert_eq!(*order.lock().expect("not poisoned"), (0..20).collect::<Vec<_>>());
    assert_eq!((slots.in_flight(), slots.waiting()), (0, 0));
}

#[tokio::test]
async fn a_newcomer_never_overtakes_who_waits() {
    let slots = Slots::new("x", 1);
    let held = slots.try_acquire().expect("free");
    let mut first = pin!(slots.acquire(ALWAYS));
    assert!(poll!(first.as_mut()).is_pending());
    drop(held);
    // The slot is on its way to the first, which has not been polled yet.
    assert_eq!(reason(slots.try_acquire()), Reason::Full);
    let mut second = pin!(slots.acquire(ALWAYS));
    assert!(poll!(second.as_mut()).is_pending());
    let layer = BulkheadLayer::new(&slots);
    assert_eq!(
        lifted(over(layer, service_fn(|()| async { Ok::<_, Infallible>(()) })).oneshot(()).await),
        Reason::Full
    );

    let slot = first.await.expect("its turn");
    assert!(poll!(second.as_mut()).is_pending());
    drop(slot);
    drop(second.await.expect("its turn"));
}

#[tokio::test]
async fn the_queue_is_as_long_as_it_was_set_and_the_next_is_refused_at_once() {
    for len in [0, 1, 3] {
        let slots = Slots::new("x", 1);
        let (inside, _answer, service) = on_call();
        let client = over(BulkheadLayer::new(&slots).queue(len).max_wait(DAY), service);
        let mut calls: Vec<_> = (0..=len).map(|n| Box::pin(client.clone().oneshot(n))).collect();
        for call in &mut calls {
            assert!(poll!(call.as_mut()).is_pending());
        }
        assert_eq!((slots.waiting(), inside.all()), (len, 1));
        assert_eq!(client.clone().oneshot(9).now_or_never().map(lifted), Some(Reason::Full));
    }
}

#[tokio::test]
async fn a_queue_of_any_length_and_any_wait_can_be_asked_for() {
    let slots = Slots::new("x", 1);
    let slot = slots.try_acquire().expect("free");
    let mut longest = pin!(slots.acquire(Queue::new(u32::MAX).max_wait(Duration::MAX)));
    assert!(poll!(longest.as_mut()).is_pending());
    for nobody in [Queue::new(0).max_wait(DAY), Queue::new(u32::MAX).max_wait(Duration::ZERO)] {
        assert_eq!(slots.acquire(nobody).now_or_never().map(reason), Some(Reason::Full));
    }
    drop(slot);
    drop(longest.await.expect("its turn"));
    let said = format!("{:?}", Queue::new(u32::MAX));
    assert!(said.contains("len: 1048576"), "the most that a queue holds: {said}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_after_its_time_to_the_millisecond() {
    let slots = Slots::new("x", 1);
    let _held = slots.try_acquire().expect("free");
    for (queue, wait) in [
        (Queue::new(9), Duration::from_secs(1)),
        (Queue::new(9).max_wait(250 * MS), 250 * MS),
        (Queue::new(9).max_wait(MS), MS),
        (Queue::new(9).max_wait(30 * DAY), 30 * DAY),
    ] {
        let start = Instant::now();
        assert_eq!(reason(slots.acquire(queue).await), Reason::Full);
        assert_eq!((start.elapsed(), slots.waiting()), (wait, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_comes_at_the_very_end_of_the_wait_is_taken() {
    let slots = Slots::new("x", 1);
    let held = slots.try_acquire().expect("free");
    let mut turn = pin!(slots.acquire(Queue::new(9).max_wait(250 * MS)));
    assert!(poll!(turn.as_mut()).is_pending());
    advance(250 * MS).await;
    drop(held);
    drop(turn.await.expect("its turn has come as its time ran out"));
}

#[tokio::test(start_paused = true)]
async fn the_smaller_of_wait_and_deadline_ends_it_and_names_the_reason() {
    let slots = Slots::new("x", 1);
    let _held = slots.try_acquire().expect("free");
    for (wait, left, why, at) in [
        (300 * MS, 200 * MS, Reason::DeadlinePassed, 200 * MS),
        (100 * MS, 200 * MS, Reason::Full, 100 * MS),
        (200 * MS, 200 * MS, Reason::Full, 200 * MS),
        (Duration::MAX, 200 * MS, Reason::DeadlinePassed, 200 * MS),
        (DAY, Duration::MAX, Reason::Full, DAY),
    ] {
        let start = Instant::now();
        let waits = async { slots.acquire(Queue::new(9).max_wait(wait)).await };
        assert_eq!(reason(Deadline::after(start, left).scope(waits).await), why, "{wait:?}, {left:?}");
        assert_eq!(start.elapsed(), at);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_too_late_takes_no_place_in_the_queue() {
    let slots = Slots::new("x", 1);
    let held = slots.try_acquire().expect("free");
    let (inside, _answer, service) = on_call();
    let mut svc = over(BulkheadLayer::new(&slots).queue(9), service);

    let late = Deadline::at(clock::now());
    let mut call = late.sync_scope(|| Box::pin(svc.call(1)));
    assert_eq!(call.as_mut().now_or_never().map(lifted), Some(Reason::DeadlinePassed));

    // In time when it was made, and too late when it was first polled.
    let soon = Deadline::after(clock::now(), MS);
    let mut call = soon.sync_scope(|| Box::pin(svc.call(1)));
    let short = soon.sync_scope(|| slots.acquire(Queue::new(0)));
    advance(MS).await;
    assert_eq!(call.as_mut().now_or_never().map(lifted), Some(Reason::DeadlinePassed));
    assert_eq!((slots.waiting(), inside.all()), (0, 0));
    assert_eq!(
        short.now_or_never().map(reason),
        Some(Reason::DeadlinePassed),
        "the queue is not even looked at"
    );

    // Nor a slot, if one is free.
    drop(held);
    let mut call = late.sync_scope(|| Box::pin(svc.call(1)));
    assert_eq!(slots.in_flight(), 0);
    assert_eq!(call.as_mut().now_or_never().map(lifted), Some(Reason::DeadlinePassed));
}

#[tokio::test(start_paused = true)]
async fn an_inside_that_is_not_ready_holds_a_slot_no_longer_than_the_deadline() {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let listener = Arc::clone(&heard);
    let slots = Slots::new("x", 1).observe(move |event: &Event<'_>| {
        if let Event::Rejected { name, reason, .. } = event {
            listener.lock().expect("not poisoned").push(format!("{name} {}", reason.as_str()));
        }
    });
    let probe = Probe::new();
    let inside = probe.handle();
    let svc = BulkheadLayer::new(&slots).queue(9).max_wait(DAY).layer(probe);

    inside.pend();
    let start = Instant::now();
    let call = |millis: u32, n| Deadline::after(start, millis * MS).sync_scope(|| svc.clone().call(n));
    let mut calls = [call(100, 1), call(300, 2), call(500, 3)].map(Box::pin);
    assert!(calls.iter_mut().all(|call| call.as_mut().now_or_never().is_none()));
    assert_eq!((slots.in_flight(), slots.waiting()), (1, 2));

    let [first, second, third] = calls;
    for (call, at) in [(first, 100), (second, 300)] {
        let answer = timeout(DAY, call).await.expect("somebody ends it");
        let why = answer.expect_err("it was not ready in time").as_rejected().expect("refused by us");
        assert_eq!((reason(Err::<(), _>(why.clone())), why.name()), (Reason::DeadlinePassed, "x"));
        assert_eq!(start.elapsed(), at * MS);
    }
    assert_eq!(*heard.lock().expect("not poisoned"), ["x deadline_passed"; 2]);
    assert_eq!((slots.in_flight(), inside.counts().calls), (1, 0), "the third has the slot");
    inside.ready();
    assert_eq!(third.await, Ok(3));
    assert_eq!(slots.in_flight(), 0);

    // Who has all the time waits.
    inside.pend();
    let mut patient = Box::pin(svc.clone().oneshot(4));
    assert!(poll!(patient.as_mut()).is_pending());
    advance(DAY).await;
    assert!(poll!(patient.as_mut()).is_pending());
    inside.ready();
    assert_eq!(patient.await, Ok(4));
}

#[tokio::test(start_paused = true)]
async fn who_is_dropped_in_the_queue_leaves_at_once() {
    let slots = Slots::new("x", 1);
    let held = slots.try_acquire().expect("free");
    let queue = Queue::new(3).max_wait(DAY);
    let mut turns: Vec<_> = (0..3).map(|_| Box::pin(slots.acquire(queue))).collect();
    for turn in &mut turns {
        assert!(poll!(turn.as_mut()).is_pending());
    }
    assert_eq!(slots.waiting(), 3);
    drop(turns.remove(1)); // from the middle
    assert_eq!(slots.waiting(), 2);
    let mut last = pin!(slots.acquire(queue));
    assert!(poll!(last.as_mut()).is_pending(), "there is room in the queue again");
    drop(turns.remove(0)); // the first
    drop(held);
    assert!(poll!(last.as_mut()).is_pending(), "the third is the first now");
    let slot = turns.remove(0).await.expect("its turn");
    drop(slot);
    drop(last.await.expect("its turn"));
}

#[tokio::test]
async fn who_is_dropped_when_its_turn_has_come_passes_the_slot_on() {
    let slots = Slots::new("x", 1);
    let held = slots.try_acquire().expect("free");
    let mut first = Box::pin(slots.acquire(ALWAYS));
    let mut second = Box::pin(slots.acquire(ALWAYS));
    assert!(poll!(first.as_mut()).is_pending() && poll!(second.as_mut()).is_pending());
    drop(held);
    assert_eq!((slots.in_flight(), slots.waiting()), (1, 1), "the slot is the first one's");
    drop(first);
    assert_eq!((slots.in_flight(), slots.waiting()), (1, 0), "and now the second one's");
    let slot = second.now_or_never().expect("its turn").expect("a slot");
    drop(slot);
    assert_eq!(slots.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_runs_out_of_time_when_its_turn_has_come_has_the_slot() {
    let slots = Slots::new("x", 1);
    let held = slots.try_acquire().expect("free");
    let mut first = Box::pin(slots.acquire(Queue::new(9).max_wait(MS)));
    assert!(poll!(first.as_mut()).is_pending());
    drop(held);
    advance(DAY).await;
    drop(first.await.expect("it had its turn in time"));
    assert_eq!((slots.in_flight(), slots.waiting()), (0, 0));
}

#[test]
fn the_last_waker_is_the_one_that_is_woken() {
    #[derive(Default)]
    struct Rung(std::sync::atomic::AtomicU32);
    impl Wake for Rung {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
    let slots = Slots::new("x", 1);
    let held = slots.try_acquire().expect("free");
    let mut turn = pin!(slots.acquire(ALWAYS));
    let bells: [Arc<Rung>; 2] = Default::default();
    for bell in &bells {
        let waker = Waker::from(Arc::clone(bell));
        assert!(turn.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert_eq!(Arc::strong_count(&bells[0]), 1, "the former waker is not kept");
    drop(held);
    assert_eq!(bells.map(|bell| bell.0.load(std::sync::atomic::Ordering::Relaxed)), [0, 1]);
}

#[test]
fn a_waker_that_drops_another_who_waits_does_not_hang() {
    struct DropsTheOther(Mutex<Option<std::pin::Pin<Box<buttress::bulkhead::Acquire>>>>);
    impl Wake for DropsTheOther {
        fn wake(self: Arc<Self>) {
            drop(self.0.lock().expect("not poisoned").take());
        }
    }
    let slots = Slots::new("x", 1);
    let held = slots.try_acquire().expect("free");
    let mut other = Box::pin(slots.acquire(ALWAYS));
    let mut turn = Box::pin(slots.acquire(ALWAYS));
    let waker = Arc::new(DropsTheOther(Mutex::default()));
    assert!(turn.as_mut().poll(&mut Context::from_waker(&Arc::clone(&waker).into())).is_pending());
    assert!(other.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    *waker.0.lock().expect("not poisoned") = Some(other);
    drop(held);
    assert_eq!((slots.in_flight(), slots.waiting()), (1, 0));
    drop(turn);
}

#[tokio::test]
async fn the_inside_is_asked_after_the_turn_and_not_before() {
    #[derive(Clone)]
    struct Asked(Inside, bool);
    impl Service<()> for Asked {
        type Response = ();
        type Error = &'static str;
        type Future = std::future::Ready<Result<(), &'static str>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            drop(self.0.enter());
            self.1 = true;
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, (): ()) -> Self::Future {
            assert!(self.1, "the instance that is called was readied");
            std::future::ready(Ok(()))
        }
    }
    let slots = Slots::new("x", 1);
    let asked = Inside::default();
    let mut svc = over(BulkheadLayer::new(&slots).queue(9), Asked(asked.clone(), false));
    let held = slots.try_acquire().expect("free");
    let mut call = pin!(svc.ready().await.expect("always ready").call(()));
    assert!(poll!(call.as_mut()).is_pending());
    assert_eq!(asked.all(), 0);
    drop(held);
    call.await.expect("an answer");
    assert_eq!((asked.all(), slots.in_flight()), (1, 0));
}

#[tokio::test]
async fn a_readiness_error_comes_out_of_the_call_and_gives_the_slot_back() {
    #[derive(Clone)]
    struct Unready;
    impl Service<()> for Unready {
        type Response = ();
        type Error = &'static str;
        type Future = std::future::Ready<Result<(), &'static str>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            Poll::Ready(Err("no route to host"))
        }
        fn call(&mut self, (): ()) -> Self::Future {
            panic!("called, and not ready")
        }
    }
    let slots = Slots::new("x", 1);
    let mut call = pin!(over(BulkheadLayer::new(&slots).queue(9), Unready).oneshot(()));
    let answer = poll!(call.as_mut());
    assert_eq!(answer, Poll::Ready(Err(buttress::Lifted::Inner("no route to host"))));
    assert_eq!(slots.in_flight(), 0, "the future itself still stands");
}

#[tokio::test(start_paused = true)]
async fn all_who_fit_in_time_are_served_and_none_waits_longer_than_it_may() {
    // 10 slots of 100 ms each: 100 a second. Of 100 at once, those whose turn comes within 250 ms are served.
    let slots = Slots::new("x", 10);
    let inside = Inside::default();
    let count = inside.clone();
    let service = service_fn(move |n: u32| {
        let here = count.enter();
        async move {
            sleep(100 * MS).await;
            drop(here);
            Ok::<_, Infallible>(n)
        }
    });
    let client = over(BulkheadLayer::new(&slots).queue(1000).max_wait(250 * MS), service);
    let start = Instant::now();
    let calls = (0..100).map(|n| client.clone().oneshot(n).map(|answer| (answer.is_ok(), Instant::now())));
    let answers = futures_util::future::join_all(calls).await;
    let served = answers.iter().filter(|(ok, _)| *ok).count();
    assert_eq!((served, inside.most()), (30, 10));
    let last_refusal = answers.iter().filter(|(ok, _)| !ok).map(|(_, at)| *at - start).max();
    assert_eq!(last_refusal, Some(250 * MS));
    assert_eq!((slots.in_flight(), slots.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn layers_over_the_same_slots_each_have_a_queue_of_their_own_length() {
    let slots = Slots::new("x", 1);
    let (_, _answer, service) = on_call();
    let busy = over(BulkheadLayer::new(&slots).queue(1), service.clone());
    let important = over(BulkheadLayer::new(&slots).queue(3), service);
    let _held = slots.try_acquire().expect("free");
    let mut waits = Box::pin(busy.clone().oneshot(1));
    assert!(poll!(waits.as_mut()).is_pending());
    assert_eq!(busy.oneshot(2).now_or_never().map(lifted), Some(Reason::Full));
    let mut waits = Box::pin(important.oneshot(3));
    assert!(poll!(waits.as_mut()).is_pending());
    assert_eq!(slots.waiting(), 2);
}

#[tokio::test]
async fn who_waits_outlives_the_handle_and_the_service() {
    let slots = Slots::new("x", 1);
    let held = slots.try_acquire().expect("free");
    let (_, answer, service) = on_call();
    let mut call = Box::pin(over(BulkheadLayer::new(&slots).queue(9), service).oneshot(5));
    assert!(poll!(call.as_mut()).is_pending());
    drop(slots);
    drop(held);
    assert!(poll!(call.as_mut()).is_pending());
    answer.send(()).expect("it was called");
    assert_eq!(call.await, Ok(5));
}

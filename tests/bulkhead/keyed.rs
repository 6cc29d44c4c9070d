//! Slots by key: each host its own, at most so many, and what happens where there are more.

use crate::{
    Inside, MS,
    frames::{Frames, Step},
    lifted, on_call, reason,
};
use buttress::{
    Deadline,
    bulkhead::{KeyedBulkheadLayer, KeyedSlots, Queue, Slots},
    clock, http as b_http, over,
    rejected::{Name, Reason},
    telemetry::Event,
};
use futures_util::{FutureExt, poll};
use http::{Request, Response};
use std::{
    borrow::Cow,
    convert::Infallible,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use tower::{Service, ServiceExt, service_fn};

fn host(n: u32) -> String {
    format!("host-{n}")
}

#[tokio::test]
async fn a_slow_host_takes_its_own_slots_and_no_others() {
    let slots: KeyedSlots = KeyedSlots::new(10, 2);
    let (inside, _answer, service) = on_call();
    // Even numbers go to one host, odd ones to the other.
    let layer = KeyedBulkheadLayer::new(&slots, |n: &u32| Some(Cow::<str>::Owned(host(n % 2))));
    let mut client = over(layer, service);
    let mut calls = Vec::new();
    for n in [0, 2, 1] {
        let mut call = Box::pin(client.ready().await.expect("ready").call(n));
        assert!(poll!(call.as_mut()).is_pending());
        calls.push(call);
    }
    let answer = client.ready().await.expect("ready").call(4).await;
    assert_eq!(lifted(answer), Reason::Full);
    assert_eq!(inside.all(), 3);
    let known = |n| slots.known(&host(n)).expect("it was called").in_flight();
    assert_eq!((known(0), known(1)), (2, 1));
    drop(calls);
    assert_eq!((known(0), known(1)), (0, 0));
}

#[tokio::test]
async fn a_call_without_a_key_passes_uncounted() {
    let slots: KeyedSlots = KeyedSlots::new(10, 1);
    let (inside, _answer, service) = on_call();
    let layer = KeyedBulkheadLayer::new(&slots, |_: &u32| None::<Cow<'_, str>>);
    let mut client = over(layer.clone(), service.clone());
    let mut queueing = over(layer.queue(1), service);
    let mut calls = Vec::new();
    for n in 0..3 {
        calls.push(client.ready().await.expect("ready").call(n).boxed_local());
        calls.push(queueing.ready().await.expect("ready").call(n).boxed_local());
    }
    for call in &mut calls {
        assert!(poll!(call).is_pending());
    }
    assert_eq!((inside.all(), slots.len()), (6, 0));
}

#[test]
fn a_newcomer_gets_the_place_of_who_is_idle_and_never_of_who_is_busy() {
    let slots: KeyedSlots = KeyedSlots::new(2, 1);
    let busy = slots.try_acquire("busy").expect("free");
    drop(slots.try_acquire("idle"));
    drop(slots.try_acquire("newcomer"));
    let mut keys: Vec<_> = slots.list().into_iter().map(|(key, _)| key).collect();
    keys.sort();
    assert_eq!(keys, ["busy", "newcomer"]);
    assert_eq!(reason(slots.try_acquire("busy")), Reason::Full);
    drop(busy);
}

#[tokio::test]
async fn who_is_waited_for_keeps_its_place() {
    let slots: KeyedSlots = KeyedSlots::new(1, 1);
    let held = slots.try_acquire("busy").expect("free");
    let mut waits = pin!(slots.acquire("busy", Queue::new(1)));
    assert!(poll!(waits.as_mut()).is_pending());
    drop(held);
    assert_eq!(slots.get("newcomer").name(), Name::from("overflow"));
    drop(waits.await.expect("its turn"));
    assert_eq!(slots.get("newcomer").name(), Name::from("newcomer"));
}

#[test]
fn a_crowd_shares_one_set_of_slots_and_that_is_said_once() {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let ears = Arc::clone(&heard);
    let slots =
        KeyedSlots::<String>::new(2, 3).overflow_name("other hosts").observe(move |event: &Event<'_>| {
            if let Event::Overflow { name, bound, .. } = event {
                ears.lock().expect("not poisoned").push(format!("{name}: more than {bound}"));
            }
        });
    let busy: Vec<_> = (0..2).map(|n| slots.try_acquire(&host(n)).expect("free")).collect();
    let crowd: Vec<_> = (2..5).map(|n| slots.try_acquire(&host(n)).expect("one of three")).collect();
    assert_eq!(slots.try_acquire(&host(5)).expect_err("three are inside").name(), "other hosts");
    assert_eq!((slots.overflow().in_flight(), slots.len(), slots.bound()), (3, 2, 2));
    assert_eq!(*heard.lock().expect("not poisoned"), ["other hosts: more than 2"]);
    drop((busy, crowd));
    assert_eq!(slots.overflow().in_flight(), 0);
}

#[test]
fn many_keys_keep_within_their_bound() {
    let slots = KeyedSlots::named_by(8, 1, |n: &u32| format!("shard {n}"));
    for n in 0..1000 {
        drop(slots.try_acquire(&n).expect("nobody else is inside"));
        assert!(slots.len() <= 8);
    }
    assert_eq!(slots.known(&999).map(|slots| slots.name()), Some(Name::from("shard 999")));
}

#[tokio::test(start_paused = true)]
async fn each_key_has_a_queue_of_its_own() {
    let slots: KeyedSlots = KeyedSlots::new(10, 1);
    let inside = Inside::default();
    let count = inside.clone();
    let service = service_fn(move |n: u32| {
        let here = count.enter();
        async move {
            tokio::time::sleep(100 * MS).await;
            drop(here);
            Ok::<_, Infallible>(n)
        }
    });
    let layer = KeyedBulkheadLayer::new(&slots, |n: &u32| Some(Cow::<str>::Owned(host(n % 3))));
    let client = over(layer.queue(2).max_wait(Duration::from_secs(1)), service);
    let start = tokio::time::Instant::now();
    let calls = (0..12).map(|n| client.clone().oneshot(n));
    let answers = futures_util::future::join_all(calls).await;
    // Each host runs one and queues two; the fourth call of each is refused.
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 9);
    assert_eq!((inside.most(), start.elapsed()), (3, 300 * MS));
    assert!(slots.list().iter().all(|(_, slots)| (slots.in_flight(), slots.waiting()) == (0, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_too_late_makes_no_difference_to_its_host() {
    let slots: KeyedSlots = KeyedSlots::new(10, 1);
    let late = Deadline::at(clock::now());
    assert_eq!(reason(late.sync_scope(|| slots.try_acquire("a"))), Reason::DeadlinePassed);
    let turn = late.sync_scope(|| slots.acquire("a", Queue::new(1)));
    assert_eq!(turn.now_or_never().map(reason), Some(Reason::DeadlinePassed));
    assert_eq!(slots.get("a").in_flight(), 0);
}

#[test]
fn a_listener_may_ask_for_slots_of_the_same_set() {
    let own: Arc<Mutex<Option<KeyedSlots>>> = Arc::default();
    let ask = Arc::clone(&own);
    let slots = KeyedSlots::<String>::new(2, 2).observe(move |event: &Event<'_>| {
        let Event::InFlight { calls: 1, .. } = event else { return };
        let slots = ask.lock().expect("not poisoned").take();
        if let Some(slots) = slots {
            drop(slots.try_acquire("a"));
            drop(slots.try_acquire("b"));
        }
    });
    // Known from now on: it is found under a lock, under which nobody may be told.
    drop(slots.try_acquire("a").expect("free"));
    *own.lock().expect("not poisoned") = Some(slots.clone());
    drop(slots.try_acquire("a").expect("free"));
    assert!(own.lock().expect("not poisoned").is_none(), "it was told");
}

#[test]
fn a_forgotten_key_begins_anew_and_who_is_inside_keeps_what_it_had() {
    let slots: KeyedSlots = KeyedSlots::new(10, 1);
    let slot = slots.try_acquire("a").expect("free");
    let former = slots.remove("a").expect("known");
    assert!(slots.try_acquire("a").is_ok());
    assert_eq!(former.in_flight(), 1);
    drop(slot);
    assert_eq!(former.in_flight(), 0);
    assert!(slots.remove("b").is_none());
}

#[test]
fn extremes_are_the_nearest_that_works() {
    let slots: KeyedSlots = KeyedSlots::new(0, 0);
    assert_eq!((slots.bound(), slots.get("a").limit(), slots.is_empty()), (1, 1, false));
    let slots: KeyedSlots = KeyedSlots::new(usize::MAX, u32::MAX);
    assert_eq!((slots.bound(), slots.get("a").limit()), (1 << 20, u32::MAX));
}

#[tokio::test]
async fn http_clients_are_keyed_by_authority_and_held_to_the_end_of_the_body() {
    let layer = KeyedBulkheadLayer::per_authority(10, 1).hold(b_http::ToEnd);
    let slots = layer.slots().clone();
    let service = service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(Frames::new([Step::Data("a"), Step::Hang])))
    });
    let client = over(layer, service);
    let get = |uri: &str| client.clone().oneshot(Request::get(uri).body(()).expect("valid"));
    let reading = get("https://Slow.test:443/a").await.expect("a head");
    assert_eq!(lifted(get("https://slow.test/b").await.map(|_| ())), Reason::Full);
    let other = get("https://quick.test/").await.expect("a head");
    let known: Vec<Slots> = slots.list().into_iter().map(|(_, slots)| slots).collect();
    assert_eq!(known.iter().map(Slots::in_flight).collect::<Vec<_>>(), [1, 1]);
    drop((reading, other));
    assert_eq!(known.iter().map(Slots::in_flight).collect::<Vec<_>>(), [0, 0]);
}

#[tokio::test]
async fn without_a_queue_the_inside_is_asked_first_and_with_one_after_the_turn() {
    #[derive(Clone)]
    struct NeverReady;
    impl Service<u32> for NeverReady {
        type Response = u32;
        type Error = Infallible;
        type Future = std::future::Ready<Result<u32, Infallible>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Pending
        }
        fn call(&mut self, _: u32) -> Self::Future {
            panic!("called, and never ready")
        }
    }
    let slots: KeyedSlots = KeyedSlots::new(10, 1);
    let layer = KeyedBulkheadLayer::new(&slots, |n: &u32| Some(Cow::<str>::Owned(host(*n))));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(over(layer.clone(), NeverReady).poll_ready(&mut cx).is_pending());
    let mut client = over(layer.queue(1), NeverReady);
    assert!(client.poll_ready(&mut cx).is_ready());
    let mut call = pin!(client.call(1));
    assert!(poll!(call.as_mut()).is_pending());
    assert_eq!(slots.get(&host(1)).in_flight(), 1);
}

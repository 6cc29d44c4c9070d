//! Limits and queues that change while calls run.

use crate::{MS, lifted, on_call, reason};
use buttress::{
    bulkhead::{BulkheadLayer, KeyedBulkheadLayer, KeyedSlots, LiveQueue, Queue, Slots},
    over,
    rejected::Reason,
};
use futures_util::{FutureExt, poll};
use std::{borrow::Cow, pin::pin, thread, time::Duration};
use tokio::time::advance;
use tower::{Service, ServiceExt};

#[tokio::test(start_paused = true)]
async fn a_limit_for_all_keys_lets_in_those_who_wait_for_any_of_them() {
    let slots: KeyedSlots = KeyedSlots::new(10, 1);
    let _inside = [slots.try_acquire("a").expect("free"), slots.try_acquire("b").expect("free")];
    let mut waiting = [pin!(slots.acquire("a", Queue::new(9))), pin!(slots.acquire("b", Queue::new(9)))];
    for wait in &mut waiting {
        assert!(poll!(wait.as_mut()).is_pending());
    }
    slots.set_limit(2);
    for wait in &mut waiting {
        assert!(poll!(wait.as_mut()).is_ready());
    }
    assert_eq!((slots.limit(), slots.get("new").limit()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_smaller_limit_for_all_keys_throws_nobody_out() {
    let slots: KeyedSlots = KeyedSlots::new(10, 3);
    let mut inside: Vec<_> = (0..3).map(|_| slots.try_acquire("a").expect("free")).collect();
    slots.set_limit(0);
    assert_eq!((slots.limit(), slots.get("a").limit(), slots.get("a").in_flight()), (1, 1, 3));
    for left in (0..3).rev() {
        assert_eq!(reason(slots.try_acquire("a")), Reason::Full);
        drop(inside.pop());
        assert_eq!(slots.get("a").in_flight(), left);
    }
    assert!(slots.try_acquire("a").is_ok());
}

#[test]
fn the_slots_of_newcomers_and_of_every_handle_have_the_limit() {
    let slots: KeyedSlots = KeyedSlots::new(1, 1);
    let handle = slots.clone().overflow_name("rest");
    let _inside = handle.try_acquire("a").expect("free");
    let overflow = handle.get("b");
    assert_eq!((overflow.name().as_str(), overflow.limit()), ("rest", 1));
    slots.set_limit(7);
    assert_eq!((overflow.limit(), handle.limit(), handle.get("a").limit()), (7, 7, 7));
}

#[test]
fn of_two_who_set_it_at_once_all_keys_end_with_one_limit() {
    for _ in 0..200 {
        let slots: KeyedSlots = KeyedSlots::new(8, 1);
        for key in ["a", "b", "c"] {
            slots.get(key);
        }
        thread::scope(|scope| {
            let slots = &slots;
            for limit in [5, 9] {
                scope.spawn(move || slots.set_limit(limit));
            }
            scope.spawn(move || slots.get("d"));
        });
        let limits: Vec<_> = ["a", "b", "c", "d"].iter().map(|key| slots.get(*key).limit()).collect();
        assert_eq!(limits, [slots.limit(); 4]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_changed_holds_for_who_comes_from_then_on() {
    let slots = Slots::new("x", 1);
    let queue = LiveQueue::new(Queue::new(1).max_wait(10 * MS));
    let (_inside, answer, service) = on_call();
    let mut client = over(BulkheadLayer::new(&slots).queue_by(queue.clone()), service);
    let mut call = async |n| client.ready().await.expect("always").call(n);
    let mut first = pin!(call(1).await);
    let mut waits = pin!(call(2).await);
    assert!(poll!(first.as_mut()).is_pending() && poll!(waits.as_mut()).is_pending());
    assert_eq!(lifted(call(3).await.await), Reason::Full);

    queue.set(Queue::new(2).max_wait(Duration::MAX));
    let mut waits_longer = pin!(call(4).await);
    assert!(poll!(waits_longer.as_mut()).is_pending());
    advance(10 * MS).await;
    assert_eq!(lifted(waits.now_or_never().expect("its wait is over, as it was to be")), Reason::Full);

    queue.set(Queue::new(0));
    assert_eq!(lifted(call(5).await.await), Reason::Full);
    advance(Duration::from_secs(60)).await;
    assert!(poll!(waits_longer.as_mut()).is_pending(), "who waits goes on waiting");
    drop(answer);
    assert_eq!((first.await.expect("answered"), waits_longer.await.expect("its turn")), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn the_queues_of_keys_change_as_well() {
    let slots: KeyedSlots = KeyedSlots::new(10, 1);
    let queue = LiveQueue::new(Queue::new(0));
    let (_inside, _answer, service) = on_call();
    let layer = KeyedBulkheadLayer::new(&slots, |_: &u32| Some(Cow::Borrowed("a"))).queue_by(queue.clone());
    let mut client = over(layer, service);
    let mut call = async |n| client.ready().await.expect("always").call(n);
    let mut first = pin!(call(1).await);
    assert!(poll!(first.as_mut()).is_pending());
    assert_eq!(lifted(call(2).await.await), Reason::Full);
    queue.set(Queue::new(1));
    assert!(poll!(pin!(call(3).await)).is_pending());
}

#[test]
fn a_live_queue_gives_back_what_was_set() {
    for queue in [
        Queue::new(0),
        Queue::new(u32::MAX).max_wait(Duration::MAX),
        Queue::new(7).max_wait(Duration::from_nanos(1)),
        Queue::new(7).max_wait(Duration::ZERO),
    ] {
        assert_eq!(LiveQueue::new(queue).get(), queue);
    }
}

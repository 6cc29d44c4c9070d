//! The handle alone.

use crate::{DAY, MS, reason};
use buttress::{
    Deadline,
    bulkhead::{Queue, Slot, Slots},
    clock,
    rejected::{Name, Reason},
};
use futures_util::{FutureExt, poll};
use std::pin::pin;

fn take(slots: &Slots, many: u32) -> Vec<Slot> {
    (0..many).map(|_| slots.try_acquire().expect("free")).collect()
}

#[test]
fn a_limit_of_0_is_1() {
    let slots = Slots::new("x", 0);
    assert_eq!(slots.limit(), 1);
    let _one = take(&slots, 1);
    assert_eq!(reason(slots.try_acquire()), Reason::Full);
    slots.set_limit(0);
    assert_eq!(slots.limit(), 1);
}

#[test]
fn a_limit_of_max_is_none_and_still_counts() {
    let slots = Slots::new("x", u32::MAX);
    let many = take(&slots, 10_000);
    assert_eq!(slots.in_flight(), 10_000);
    drop(many);
    assert_eq!(slots.in_flight(), 0);
}

#[test]
fn an_empty_name_is_the_patterns_own() {
    assert_eq!(Slots::new("", 1).name(), Name::from("bulkhead"));
    assert_eq!(Slots::new(String::from("payments"), 1).name(), Name::from("payments"));
}

#[test]
fn clones_are_the_same_slots_and_others_are_others() {
    let (one, other) = (Slots::new("x", 1), Slots::new("x", 1));
    let _slot = one.try_acquire().expect("free");
    assert_eq!(reason(one.clone().try_acquire()), Reason::Full);
    assert!(other.try_acquire().is_ok());
}

#[test]
fn a_smaller_limit_throws_nobody_out_and_as_many_have_to_end_first() {
    let slots = Slots::new("x", 4);
    let mut inside = take(&slots, 4);
    slots.set_limit(2);
    assert_eq!((slots.in_flight(), slots.limit()), (4, 2));
    for left in [3, 2] {
        drop(inside.pop());
        assert_eq!(slots.in_flight(), left);
        assert_eq!(reason(slots.try_acquire()), Reason::Full);
    }
    drop(inside.pop());
    inside.push(slots.try_acquire().expect("one of two"));
    assert_eq!(reason(slots.try_acquire()), Reason::Full);
}

#[tokio::test]
async fn a_larger_limit_lets_the_first_who_wait_in_at_once() {
    let slots = Slots::new("x", 1);
    let _held = slots.try_acquire().expect("free");
    let mut turns: Vec<_> = (0..3).map(|_| Box::pin(slots.acquire(Queue::new(9)))).collect();
    for turn in &mut turns {
        assert!(poll!(turn.as_mut()).is_pending());
    }
    slots.set_limit(3);
    assert_eq!((slots.in_flight(), slots.waiting()), (3, 1));
    assert!(poll!(turns[2].as_mut()).is_pending());
    assert!(poll!(turns[0].as_mut()).is_ready() && poll!(turns[1].as_mut()).is_ready());
}

#[tokio::test]
async fn a_smaller_limit_holds_for_those_who_wait() {
    let slots = Slots::new("x", 3);
    let mut inside = take(&slots, 3);
    let mut turn = pin!(slots.acquire(Queue::new(9)));
    assert!(poll!(turn.as_mut()).is_pending());
    slots.set_limit(1);
    for _ in 0..2 {
        drop(inside.pop());
        assert!(poll!(turn.as_mut()).is_pending());
    }
    drop(inside.pop());
    drop(turn.await.expect("its turn"));
}

#[tokio::test(start_paused = true)]
async fn a_passed_deadline_refuses_what_is_free() {
    let slots = Slots::new("x", 1);
    let late = Deadline::at(clock::now());
    assert_eq!(reason(late.sync_scope(|| slots.try_acquire())), Reason::DeadlinePassed);
    let turn = late.sync_scope(|| slots.acquire(Queue::new(9)));
    assert_eq!(turn.now_or_never().map(reason), Some(Reason::DeadlinePassed));
    assert!(Deadline::after(clock::now(), MS).sync_scope(|| slots.try_acquire()).is_ok());
}

#[test]
fn a_free_slot_is_taken_when_it_is_asked_for_and_given_back_unpolled() {
    let slots = Slots::new("x", 1);
    let turn = slots.acquire(Queue::new(9));
    assert_eq!(slots.in_flight(), 1);
    drop(turn);
    assert_eq!(slots.in_flight(), 0);
}

#[test]
fn who_has_not_been_polled_stands_in_no_queue() {
    let slots = Slots::new("x", 1);
    let _held = slots.try_acquire().expect("free");
    let turn = slots.acquire(Queue::new(9));
    assert_eq!(slots.waiting(), 0);
    drop(turn);
}

#[test]
fn slots_of_a_handle_that_has_gone_trouble_nobody_who_comes_later() {
    // Compartments are used again: a call that is still inside must keep its own from the next owner.
    for _ in 0..100 {
        let old = Slots::new("old", 2);
        let late = take(&old, 2);
        drop(old);
        let others: Vec<_> = (0..3).map(|n| Slots::new(format!("new {n}"), 1)).collect();
        let held: Vec<_> = others.iter().map(|slots| slots.try_acquire().expect("its own")).collect();
        drop(late);
        for slots in &others {
            assert_eq!((slots.in_flight(), slots.waiting(), slots.limit()), (1, 0, 1));
            assert_eq!(reason(slots.try_acquire()), Reason::Full);
        }
        drop(others);
        drop(held);
    }
}

#[test]
fn a_compartment_that_is_used_again_remembers_nothing() {
    let slots = Slots::new("old", 7).observe(|_: &buttress::telemetry::Event<'_>| {});
    drop(take(&slots, 7));
    drop(slots);
    let slots = Slots::new("new", 2);
    assert_eq!((slots.in_flight(), slots.waiting(), slots.limit()), (0, 0, 2));
    assert_eq!(slots.try_acquire().map(|_| slots.name()), Ok(Name::from("new")));
}

#[test]
fn what_is_printed_says_what_it_is() {
    let slots = Slots::new("payments", 2);
    let slot = slots.try_acquire().expect("free");
    assert_eq!(format!("{slots:?}"), r#"Slots { name: "payments", in_flight: 1, waiting: 0, limit: 2 }"#);
    let turn = slots.acquire(Queue::new(9).max_wait(DAY));
    assert_eq!(format!("{turn:?}"), r#"Acquire { state: "Taken", .. }"#);
    drop(slot);
}

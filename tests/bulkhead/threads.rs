//! Real threads: nothing is lost, nothing is given twice, and everybody comes to his turn.

use crate::Inside;
use buttress::bulkhead::{Queue, Slots};
use futures_util::FutureExt;
use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

const ALWAYS: Queue = Queue::new(1000).max_wait(Duration::MAX);

#[test]
fn two_threads_that_come_and_go_never_have_more_inside_than_there_are_slots() {
    for limit in [1, 2, 3] {
        let slots = Slots::new("x", limit);
        let inside = Inside::default();
        let start = Barrier::new(2);
        std::thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    start.wait();
                    for _ in 0..20_000 {
                        let held: Vec<_> = (0..3)
                            .map_while(|_| slots.try_acquire().ok())
                            .map(|slot| (inside.enter(), slot))
                            .collect();
                        drop(held);
                    }
                });
            }
        });
        assert_eq!((inside.most(), slots.in_flight()), (limit, 0));
    }
}

/// Each task takes its turn again and again, and some leave while they wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_on_two_threads_all_come_to_their_turn() {
    let slots = Slots::new("x", 2);
    let inside = Inside::default();
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let (slots, inside) = (slots.clone(), inside.clone());
            tokio::spawn(async move {
                let mut turns = 0;
                for round in 0..400 {
                    if (task + round) % 5 == 0 {
                        // One who gives up after one look: in the queue, or with the slot in hand.
                        drop(slots.acquire(ALWAYS).now_or_never());
                        continue;
                    }
                    let slot = slots.acquire(ALWAYS).await.expect("its turn");
                    let here = inside.enter();
                    if round % 3 == 0 {
                        tokio::task::yield_now().await;
                    }
                    drop(here);
                    drop(slot);
                    turns += 1;
                }
                turns
            })
        })
        .collect();
    let mut turns = 0;
    for task in tasks {
        turns += task.await.expect("no panic");
    }
    assert_eq!(turns, 16 * 400 * 4 / 5);
    assert!(inside.most() <= 2, "{}", inside.most());
    assert_eq!((slots.in_flight(), slots.waiting()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_moves_loses_nobody() {
    let slots = Slots::new("x", 1);
    let over = Arc::new(AtomicBool::new(false));
    let mover = std::thread::spawn({
        let (slots, over) = (slots.clone(), Arc::clone(&over));
        move || {
            for limit in (1..=4).cycle() {
                slots.set_limit(limit);
                std::thread::yield_now();
                if over.load(Relaxed) {
                    return;
                }
            }
        }
    });
    let served = Arc::new(AtomicU32::new(0));
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (slots, served) = (slots.clone(), Arc::clone(&served));
            tokio::spawn(async move {
                for _ in 0..500 {
                    drop(slots.acquire(ALWAYS).await.expect("its turn"));
                    served.fetch_add(1, Relaxed);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    over.store(true, Relaxed);
    mover.join().expect("no panic");
    assert_eq!(served.load(Relaxed), 8 * 500);
    assert_eq!((slots.in_flight(), slots.waiting()), (0, 0));
}

#[test]
fn compartments_that_change_hands_between_threads_keep_their_calls_apart() {
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                let mut late = None;
                for _ in 0..5_000 {
                    let slots = Slots::new("x", 1);
                    let slot = slots.try_acquire().expect("nobody else has this one");
                    assert!(slots.try_acquire().is_err());
                    assert_eq!(slots.in_flight(), 1);
                    // Given back in the next round, when its handle has gone.
                    drop(late.replace(slot));
                }
                drop(late);
            });
        }
    });
}

//! What is told of many circuits.

use super::{Heard, policy};
use buttress::{
    breaker::{Circuits, Why},
    outcome::Outcome,
    telemetry::Event,
};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering::Relaxed},
};

#[test]
fn that_newcomers_share_is_said_once_until_one_finds_a_place_again() {
    let heard = Heard::default();
    let circuits: Circuits = Circuits::new(1, &policy().observe(heard.clone()));
    circuits.get("a.test").force_open();
    assert_eq!(heard.take(), ["a.test: closed by made", "a.test: forced_open by by_hand"]);
    for host in ["b.test", "c.test", "b.test"] {
        circuits.get(host);
    }
    assert_eq!(heard.take(), ["overflow: closed by made", "overflow: more than 1"]);

    circuits.get("a.test").auto();
    circuits.get("b.test").force_open();
    heard.take();
    circuits.get("c.test");
    circuits.get("c.test");
    assert_eq!(heard.take(), ["overflow: more than 1"]);
}

#[test]
fn calls_and_turns_are_told_by_the_name_of_the_host() {
    let heard = Heard::default();
    let circuits: Circuits = Circuits::new(9, &policy().observe(heard.clone()));
    for _ in 0..2 {
        circuits.admit("a.test").expect("closed").record(Outcome::FAILED);
    }
    drop(circuits.admit("a.test"));
    assert_eq!(
        heard.take(),
        [
            "a.test: closed by made",
            "a.test: failed",
            "a.test: failed",
            "a.test: open by consecutive",
            "a.test: rejected"
        ]
    );
}

#[test]
fn names_come_from_the_function_that_was_given() {
    let circuits = Circuits::named_by(1, &policy(), |host: &String| format!("search/{host}"));
    circuits.get("a.test").trip();
    assert_eq!(circuits.admit("a.test").expect_err("open").name(), "search/a.test");
}

/// Whoever listens may ask for any circuit: nothing is told under a lock.
#[test]
fn an_observer_may_ask_for_circuits_itself() {
    let asked: Arc<Mutex<Option<Circuits>>> = Arc::default();
    let asks: Arc<Mutex<Vec<&str>>> = Arc::default();
    let observer = {
        let (asked, asks, asking) = (Arc::clone(&asked), Arc::clone(&asks), AtomicBool::new(false));
        move |event: &Event<'_>| {
            // It hears of what it does itself.
            if asking.swap(true, Relaxed) {
                return;
            }
            if let Some(circuits) = asked.lock().expect("not poisoned").clone() {
                circuits.get(&*format!("seen {}", event.name()));
                drop(circuits.admit("a.test"));
                assert!(circuits.len() <= circuits.bound());
                asks.lock().expect("not poisoned").push(match event {
                    Event::Turned { why: Why::Made, .. } => "made",
                    Event::Turned { .. } => "turned",
                    Event::Rejected { .. } => "rejected",
                    Event::Overflow { .. } => "overflow",
                    _ => "another",
                });
            }
            asking.store(false, Relaxed);
        }
    };
    let policy = policy().observe(observer);
    let ask_while = |circuits: Circuits, busy: &dyn Fn(&Circuits)| {
        *asked.lock().expect("not poisoned") = Some(circuits.clone());
        busy(&circuits);
        *asked.lock().expect("not poisoned") = None;
    };
    ask_while(Circuits::new(100, &policy), &|circuits| {
        circuits.get("a.test").trip();
        drop(circuits.admit("a.test"));
    });
    let full: Circuits = Circuits::new(1, &policy);
    full.get("a.test").force_open();
    ask_while(full, &|full| drop(full.get("b.test")));
    for kind in ["made", "turned", "rejected", "overflow"] {
        assert!(asks.lock().expect("not poisoned").contains(&kind), "{kind}: {asks:?}");
    }
}

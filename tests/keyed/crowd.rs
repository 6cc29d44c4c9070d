//! More keys than places.

use super::{OPEN_FOR, circuits, live, policy};
use buttress::{
    Lifted,
    breaker::{Circuit, Circuits, KeyedBreakerLayer, Policy, State, Trip},
    outcome::Outcome,
    over,
};
use std::{borrow::Cow, time::Duration};
use tokio::time::advance;
use tower::{ServiceExt, service_fn};

fn fail(circuits: &Circuits, host: &str) {
    circuits.admit(host).expect("closed").record(Outcome::FAILED);
}

fn opened(circuits: &Circuits, host: &str) {
    fail(circuits, host);
    fail(circuits, host);
    assert_eq!(circuits.known(host).map(|circuit| circuit.state()), Some(State::Open));
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_hosts_leave_a_hundred_circuits_and_those_that_are_open_are_among_them() {
    // No other test of this process has windows of that size, and takes or leaves what this one shall count.
    let trip = Trip::over_calls(77).min_calls(2);
    let circuits = Circuits::new(100, &Policy::new().trip(trip));
    let broken: Vec<_> = (0..30).map(|n| format!("broken-{n}.test")).collect();
    broken.iter().for_each(|host| opened(&circuits, host));
    let visit = |from: u32| {
        for n in from..from + 10_000 {
            circuits.admit(&*format!("host-{n}.test")).expect("closed").record(Outcome::OK);
            assert!(circuits.len() <= 100);
        }
    };
    visit(0);
    let before = live::bytes();
    visit(10_000);
    let grown = live::bytes() - before;
    // One circuit alone has more.
    assert!(grown < 200, "{grown} bytes more after ten thousand hosts more");

    assert_eq!(circuits.len(), 100);
    for host in &broken {
        assert_eq!(circuits.known(&**host).map(|circuit| circuit.state()), Some(State::Open));
    }
    // The others are those that came last.
    for n in 19_930..20_000 {
        assert!(circuits.known(&*format!("host-{n}.test")).is_some(), "{n}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_open_half_open_or_forced_stays_and_newcomers_share_the_overflow() {
    let circuits = circuits(4);
    opened(&circuits, "open.test");
    circuits.get("shut.test").force_open();
    circuits.get("free.test").disable();
    opened(&circuits, "probed.test");
    advance(OPEN_FOR).await;
    let probe = circuits.admit("probed.test").expect("a probe");
    for (one, other) in [("new.test", "newer.test"), ("newest.test", "new.test")] {
        fail(&circuits, one);
        circuits.admit(other).expect("closed").record(Outcome::OK);
        assert!(circuits.known(one).is_none() && circuits.known(other).is_none());
    }
    // Two newcomers fail, and it opens for all of them.
    fail(&circuits, "new.test");
    fail(&circuits, "newest.test");
    assert_eq!(circuits.overflow().state(), State::Open);
    assert_eq!(circuits.admit("newer.test").expect_err("open").name(), "overflow");

    // One closes: the next newcomer has a circuit of its own.
    probe.record(Outcome::OK);
    assert!(circuits.admit("newer.test").is_ok());
    assert_eq!(circuits.known("newer.test").map(|circuit| circuit.state()), Some(State::Closed));
    assert!(circuits.known("probed.test").is_none());
    assert_eq!(circuits.len(), 4);
}

#[tokio::test]
async fn a_newcomer_is_refused_by_the_name_of_what_it_shares() {
    let circuits = circuits(1).overflow_name("other hosts");
    let layer = KeyedBreakerLayer::new(&circuits, |host: &&'static str| Some(Cow::Borrowed(*host)));
    let client = over(layer, service_fn(async |_: &'static str| Ok::<_, &'static str>(())));
    circuits.get("a.test").force_open();
    circuits.overflow().force_open();
    for (host, name) in [("a.test", "a.test"), ("b.test", "other hosts"), ("c.test", "other hosts")] {
        let Err(Lifted::Rejected(why)) = client.clone().oneshot(host).await else { panic!("{host} is open") };
        assert_eq!(why.name(), name);
    }
}

#[test]
fn of_two_that_are_closed_the_one_that_was_idle_longer_leaves() {
    let circuits = circuits(2);
    circuits.get("a.test");
    circuits.get("b.test");
    for _ in 0..10_000 {
        drop(circuits.admit("a.test"));
    }
    // To be looked at from outside is no use.
    for _ in 0..10_000 {
        let _ = circuits.known("b.test");
        let _ = circuits.list();
    }
    circuits.get("c.test");
    assert!(circuits.known("a.test").is_some());
    assert!(circuits.known("b.test").is_none());
}

/// What a circuit stands in is used again once it has left, here by the second that comes after it.
#[test]
fn late_results_of_a_circuit_that_has_left_harm_nobody() {
    for trip in
        [Trip::consecutive(2), Trip::over_calls(4).min_calls(2), Trip::over_time(OPEN_FOR).min_calls(2)]
    {
        let circuits: Circuits = Circuits::new(1, &Policy::new().trip(trip));
        let late: Vec<_> = (0..20).map(|_| circuits.admit("old.test").expect("closed")).collect();
        circuits.get("between.test");
        fail(&circuits, "new.test");
        assert!(circuits.known("old.test").is_none() && circuits.known("between.test").is_none());
        let count = || circuits.get("new.test").snapshot();
        let before = count();
        assert_eq!((before.state, before.failures_in_a_row), (State::Closed, 1));
        for (n, permit) in late.into_iter().enumerate() {
            match n % 3 {
                0 => permit.record(Outcome::FAILED),
                1 => permit.record(Outcome::OK),
                _ => drop(permit),
            }
            assert_eq!(count(), before);
        }
        fail(&circuits, "new.test");
        assert_eq!(count().state, State::Open);
    }
}

#[test]
fn who_keeps_the_handle_of_one_that_has_left_has_a_circuit_that_no_call_asks() {
    let circuits = circuits(1);
    let kept: Circuit = circuits.get("a.test");
    let late = circuits.admit("a.test").expect("closed");
    circuits.get("b.test");
    circuits.remove("b.test");
    fail(&circuits, "a.test");
    late.record(Outcome::FAILED);
    assert_eq!(
        (kept.snapshot().failures_in_a_row, circuits.get("a.test").snapshot().failures_in_a_row),
        (1, 1)
    );
    kept.trip();
    assert_eq!(circuits.get("a.test").state(), State::Closed);
}

#[test]
fn no_bound_is_wrong() {
    let least: Circuits = Circuits::new(0, &policy());
    least.get("a.test");
    least.get("b.test");
    assert_eq!((least.bound(), least.len()), (1, 1));
    let most: Circuits = Circuits::new(usize::MAX, &policy());
    assert_eq!(most.bound(), 1 << 20);
    assert!(most.admit("").is_ok());
    assert_eq!(most.get("").name().as_str(), "breaker");
}

#[test]
fn two_threads_are_refused_only_by_the_circuit_of_their_host() {
    let circuits: Circuits =
        Circuits::new(3, &Policy::new().trip(Trip::consecutive(3)).open_for(Duration::ZERO));
    std::thread::scope(|scope| {
        for seed in 0..2_u64 {
            let circuits = circuits.clone();
            scope.spawn(move || {
                let mut random = seed;
                let hosts: Vec<_> = (0..6).map(|n| format!("host-{n}.test")).collect();
                for _ in 0..20_000 {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    let host = &*hosts[(random >> 40) as usize % hosts.len()];
                    match circuits.admit(host) {
                        Ok(permit) if random >> 62 == 0 => permit.record(Outcome::OK),
                        Ok(permit) => permit.record(Outcome::FAILED),
                        Err(why) => {
                            assert!([host, "overflow"].contains(&why.name()), "{host} by {}", why.name());
                        }
                    }
                    assert!(circuits.len() <= 3);
                }
            });
        }
    });
}

//! What other breakers get wrong, one test each, named for the right behaviour.

use crate::rig::{FAILURES, OPEN_FOR, Rig, SECOND, policy};
use buttress::{
    Rejectable,
    backoff::{Backoff, Jitter},
    breaker::{BreakerLayer, Circuit, Policy, State, Trip},
    cause::{self, Cause},
    outcome::Outcome,
    rejected::Reason,
    testing::Answer,
    window::Ratio,
};
use futures_util::{FutureExt, future::join_all};
use std::{
    error::Error,
    sync::atomic::{AtomicU32, Ordering::SeqCst},
    time::Duration,
};
use tower::{Layer, ServiceExt};

fn half(trip: Trip) -> Trip {
    trip.failure_rate(Ratio::percent(50))
}

#[tokio::test(start_paused = true)]
async fn the_last_n_calls_and_only_those_count() {
    let mut rig = Rig::with(policy().trip(half(Trip::over_calls(100))));
    for _ in 0..1000 {
        rig.call(Answer::ok()).await.expect("answers");
    }
    for n in 1..=50 {
        assert_eq!(rig.circuit.state(), State::Closed, "before failure {n}");
        rig.call(Answer::fail()).await.expect_err("fails");
    }
    assert_eq!(rig.shows(), (State::Open, 100, 50, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn half_open_resolves_however_far_apart_the_answers_of_its_probes_are() {
    let window = half(Trip::over_time(SECOND).min_calls(2));
    let mut rig = Rig::with(policy().trip(window).probes(2));
    for _ in 0..2 {
        rig.call(Answer::fail()).await.expect_err("fails");
    }
    for state in [State::HalfOpen, State::Closed] {
        tokio::time::advance(Duration::from_secs(3600)).await;
        rig.call(Answer::ok()).await.expect("a probe");
        assert_eq!(rig.circuit.state(), state);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_of_the_closed_state_neither_closes_nor_opens_the_half_open_one() {
    let mut rig = Rig::new();
    let (good, bad) = (rig.start(Answer::ok()).await, rig.start(Answer::fail()).await);
    rig.half_open().await;
    good.await.expect("answers");
    bad.await.expect_err("fails");
    assert_eq!(rig.shows(), (State::HalfOpen, 0, 0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_cut_and_calls_that_panic_are_recorded() {
    for (answer, end) in [(Answer::never(), "timed_out"), (Answer::panics(), "panicked")] {
        let mut rig = Rig::new();
        for _ in 0..FAILURES {
            let mut call = rig.start(answer).await;
            let _ = std::panic::AssertUnwindSafe(&mut call).catch_unwind().now_or_never();
            cause::during(Cause::Cut, || drop(call));
        }
        assert_eq!(rig.circuit.state(), State::Open);
        assert_eq!(rig.heard.take()[1..=FAILURES as usize], [end; FAILURES as usize]);
    }
}

#[tokio::test(start_paused = true)]
async fn of_five_hundred_calls_at_once_while_half_open_at_most_n_are_probes() {
    for n in [1, 2, 10] {
        let mut rig = Rig::with(policy().probes(n));
        rig.half_open().await;
        let before = rig.inside.counts().calls;
        let mut calls = Vec::new();
        for _ in 0..500 {
            calls.push(rig.start(Answer::ok().after(SECOND)).await);
        }
        let answers = join_all(calls).await;
        let refused = answers.iter().filter(|answer| answer.is_err()).count() as u32;
        assert_eq!((refused, rig.inside.counts().most_in_flight), (500 - n, u64::from(n)));
        assert_eq!(rig.inside.counts().calls - before, u64::from(n));
        assert_eq!(rig.circuit.state(), State::Closed, "{n} have succeeded");
    }
}

#[test]
fn of_calls_from_many_threads_while_half_open_at_most_n_are_probes() {
    const N: u32 = 3;
    for _ in 0..50 {
        // However slow the machine, no probe is given up.
        let policy = policy().open_for(Duration::ZERO).probe_limit(Duration::MAX).probes(N);
        let circuit = Circuit::new("threads", &policy);
        circuit.trip();
        while circuit.state() == State::Open {
            // A millisecond of the real clock, since there is no runtime to pause it.
            drop(circuit.admit());
        }
        let (admitted, barrier) = (AtomicU32::new(0), std::sync::Barrier::new(8));
        std::thread::scope(|threads| {
            for _ in 0..8 {
                threads.spawn(|| {
                    barrier.wait();
                    let permits: Vec<_> = (0..100).filter_map(|_| circuit.admit().ok()).collect();
                    admitted.fetch_add(permits.len() as u32, SeqCst);
                    // Nobody gives a place back before all have asked.
                    barrier.wait();
                });
            }
        });
        assert_eq!(admitted.into_inner(), N);
    }
}

#[tokio::test(start_paused = true)]
async fn the_service_is_never_called_while_open() {
    let mut rig = Rig::new();
    let mut refused = 0;
    for _ in 0..2000 {
        let answer = rig.call(Answer::fail()).await.expect_err("fails or is refused");
        refused += u64::from(answer.id().is_none());
    }
    assert_eq!((rig.inside.counts().calls, refused), (3, 1997));
    assert_eq!(rig.circuit.snapshot().rejected, 1997);
}

#[tokio::test(start_paused = true)]
async fn a_time_window_takes_the_same_memory_for_any_number_of_calls() {
    let trip = Trip::over_time(Duration::from_secs(3600)).failure_rate(Ratio::ONE);
    let circuit = Circuit::new("memory", &policy().trip(trip));
    let mut live = Vec::with_capacity(2);
    for _ in 0..2 {
        for n in 0..5000 {
            let outcome = if n % 3 == 0 { Outcome::FAILED } else { Outcome::OK };
            circuit.admit().expect("closed").record(outcome);
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        live.push(crate::counting::live());
    }
    assert_eq!(live[0], live[1]);
    assert_eq!(circuit.snapshot().calls, 10_000);
}

/// Opens and comes back, whatever it was told.
async fn lives(name: &str, policy: Policy) {
    let circuit = Circuit::new(name.to_owned(), &policy);
    for _ in 0..5000 {
        if circuit.state() == State::Closed {
            circuit.admit().expect("closed").record(Outcome::FAILED);
        }
    }
    // Rules that no number of failures meets here are no fault.
    circuit.trip();
    for _ in 0..10_000 {
        match circuit.admit() {
            Ok(permit) => permit.record(Outcome::OK),
            Err(refused) => {
                let wait = refused.retry_after().expect("it comes back");
                tokio::time::advance(wait.min(Duration::from_secs(40 * 365 * 86_400))).await;
            }
        }
        if circuit.state() == State::Closed {
            return;
        }
    }
    panic!("{name}: {circuit:?} does not come back");
}

#[tokio::test(start_paused = true)]
async fn no_probes_are_one_and_nothing_that_can_be_set_panics_or_keeps_it_from_recovering() {
    let zero = Duration::ZERO;
    for probes in [0, 1, u32::MAX] {
        lives("probes", policy().probes(probes)).await;
        lives("judged", policy().judge_probes(probes, Ratio::percent(0))).await;
        lives("judged", policy().judge_probes(probes, Ratio::ONE).probes(probes)).await;
    }
    for n in [0, 1, u32::MAX] {
        lives("run", policy().trip(Trip::consecutive(n))).await;
        lives("calls", policy().trip(Trip::over_calls(n).min_calls(n))).await;
        lives("time", policy().trip(Trip::over_time(SECOND).min_calls(n).or_consecutive_below_min(n))).await;
    }
    for time in [zero, Duration::from_nanos(1), SECOND] {
        lives("open", policy().open_for(time)).await;
    }
    for time in [zero, Duration::from_nanos(1), SECOND, Duration::MAX] {
        lives("window", policy().trip(Trip::over_time(time))).await;
        lives("slow", policy().trip(Trip::over_calls(3).slow_rate(time, Ratio::percent(0)))).await;
        lives("limits", policy().probe_limit(time).settle_after(time).abandoned_after(time)).await;
        lives("hints", policy().hint_cap(time)).await;
    }
    for time in [zero, Duration::from_nanos(1), SECOND] {
        lives("ramp", policy().ramp(time)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_open_time_is_a_long_time_and_no_panic() {
    let circuit = Circuit::new("long", &policy().open_for(Duration::MAX));
    circuit.trip();
    let wait = circuit.admit().expect_err("open").retry_after().expect("some day");
    assert!(wait >= Duration::from_secs(30 * 365 * 86_400), "{wait:?}");
    circuit.reset();
    assert!(circuit.admit().is_ok());
}

#[tokio::test(start_paused = true)]
async fn forced_states_stick() {
    const YEAR: Duration = Duration::from_secs(365 * 86_400);
    let mut rig = Rig::new();
    rig.circuit.force_open();
    let before = rig.inside.counts().calls;
    for _ in 0..10 {
        tokio::time::advance(YEAR).await;
        let error = rig.call(Answer::ok()).await.expect_err("forced");
        let why = error.as_rejected().expect("by the circuit");
        assert_eq!((why.reason(), why.retry_after()), (Reason::Open, None), "nobody knows how long");
        rig.circuit.trip();
        rig.circuit.reset();
        rig.circuit.open_for(SECOND);
        assert_eq!(rig.circuit.state(), State::ForcedOpen);
    }
    assert_eq!(rig.inside.counts().calls, before);
    for (force, state) in
        [(Circuit::force_closed as fn(&Circuit), State::ForcedClosed), (Circuit::disable, State::Disabled)]
    {
        force(&rig.circuit);
        for _ in 0..100 {
            assert!(rig.call(Answer::fail()).await.expect_err("fails").id().is_some(), "it was let through");
        }
        rig.circuit.trip();
        assert_eq!(rig.circuit.state(), state);
    }
    rig.circuit.auto();
    assert_eq!(rig.shows(), (State::Closed, 0, 0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_rejection_has_a_source_and_the_exact_wait() {
    let mut rig = Rig::new();
    rig.open().await;
    for left in (1..=10).rev() {
        let error = rig.call(Answer::ok()).await.expect_err("refused");
        assert!(error.source().is_some());
        // Found through whatever wraps it, as through this box in a box.
        let boxed: Box<dyn Error + Send + Sync> = Box::new(std::io::Error::other(error));
        let why = buttress::Rejected::find(&*boxed).expect("in the chain");
        assert_eq!(why.retry_after(), Some(left * SECOND));
        tokio::time::advance(SECOND).await;
    }
    assert_eq!(rig.call(Answer::ok()).await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn the_inner_error_comes_back_as_it_was() {
    let mut rig = Rig::new();
    for _ in 0..FAILURES {
        let error = rig.call(Answer::fail()).await.expect_err("fails");
        assert_eq!(error.id(), rig.inside.last_fault());
    }
}

#[tokio::test(start_paused = true)]
async fn one_layer_value_is_one_state() {
    let mut rig = Rig::new();
    let layer = BreakerLayer::new(&rig.circuit);
    rig.inside.always(Answer::fail());
    for _ in 0..FAILURES {
        let probe = buttress::testing::Probe::new();
        probe.handle().always(Answer::fail());
        layer.layer(probe).oneshot(7).await.expect_err("fails");
    }
    assert_eq!(rig.circuit.state(), State::Open);
    assert!(rig.call(Answer::ok()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_inner_panic_is_a_panic_and_no_timeout() {
    let mut rig = Rig::new();
    let call = rig.start(Answer::panics()).await;
    let payload = std::panic::AssertUnwindSafe(call).catch_unwind().await.expect_err("passed on");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&buttress::testing::PANIC));
    assert_eq!(rig.heard.take()[1..], ["panicked"]);
}

#[tokio::test(start_paused = true)]
async fn the_open_time_grows_with_the_openings_in_a_row_and_begins_anew_once_closed() {
    let backoff = Backoff::exponential(OPEN_FOR).cap(Duration::MAX).jitter(Jitter::None);
    let mut rig = Rig::with(policy().backoff(backoff));
    rig.open().await;
    for factor in [1, 2, 4] {
        assert_eq!(rig.circuit.snapshot().open_for, Some(factor * OPEN_FOR));
        tokio::time::advance(factor * OPEN_FOR).await;
        rig.call(Answer::fail()).await.expect_err("the probe");
    }
    tokio::time::advance(8 * OPEN_FOR).await;
    rig.call(Answer::ok()).await.expect("the probe");
    rig.open().await;
    assert_eq!(rig.circuit.snapshot().open_for, Some(OPEN_FOR));
}

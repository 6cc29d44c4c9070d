//! What nobody means and everybody sends: zeros, the largest numbers, no number, no name, a clock that stands or goes back.

use crate::ties::{MS, SECOND, say, wait};
use buttress::{
    backoff::Backoff,
    breaker::{Circuit, Permit, Policy, State, Trip},
    outcome::{Class, Outcome, Ticket},
    telemetry::{CircuitState, Event, Why},
    window::Ratio,
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::advance;

const S: Outcome = Outcome::OK;
const F: Outcome = Outcome::FAILED;
const YEAR: Duration = Duration::from_secs(365 * 86_400);

#[test]
fn an_empty_name_is_replaced() {
    assert_eq!(Circuit::new("", &Policy::new()).name().as_str(), "breaker");
    assert_eq!(Circuit::new(String::new(), &Policy::new()).name().as_str(), "breaker");
    assert_eq!(Circuit::new("x", &Policy::new()).name().as_str(), "x");
}

#[tokio::test(start_paused = true)]
async fn the_smallest_of_everything_opens_and_comes_back() {
    for trip in [
        Trip::consecutive(0),
        Trip::over_calls(0),
        Trip::over_time(Duration::ZERO).min_calls(0),
        Trip::over_calls(0).failure_rate(Ratio::new(f64::NAN)),
        Trip::over_time(Duration::ZERO).min_calls(0).failure_rate(Ratio::ZERO).or_consecutive(0),
        Trip::consecutive(0).or_consecutive_below_min(0),
    ] {
        let policy = Policy::new()
            .trip(trip)
            .backoff(Backoff::constant(Duration::ZERO))
            .probes(0)
            .judge_probes(0, Ratio::ZERO)
            .probe_limit(Duration::ZERO)
            .settle_after(Duration::ZERO)
            .ramp(Duration::ZERO)
            .hint_cap(Duration::ZERO);
        let circuit = Circuit::new("x", &policy);
        say(&circuit, &[S, F]);
        assert_eq!(wait(&circuit), Some(MS), "{policy:?}");
        advance(MS).await;
        say(&circuit, &[S]);
        assert_eq!(circuit.state(), State::Closed, "{policy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_largest_of_everything_counts_on_and_panics_nowhere() {
    for trip in [
        Trip::consecutive(u32::MAX),
        Trip::over_calls(u32::MAX).slow_rate(Duration::MAX, Ratio::ONE),
        Trip::over_time(Duration::MAX).min_calls(u32::MAX).slow_rate(Duration::MAX, Ratio::ZERO),
    ] {
        let policy = Policy::new()
            .trip(trip)
            .backoff(Backoff::exponential(Duration::MAX))
            .probes(u32::MAX)
            .judge_probes(u32::MAX, Ratio::ONE)
            .probe_limit(Duration::MAX)
            .settle_after(Duration::MAX)
            .ramp(Duration::MAX)
            .hint_cap(Duration::MAX)
            .abandoned_after(Duration::MAX);
        let circuit = Circuit::new("x", &policy);
        say(&circuit, &[F.hint(Duration::MAX), S, F, S]);
        assert_eq!(circuit.state(), State::Closed);
        circuit.trip();
        assert_eq!(wait(&circuit), Some(30 * YEAR), "{policy:?}");
        circuit.open_for(Duration::MAX);
        assert_eq!(wait(&circuit), Some(30 * YEAR));
        advance(30 * YEAR).await;
        let mut probes: Vec<Permit> = (0..1_024).map(|_| circuit.admit().expect("a probe")).collect();
        assert_eq!(wait(&circuit), Some(30 * YEAR));
        for probe in &mut probes {
            probe.expect(S);
        }
        assert_eq!(wait(&circuit), Some(30 * YEAR));
        probes.into_iter().for_each(|probe| probe.record(S));
        assert_eq!(
            (circuit.state(), wait(&circuit)),
            (State::Closed, Some(30 * YEAR)),
            "a ramp of thirty years"
        );
        circuit.reset();
        say(&circuit, &[S]);
    }
}

#[test]
fn a_window_over_more_calls_than_it_can_hold_still_opens() {
    let circuit = Circuit::new("x", &Policy::new().trip(Trip::over_calls(u32::MAX)));
    say(&circuit, &vec![F; 4_094]);
    assert_eq!((circuit.state(), circuit.snapshot().calls), (State::Closed, 4_094));
    assert_eq!(circuit.snapshot().failure_rate(), None);
    say(&circuit, &[F]);
    assert_eq!((circuit.state(), circuit.snapshot().failure_rate()), (State::Open, Some(Ratio::ONE)));
}

#[test]
fn a_minimum_above_the_window_is_the_window() {
    let circuit = Circuit::new("x", &Policy::new().trip(Trip::over_calls(2).min_calls(u32::MAX)));
    say(&circuit, &[F, F]);
    assert_eq!(circuit.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_rate_without_a_window_is_taken_over_ten_seconds() {
    let circuit =
        Circuit::new("x", &Policy::new().trip(Trip::consecutive(99).failure_rate(Ratio::percent(10))));
    say(&circuit, &[F; 19]);
    advance(9_999 * MS).await;
    assert_eq!((circuit.state(), circuit.snapshot().calls), (State::Closed, 19));
    let mut old = circuit.snapshot();
    assert_eq!(old.failure_rate(), None, "below twenty");
    advance(MS).await;
    say(&circuit, &[F]);
    old = circuit.snapshot();
    assert_eq!((old.state, old.calls), (State::Closed, 1));
}

/// Ten milliseconds of window, and pauses in which the laps of its buckets, cut short, come round.
#[tokio::test(start_paused = true)]
async fn after_any_pause_nothing_of_what_was_before_comes_back() {
    const LAP: u64 = 10;
    const LAPS: u64 = 1 << 24;
    let trip = Trip::over_time(10 * MS).min_calls(3).failure_rate(Ratio::percent(60));
    for pause in
        [1, 2, 7, 1 << 12, LAPS / 4, LAPS / 2 - 1, LAPS / 2, LAPS / 2 + 3, LAPS - 1, LAPS, LAPS + 1, 3 * LAPS]
    {
        for first in [F, S] {
            let circuit = Circuit::new("x", &Policy::new().trip(trip.clone()));
            say(&circuit, &[F, F]);
            advance(Duration::from_millis(pause * LAP)).await;
            assert_eq!(circuit.snapshot().calls, 0, "{pause} laps");
            say(&circuit, &[first, S]);
            assert_eq!((circuit.state(), circuit.snapshot().calls), (State::Closed, 2), "{pause} laps");
            // and the window slides on
            advance(10 * MS).await;
            say(&circuit, &[S]);
            assert_eq!(circuit.snapshot().calls, 1, "{pause} laps");
        }
    }
}

/// A call every half window: only two of the buckets are ever written, and the rest must not turn up in the end.
#[tokio::test(start_paused = true)]
async fn buckets_that_nobody_writes_to_for_a_long_time_do_not_come_back() {
    let trip = Trip::over_time(10 * MS).min_calls(6);
    let circuit = Circuit::new("x", &Policy::new().trip(trip));
    advance(MS).await;
    say(&circuit, &[F; 4]);
    advance(MS * 4).await;
    // Far enough between them that each pause alone is short.
    for _ in 0..40 {
        say(&circuit, &[S]);
        advance(Duration::from_millis(5 * (1 << 20))).await;
        assert_eq!((circuit.state(), circuit.snapshot().failed), (State::Closed, 0));
    }
    say(&circuit, &[S]);
    assert_eq!((circuit.state(), circuit.snapshot().calls), (State::Closed, 1));
}

#[test]
fn a_disabled_circuit_counts_and_tells_nothing() {
    for trip in [Trip::consecutive(1), Trip::over_calls(9), Trip::over_time(SECOND)] {
        let told: Arc<Mutex<u32>> = Arc::default();
        let ear = Arc::clone(&told);
        let circuit = Circuit::new(
            "x",
            &Policy::new().trip(trip).observe(move |event: &Event<'_>| {
                if let Event::Call { .. } = event {
                    *ear.lock().expect("not poisoned") += 1;
                }
            }),
        );
        circuit.disable();
        for class in [Class::Ok, Class::Failed, Class::TimedOut, Class::Throttled, Class::Panicked] {
            say(&circuit, &[Outcome::of(class)]);
        }
        let seen = circuit.snapshot();
        assert_eq!((seen.state, seen.calls, seen.failed), (State::Disabled, 0, 0));
        assert_eq!(*told.lock().expect("not poisoned"), 0);
    }
}

#[test]
fn a_circuit_that_is_forced_closed_counts_on_and_opens_for_nothing() {
    for trip in [Trip::over_calls(9), Trip::over_time(SECOND).or_consecutive(1)] {
        let circuit = Circuit::new("x", &Policy::new().trip(trip));
        circuit.force_closed();
        say(&circuit, &[F, F, S, Outcome::THROTTLED]);
        say(&circuit, &[F; 30]);
        let seen = circuit.snapshot();
        assert_eq!((seen.state, seen.failures_in_a_row), (State::ForcedClosed, 0));
        assert!(seen.failed > 7, "{seen:?}");
    }
}

#[test]
fn a_bucket_that_is_full_keeps_its_rate() {
    let circuit =
        Circuit::new("x", &Policy::new().trip(Trip::over_time(Duration::MAX).failure_rate(Ratio::ONE)));
    for at in 0..300_000 {
        say(&circuit, &[if at % 4 == 0 { F } else { S }]);
    }
    let seen = circuit.snapshot();
    let rate = seen.failure_rate().expect("enough").as_f64();
    assert!((rate - 0.25).abs() < 0.001, "{seen:?}");
    assert!(seen.calls > 100_000);
}

/// A runtime whose clock stands, then one that began earlier: a circuit that is used in both sees time go back.
#[test]
fn a_clock_that_goes_back_loses_nothing_and_panics_nowhere() {
    let paused = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime")
    };
    for trip in [Trip::over_time(10 * SECOND).min_calls(3), Trip::over_time(10 * MS).min_calls(3)] {
        let policy = Policy::new().trip(trip).open_for(10 * SECOND).probe_limit(SECOND);
        let (early, late) = (paused(), paused());
        late.block_on(advance(2 * SECOND));
        let circuit = late.block_on(async { Circuit::new("x", &policy) });
        late.block_on(async { say(&circuit, &[F, F]) });
        early.block_on(async { say(&circuit, &[F]) });
        assert_eq!(circuit.state(), State::Open);
        early.block_on(async { assert_eq!(wait(&circuit), Some(10 * SECOND)) });
        late.block_on(async { assert!(wait(&circuit) < Some(8 * SECOND)) });
        late.block_on(advance(10 * SECOND));
        let probe = late.block_on(async { circuit.admit().expect("a probe") });
        early.block_on(async { assert!(wait(&circuit) > Some(SECOND)) });
        early.block_on(async { probe.record(S) });
        assert_eq!(circuit.state(), State::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn while_open_it_shows_the_rate_that_opened_it() {
    let policy = Policy::new()
        .trip(Trip::over_calls(5))
        .open_for(SECOND)
        .probes(4)
        .judge_probes(4, Ratio::percent(50));
    let circuit = Circuit::new("x", &policy);
    say(&circuit, &[F, F, F, S, S]);
    assert_eq!(circuit.snapshot().failure_rate(), Some(Ratio::percent(60)));
    advance(SECOND).await;
    say(&circuit, &[F, F, S]);
    assert_eq!(circuit.snapshot().failure_rate(), None, "three of four");
    say(&circuit, &[F]);
    assert_eq!(circuit.snapshot().failure_rate(), Some(Ratio::percent(75)), "fewer than the window needs");
    circuit.trip();
    assert_eq!(circuit.snapshot().failure_rate(), Some(Ratio::percent(75)));
}

#[test]
fn a_permit_that_is_forgotten_takes_nothing_from_a_closed_circuit() {
    let circuit = Circuit::new("x", &Policy::new().trip(Trip::consecutive(1)));
    for _ in 0..1_000 {
        std::mem::forget(circuit.admit().expect("closed"));
    }
    say(&circuit, &[F]);
    assert_eq!(circuit.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn every_reason_for_a_turn_is_told() {
    let told: Arc<Mutex<Vec<(CircuitState, Why)>>> = Arc::default();
    let ear = Arc::clone(&told);
    let listens = move |trip: Trip| {
        let ear = Arc::clone(&ear);
        let policy = Policy::new().trip(trip).open_for(SECOND);
        Circuit::new(
            "x",
            &policy.observe(move |event: &Event<'_>| {
                if let Event::Turned { to, why, .. } = event {
                    ear.lock().expect("not poisoned").push((*to, *why));
                }
            }),
        )
    };
    let said = |expected: &[(CircuitState, Why)]| {
        assert_eq!(std::mem::take(&mut *told.lock().expect("not poisoned")), expected);
    };
    let (closed, open, half) = (CircuitState::Closed, CircuitState::Open, CircuitState::HalfOpen);

    let circuit = listens(Trip::consecutive(1));
    say(&circuit, &[F]);
    advance(SECOND).await;
    let probe = circuit.admit().expect("a probe");
    advance(SECOND).await;
    assert!(circuit.admit().is_err());
    drop(probe);
    advance(SECOND).await;
    say(&circuit, &[F]);
    advance(SECOND).await;
    say(&circuit, &[S]);
    circuit.reset();
    said(&[
        (closed, Why::Made),
        (open, Why::Consecutive),
        (half, Why::TimeOver),
        (open, Why::ProbeLimit),
        (half, Why::TimeOver),
        (open, Why::Probes),
        (half, Why::TimeOver),
        (closed, Why::Probes),
        (closed, Why::ByHand),
    ]);
    say(&listens(Trip::over_calls(1)), &[F]);
    said(&[(closed, Why::Made), (open, Why::FailureRate)]);
    let circuit = listens(Trip::over_calls(1).slow_rate(MS, Ratio::ONE));
    let slow = circuit.admit().expect("closed");
    advance(2 * MS).await;
    slow.record(S);
    said(&[(closed, Why::Made), (open, Why::SlowRate)]);
    say(&listens(Trip::consecutive(9).or_rule(crate::plan::ThirdTimeout::default)), &[Outcome::TIMED_OUT; 3]);
    said(&[(closed, Why::Made), (open, Why::OwnRule)]);
}

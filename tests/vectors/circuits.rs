//! CB: circuit breakers; and those rows of WN that a circuit can be asked for.
//!
//! Where a row decides otherwise than this crate, the test says so and shows ours.

use buttress::{
    backoff::{Backoff, Jitter},
    breaker::{Circuit, Permit, Policy, Snapshot, State, Trip, Why},
    outcome::Outcome,
    telemetry::Event,
    window::Ratio,
};
use futures_util::FutureExt;
use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::advance;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const S: Outcome = Outcome::OK;
const F: Outcome = Outcome::FAILED;
/// Excluded, ignored.
const X: Outcome = Outcome::CANCELLED;

fn say(circuit: &Circuit, outcomes: &[Outcome]) {
    for outcome in outcomes {
        circuit.admit().expect("let through").record(*outcome);
    }
}

async fn take(circuit: &Circuit, time: Duration, outcome: Outcome) {
    let call = circuit.admit().expect("let through");
    advance(time).await;
    call.record(outcome);
}

fn refused(circuit: &Circuit) -> Option<Duration> {
    circuit.admit().expect_err("refused").retry_after()
}

/// (rate in percent or -1, successes, calls, failures, refused), as the tables have them.
fn metrics(circuit: &Circuit) -> (i32, u32, u32, u32, u64) {
    let seen: Snapshot = circuit.snapshot();
    let rate = seen.failure_rate().map_or(-1, |rate| (rate.billionths() / 10_000_000) as i32);
    (rate, seen.calls - seen.failed, seen.calls, seen.failed, seen.rejected)
}

type Turns = Arc<Mutex<Vec<(State, Why)>>>;

fn heard(policy: Policy) -> (Circuit, Turns) {
    let turns = Turns::default();
    let ear = Arc::clone(&turns);
    let circuit = Circuit::new(
        "vector",
        &policy.observe(move |event: &Event<'_>| {
            if let Event::Turned { to, why, .. } = event {
                ear.lock().expect("not poisoned").push((*to, *why));
            }
        }),
    );
    turns.lock().expect("not poisoned").clear();
    (circuit, turns)
}

fn times(turns: &Turns, state: State) -> usize {
    turns.lock().expect("not poisoned").iter().filter(|(to, _)| *to == state).count()
}

/// The configuration of resilience4j's own tests: half of 20 s once there are 5, half slower than 4 s, 5 s open, 4 probes judged
/// by the same rate.
fn r4j() -> Policy {
    let half = Ratio::percent(50);
    let trip = Trip::over_time(20 * SECOND).min_calls(5).failure_rate(half).slow_rate(4 * SECOND, half);
    Policy::new().trip(trip).open_for(5 * SECOND).probes(4).judge_probes(4, half)
}

async fn r4j_half_open() -> Circuit {
    let circuit = Circuit::new("vector", &r4j());
    circuit.trip();
    advance(6 * SECOND).await;
    drop(circuit.admit().expect("a probe"));
    assert_eq!(circuit.state(), State::HalfOpen);
    circuit
}

#[tokio::test(start_paused = true)]
async fn cb_01_a_success_that_completes_the_sample_opens() {
    let (circuit, turns) = heard(r4j());
    let rows = [
        (F, (-1, 0, 1, 1, 0)),
        (F, (-1, 0, 2, 2, 0)),
        (F, (-1, 0, 3, 3, 0)),
        (S, (-1, 1, 4, 3, 0)),
        (S, (60, 2, 5, 3, 0)),
    ];
    for (outcome, expected) in rows {
        assert_eq!(circuit.state(), State::Closed);
        say(&circuit, &[outcome]);
        assert_eq!(metrics(&circuit), expected);
    }
    assert_eq!(circuit.state(), State::Open);
    refused(&circuit);
    assert_eq!(metrics(&circuit).4, 1);
    assert_eq!(*turns.lock().expect("not poisoned"), [(State::Open, Why::FailureRate)]);
}

#[tokio::test(start_paused = true)]
async fn cb_02_two_of_five_stay_closed_and_three_of_six_open() {
    let circuit = Circuit::new("vector", &r4j());
    for outcome in [S, S, S, F] {
        say(&circuit, &[outcome]);
        advance(SECOND).await;
    }
    say(&circuit, &[F]);
    assert_eq!((circuit.state(), metrics(&circuit).0), (State::Closed, 40));
    advance(SECOND).await;
    assert_eq!(circuit.state(), State::Closed);
    say(&circuit, &[F]);
    assert_eq!((circuit.state(), metrics(&circuit).0), (State::Open, 50));
}

#[tokio::test(start_paused = true)]
async fn cb_03_three_slow_calls_of_five_open() {
    let circuit = Circuit::new("vector", &r4j());
    for (time, outcome) in [(5 * SECOND, F), (5 * SECOND, S), (100 * MS, F), (100 * MS, S)] {
        take(&circuit, time, outcome).await;
    }
    assert_eq!(circuit.state(), State::Closed);
    take(&circuit, 5 * SECOND, S).await;
    let seen = circuit.snapshot();
    assert_eq!((seen.state, seen.slow, seen.slow_rate()), (State::Open, 3, Some(Ratio::percent(60))));
}

/// The row counts refusals anew in each state; here they are counted since the circuit was made.
#[tokio::test(start_paused = true)]
async fn cb_05_an_open_circuit_refuses_until_its_time_is_over_and_then_begins_anew() {
    let circuit = Circuit::new("vector", &r4j());
    circuit.trip();
    assert_eq!(refused(&circuit), Some(5 * SECOND));
    advance(3 * SECOND).await;
    assert_eq!(refused(&circuit), Some(2 * SECOND));
    assert_eq!(metrics(&circuit).4, 2);
    advance(3 * SECOND).await;
    let _probe = circuit.admit().expect("a probe");
    assert_eq!((circuit.state(), metrics(&circuit)), (State::HalfOpen, (-1, 0, 0, 0, 2)));
}

#[tokio::test(start_paused = true)]
async fn cb_06_open_for_two_hours_is_two_hours() {
    let circuit = Circuit::new("vector", &r4j());
    circuit.open_for(7_200 * SECOND);
    assert_eq!(refused(&circuit), Some(7_200 * SECOND));
    advance(3_600 * SECOND).await;
    assert_eq!(refused(&circuit), Some(3_600 * SECOND));
    advance(3_601 * SECOND).await;
    let _probe = circuit.admit().expect("a probe");
    assert_eq!(circuit.state(), State::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn cb_09_half_open_lets_four_through_and_one_more_for_each_that_is_given_back() {
    let circuit = r4j_half_open().await;
    let mut probes: Vec<Permit> = (0..4).map(|_| circuit.admit().expect("a probe")).collect();
    refused(&circuit);
    refused(&circuit);
    drop(probes.pop());
    probes.push(circuit.admit().expect("its place"));
    refused(&circuit);
}

#[tokio::test(start_paused = true)]
async fn cb_11_three_failures_of_four_probes_open() {
    let circuit = r4j_half_open().await;
    say(&circuit, &[F, F, S]);
    assert_eq!(circuit.state(), State::HalfOpen, "judged once four have answered");
    say(&circuit, &[F]);
    assert_eq!((circuit.state(), metrics(&circuit)), (State::Open, (75, 1, 4, 3, 0)));
}

#[tokio::test(start_paused = true)]
async fn cb_13_one_failure_of_four_probes_closes_and_the_window_is_empty() {
    let circuit = r4j_half_open().await;
    say(&circuit, &[F, S, S, S]);
    assert_eq!((circuit.state(), metrics(&circuit)), (State::Closed, (-1, 0, 0, 0, 0)));
    say(&circuit, &[S]);
    assert_eq!(metrics(&circuit), (-1, 1, 1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn cb_14_an_ignored_probe_gives_its_place_back() {
    let circuit = r4j_half_open().await;
    say(&circuit, &[S, S, S, X]);
    assert_eq!((circuit.state(), metrics(&circuit)), (State::HalfOpen, (-1, 3, 3, 0, 0)));
    say(&circuit, &[F]);
    assert_eq!(circuit.state(), State::Closed, "25 %");
}

#[tokio::test(start_paused = true)]
async fn cb_16_a_disabled_circuit_lets_everything_through_and_counts_nothing() {
    let (circuit, turns) = heard(r4j());
    circuit.disable();
    say(&circuit, &[F, F, F, S, S, F, F, F]);
    assert_eq!((circuit.state(), metrics(&circuit)), (State::Disabled, (-1, 0, 0, 0, 0)));
    assert_eq!(*turns.lock().expect("not poisoned"), [(State::Disabled, Why::ByHand)]);
}

#[tokio::test(start_paused = true)]
async fn cb_17_forced_open_stays_forced_open() {
    let circuit = Circuit::new("vector", &r4j());
    circuit.force_open();
    assert_eq!(refused(&circuit), None);
    advance(6 * SECOND).await;
    assert_eq!(refused(&circuit), None);
    assert_eq!((circuit.state(), metrics(&circuit).4), (State::ForcedOpen, 2));
}

#[tokio::test(start_paused = true)]
async fn cb_22_reset_closes_and_forgets() {
    let circuit = Circuit::new("vector", &r4j());
    circuit.trip();
    circuit.reset();
    assert_eq!(circuit.state(), State::Closed);
    say(&circuit, &[F, F, S]);
    circuit.reset();
    assert_eq!((circuit.state(), metrics(&circuit)), (State::Closed, (-1, 0, 0, 0, 0)));
}

fn polly(rate: Ratio) -> Policy {
    Policy::new().trip(Trip::over_time(10 * SECOND).min_calls(10).failure_rate(rate)).open_for(SECOND)
}

#[tokio::test(start_paused = true)]
async fn cb_23_a_break_of_a_second_is_told_to_the_half_second_and_begins_anew() {
    let (circuit, turns) = heard(polly(Ratio::percent(50)));
    say(&circuit, &[F; 10]);
    assert_eq!(times(&turns, State::Open), 1);
    assert_eq!(refused(&circuit), Some(SECOND));
    advance(500 * MS).await;
    assert_eq!(refused(&circuit), Some(500 * MS));
    advance(500 * MS).await;
    say(&circuit, &[F]);
    assert_eq!((times(&turns, State::Open), times(&turns, State::HalfOpen)), (2, 1));
    assert_eq!(refused(&circuit), Some(SECOND));
    advance(SECOND).await;
    say(&circuit, &[S]);
    let seen = [State::Open, State::HalfOpen, State::Closed].map(|state| times(&turns, state));
    assert_eq!(seen, [2, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn cb_24_the_rate_counts_from_the_minimum_on_and_equal_breaks() {
    let rows = [(10, 0, false), (10, 1, true), (10, 2, true), (11, 2, true), (9, 1, false)];
    for (calls, failures, breaks) in rows {
        let circuit = Circuit::new("vector", &polly(Ratio::percent(10)));
        say(&circuit, &vec![S; calls - failures]);
        for _ in 0..failures {
            // The row asks at its last call; the one before may have opened it.
            let _ = circuit.admit().map(|permit| permit.record(F));
        }
        assert_eq!(circuit.state() == State::Open, breaks, "{failures} of {calls}");
    }
}

#[tokio::test(start_paused = true)]
async fn cb_27_the_open_time_is_asked_for_with_the_number_of_openings_in_a_row() {
    let by_number = Backoff::linear(SECOND).jitter(Jitter::None);
    let circuit = Circuit::new("vector", &Policy::new().trip(Trip::consecutive(1)).backoff(by_number));
    let mut numbers = Vec::new();
    for _ in 0..2 {
        for _ in 0..5 {
            say(&circuit, &[F]);
            let open_for = refused(&circuit).expect("it comes back");
            numbers.push(open_for.as_secs() - 1);
            advance(open_for).await;
        }
        say(&circuit, &[S]);
        assert_eq!(circuit.state(), State::Closed);
    }
    assert_eq!(numbers[..8], [0, 1, 2, 3, 4, 0, 1, 2]);
}

/// The row is open still at the very end of its time; here probes are let through then.
#[tokio::test(start_paused = true)]
async fn cb_42_six_in_a_row_open_for_a_minute() {
    let circuit = Circuit::new("vector", &Policy::new().trip(Trip::consecutive(6)).open_for(60 * SECOND));
    say(&circuit, &[F; 5]);
    assert_eq!((circuit.state(), circuit.snapshot().failures_in_a_row), (State::Closed, 5));
    say(&circuit, &[S]);
    assert_eq!(circuit.snapshot().failures_in_a_row, 0);
    say(&circuit, &[F]);
    say(&circuit, &[F; 5]);
    assert_eq!((circuit.state(), circuit.snapshot().failures_in_a_row), (State::Open, 0));
    advance(60 * SECOND - MS).await;
    refused(&circuit);
    advance(MS).await;
    say(&circuit, &[F]);
    assert_eq!(circuit.state(), State::Open);
    advance(61 * SECOND).await;
    say(&circuit, &[S]);
    assert_eq!(circuit.state(), State::Closed);
}

/// The row forgets everything every thirty seconds; here the window slides, and each call leaves at its own time.
#[tokio::test(start_paused = true)]
async fn cb_43_excluded_calls_count_for_nothing_and_two_of_three_open() {
    let trip = Trip::over_time(30 * SECOND).min_calls(3).failure_rate(Ratio::percent(60));
    let circuit = Circuit::new("vector", &Policy::new().trip(trip).open_for(90 * SECOND).probes(3));
    say(&circuit, &[S, F, X].repeat(5));
    assert_eq!((circuit.state(), metrics(&circuit)), (State::Closed, (50, 5, 10, 5, 0)));
    advance(29_999 * MS).await;
    say(&circuit, &[S]);
    assert_eq!(metrics(&circuit).2, 11);
    advance(SECOND).await;
    assert_eq!(metrics(&circuit).2, 1, "the first ten have left");
    advance(30 * SECOND).await;
    say(&circuit, &[F, S]);
    assert_eq!((circuit.state(), metrics(&circuit)), (State::Closed, (-1, 1, 2, 1, 0)));
    say(&circuit, &[F]);
    assert_eq!((circuit.state(), metrics(&circuit).0), (State::Open, 66));
}

#[tokio::test(start_paused = true)]
async fn cb_46_a_panic_is_one_failure_and_goes_on() {
    let circuit = Circuit::new("vector", &Policy::new().trip(Trip::consecutive(2)));
    let panics = circuit.call(async { resume_unwind(Box::new("inside")) as Result<(), ()> });
    let panic = AssertUnwindSafe(panics).catch_unwind().await.expect_err("it goes on");
    assert_eq!(panic.downcast_ref(), Some(&"inside"));
    assert_eq!((circuit.state(), circuit.snapshot().failures_in_a_row), (State::Closed, 1));
}

#[tokio::test(start_paused = true)]
async fn cb_49_three_in_a_row_trip_and_a_success_between_begins_anew() {
    let policy = Policy::new()
        .trip(Trip::consecutive(3))
        .backoff(Backoff::exponential(SECOND).cap(100 * SECOND).jitter(Jitter::None));
    let circuit = Circuit::new("vector", &policy);
    say(&circuit, &[F, F, F]);
    assert_eq!((circuit.state(), refused(&circuit)), (State::Open, Some(SECOND)));
    let circuit = Circuit::new("vector", &policy);
    say(&circuit, &[F, F, S, F, F]);
    assert_eq!(circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn cb_51_throttled_calls_are_no_failures_in_a_row() {
    let circuit = Circuit::new("vector", &Policy::new().trip(Trip::consecutive(3)));
    say(&circuit, &[Outcome::THROTTLED; 5]);
    assert_eq!((circuit.state(), circuit.snapshot().failures_in_a_row), (State::Closed, 0));
}

/// The rate counts once the window is full.
#[tokio::test(start_paused = true)]
async fn wn_01_a_circuit_over_four_calls_holds_the_last_four() {
    let circuit = Circuit::new("vector", &Policy::new().trip(Trip::over_calls(4).failure_rate(Ratio::ONE)));
    let rows = [
        (F, (-1, 0, 1, 1, 0)),
        (S, (-1, 1, 2, 1, 0)),
        (S, (-1, 2, 3, 1, 0)),
        (S, (25, 3, 4, 1, 0)),
        (S, (0, 4, 4, 0, 0)),
    ];
    for (outcome, expected) in rows {
        say(&circuit, &[outcome]);
        assert_eq!(metrics(&circuit), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn wn_03_a_slow_failure_counts_as_slow_and_as_failed_in_a_circuit() {
    for trip in [Trip::over_calls(5), Trip::over_time(100 * SECOND).min_calls(5)] {
        let trip = trip.failure_rate(Ratio::ONE).slow_rate(SECOND, Ratio::ONE);
        let circuit = Circuit::new("vector", &Policy::new().trip(trip));
        for (time, outcome) in
            [(10 * SECOND, S), (10 * SECOND, F), (100 * MS, S), (100 * MS, S), (100 * MS, S)]
        {
            take(&circuit, time, outcome).await;
        }
        let seen = circuit.snapshot();
        assert_eq!((seen.calls, seen.failed, seen.slow), (5, 1, 2));
        assert_eq!(seen.slow_rate(), Some(Ratio::percent(40)));
    }
}

/// In ten buckets of half a second, where the row has five of a second.
#[tokio::test(start_paused = true)]
async fn wn_04_a_circuit_over_five_seconds_lets_go_second_by_second() {
    let trip = Trip::over_time(5 * SECOND).min_calls(99);
    let circuit = Circuit::new("vector", &Policy::new().trip(trip));
    let rows = [
        (0, F, (1, 0, 1)),
        (100, S, (2, 1, 1)),
        (100, S, (3, 2, 1)),
        (1_000, S, (4, 3, 1)),
        (1_000, S, (5, 4, 1)),
        (1_000, F, (6, 4, 2)),
        (1_000, S, (7, 5, 2)),
        (1_000, S, (5, 4, 1)),
        (1_000, S, (5, 4, 1)),
        (5_000, S, (1, 1, 0)),
    ];
    for (row, (wait, outcome, expected)) in rows.into_iter().enumerate() {
        advance(wait * MS).await;
        say(&circuit, &[outcome]);
        let (_, succeeded, calls, failed, _) = metrics(&circuit);
        assert_eq!((calls, succeeded, failed), expected, "row {row}");
    }
}

/// The success of each round comes first, since one failure of one call would open.
#[tokio::test(start_paused = true)]
async fn wn_06_a_circuit_over_ten_seconds_reads_the_rate_of_what_is_left() {
    let trip = Trip::over_time(10 * SECOND).min_calls(1).failure_rate(Ratio::ONE);
    let circuit = Circuit::new("vector", &Policy::new().trip(trip));
    let rounds = [
        ([S, F], 2, Ratio::percent(50)),
        ([S, F], 4, Ratio::percent(50)),
        ([S, S], 6, Ratio::of(1, 3)),
        ([S, S], 8, Ratio::percent(25)),
        ([S, S], 8, Ratio::of(1, 8)),
    ];
    for (round, (outcomes, calls, rate)) in rounds.into_iter().enumerate() {
        say(&circuit, &outcomes);
        advance(2 * SECOND).await;
        let seen = circuit.snapshot();
        assert_eq!((seen.calls, seen.failure_rate()), (calls, Some(rate)), "round {round}");
    }
    advance(2 * SECOND).await;
    assert_eq!((circuit.snapshot().calls, circuit.snapshot().failure_rate()), (6, Some(Ratio::ZERO)));
}

/// The row trips where the share of successes is strictly below a threshold; here a share of failures that is equal trips too.
#[tokio::test(start_paused = true)]
async fn wn_13_a_circuit_judges_the_last_ten_seconds() {
    let over = |min, failures| {
        let trip = Trip::over_time(10 * SECOND).min_calls(min).failure_rate(failures);
        Circuit::new("vector", &Policy::new().trip(trip))
    };
    let some = Ratio::percent(20);
    // empty never trips; with no minimum the first failure does
    let circuit = over(0, some);
    assert_eq!(circuit.state(), State::Closed);
    say(&circuit, &[F]);
    assert_eq!(circuit.state(), State::Open);
    // all must succeed: three successes do not trip, the failure that makes four calls does
    let circuit = over(4, Ratio::ZERO);
    say(&circuit, &[S, S, S]);
    assert_eq!(circuit.state(), State::Closed);
    say(&circuit, &[F]);
    assert_eq!(circuit.state(), State::Open);
    // four failures are too few for a minimum of five: within a millisecond or at one a second
    for gap in [Duration::ZERO, SECOND] {
        let circuit = over(5, some);
        for _ in 0..5 {
            assert_eq!(circuit.state(), State::Closed, "a call every {gap:?}");
            say(&circuit, &[F]);
            advance(gap).await;
        }
        assert_eq!(circuit.state(), State::Open, "a call every {gap:?}");
    }
    // five failures, eleven seconds, one success
    let circuit = over(6, some);
    say(&circuit, &[F; 5]);
    advance(11 * SECOND).await;
    say(&circuit, &[S]);
    assert_eq!((circuit.snapshot().calls, circuit.snapshot().failed), (1, 0));
    // two failures, six seconds, eight successes: four fifths
    let circuit = over(9, Ratio::percent(30));
    say(&circuit, &[F; 2]);
    advance(6 * SECOND).await;
    say(&circuit, &[S; 8]);
    assert_eq!((circuit.state(), circuit.snapshot().failure_rate()), (State::Closed, Some(some)));
}

//! The points on which known breakers disagree: one test a row of the table in the docs.

use buttress::{
    Lifted,
    backoff::{Backoff, Jitter},
    breaker::{Circuit, Permit, Policy, State, Trip},
    outcome::{Class, Outcome, Ticket},
    rejected::Reason,
    window::Ratio,
};
use std::{collections::HashSet, time::Duration};
use tokio::time::advance;

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn say(circuit: &Circuit, outcomes: &[Outcome]) {
    for outcome in outcomes {
        circuit.admit().expect("let through").record(*outcome);
    }
}

/// How long a refused call is told to wait.
pub(crate) fn wait(circuit: &Circuit) -> Option<Duration> {
    let rejected = circuit.admit().expect_err("refused");
    assert_eq!(rejected.reason(), Reason::Open);
    rejected.retry_after()
}

const S: Outcome = Outcome::OK;
const F: Outcome = Outcome::FAILED;

/// Opens at the first failure, for ten seconds.
fn brittle() -> Policy {
    Policy::new().trip(Trip::consecutive(1)).open_for(10 * SECOND)
}

/// Has the circuit at the end of its open time.
async fn come_back(circuit: &Circuit) {
    circuit.trip();
    advance(circuit.snapshot().open_for.expect("open")).await;
}

#[tokio::test(start_paused = true)]
async fn by_default_it_opens_at_half_of_twenty_calls_and_below_that_at_five_failures_in_a_row() {
    let circuit = Circuit::new("x", &Policy::new());
    say(&circuit, &[F; 4]);
    assert_eq!(circuit.state(), State::Closed);
    say(&circuit, &[F]);
    assert_eq!(circuit.state(), State::Open);

    // nine failures of nineteen, never five in a row; the tenth of twenty
    let circuit = Circuit::new("x", &Policy::new());
    say(&circuit, &[S, F].repeat(9));
    say(&circuit, &[S]);
    assert_eq!(
        (circuit.state(), circuit.snapshot().failed, circuit.snapshot().calls),
        (State::Closed, 9, 19)
    );
    say(&circuit, &[F]);
    assert_eq!(circuit.state(), State::Open);

    // of a hundred good calls five failures in a row are five of a hundred
    let circuit = Circuit::new("x", &Policy::new());
    say(&circuit, &[S; 100]);
    say(&circuit, &[F; 99]);
    assert_eq!(circuit.state(), State::Closed);
    say(&circuit, &[F]);
    assert_eq!(circuit.state(), State::Open);

    // and what is ten seconds old counts no more
    let circuit = Circuit::new("x", &Policy::new());
    say(&circuit, &[S; 100]);
    advance(10 * SECOND).await;
    say(&circuit, &[F; 5]);
    assert_eq!(circuit.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn by_default_it_stays_open_for_thirty_seconds_give_or_take_a_tenth() {
    let mut seen = HashSet::new();
    for seed in 0..50 {
        let circuit = Circuit::new("x", &Policy::new().seed(seed));
        circuit.trip();
        let open_for = wait(&circuit).expect("it comes back");
        assert!(open_for >= 27 * SECOND && open_for <= 33 * SECOND, "{open_for:?}");
        seen.insert(open_for);
    }
    assert_eq!(seen.len(), 50, "each its own");
}

#[tokio::test(start_paused = true)]
async fn a_rate_equal_to_the_threshold_opens() {
    for (failures, state) in [(59, State::Closed), (60, State::Open)] {
        let trip = Trip::over_calls(100).failure_rate(Ratio::percent(60));
        let circuit = Circuit::new("x", &Policy::new().trip(trip));
        say(&circuit, &vec![F; failures]);
        say(&circuit, &vec![S; 100 - failures]);
        assert_eq!(circuit.state(), state, "{failures} of a hundred");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_exactly_as_long_as_the_slow_threshold_is_not_slow() {
    for (took, slow) in [(SECOND, 0), (SECOND + Duration::from_nanos(1), 1)] {
        let trip = Trip::over_calls(1).slow_rate(SECOND, Ratio::percent(100)).failure_rate(Ratio::ONE);
        let circuit = Circuit::new("x", &Policy::new().trip(trip));
        let call = circuit.admit().expect("closed");
        advance(took).await;
        call.record(S);
        assert_eq!(circuit.snapshot().slow, slow, "{took:?}");
        assert_eq!(circuit.state() == State::Open, slow == 1);
    }
}

#[tokio::test(start_paused = true)]
async fn exactly_at_the_end_of_the_open_time_probes_are_let_through() {
    let circuit = Circuit::new("x", &brittle());
    say(&circuit, &[F]);
    advance(10 * SECOND - Duration::from_nanos(1)).await;
    assert_eq!(wait(&circuit), Some(Duration::from_nanos(1)));
    advance(Duration::from_nanos(1)).await;
    say(&circuit, &[S]);
    assert_eq!(circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_next_call_turns_open_to_half_open_and_never_a_timer() {
    let circuit = Circuit::new("x", &brittle());
    say(&circuit, &[F]);
    advance(86_400 * SECOND).await;
    assert_eq!(circuit.state(), State::Open, "looking turns nothing");
    assert_eq!(circuit.snapshot().open_for, Some(Duration::ZERO));
    let probe = circuit.admit().expect("a probe");
    assert_eq!(circuit.state(), State::HalfOpen);
    drop(probe);
    advance(86_400 * SECOND).await;
    assert_eq!(circuit.state(), State::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn half_open_lets_one_probe_through_and_by_default_any_failure_opens() {
    let circuit = Circuit::new("x", &brittle());
    come_back(&circuit).await;
    let probe = circuit.admit().expect("a probe");
    assert_eq!(wait(&circuit), Some(10 * SECOND), "until its time is up");
    probe.record(F);
    assert_eq!((circuit.state(), circuit.snapshot().openings_in_a_row), (State::Open, 2));

    // three probes: two successes and a failure open, three successes close
    for (third, state) in [(F, State::Open), (S, State::Closed)] {
        let circuit = Circuit::new("x", &brittle().probes(3));
        come_back(&circuit).await;
        let probes: Vec<Permit> = (0..3).map(|_| circuit.admit().expect("a probe")).collect();
        assert!(circuit.admit().is_err());
        for (probe, outcome) in probes.into_iter().zip([S, S, third]) {
            assert_eq!(circuit.state(), State::HalfOpen);
            probe.record(outcome);
        }
        assert_eq!(circuit.state(), state);
    }
}

#[tokio::test(start_paused = true)]
async fn probes_can_be_judged_by_their_rate() {
    for (failures, state) in [(4, State::Closed), (5, State::Open)] {
        let circuit = Circuit::new("x", &brittle().judge_probes(10, Ratio::percent(50)));
        come_back(&circuit).await;
        for at in 0..10 {
            assert_eq!(circuit.state() == State::HalfOpen, at > 0, "probe {at}");
            say(&circuit, &[if at < failures { F } else { S }]);
        }
        assert_eq!(circuit.state(), state, "{failures} of ten");
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_never_answers_has_failed_after_the_open_time_and_its_late_answer_moves_nothing() {
    let circuit = Circuit::new("x", &brittle());
    come_back(&circuit).await;
    let probe = circuit.admit().expect("a probe");
    advance(10 * SECOND - MS).await;
    assert_eq!(wait(&circuit), Some(MS));
    advance(MS).await;
    assert_eq!(circuit.state(), State::HalfOpen, "until somebody asks");
    assert_eq!(wait(&circuit), Some(10 * SECOND));
    assert_eq!(circuit.snapshot().openings_in_a_row, 2);
    probe.record(S);
    assert_eq!((circuit.state(), circuit.snapshot().openings_in_a_row), (State::Open, 2));

    let circuit = Circuit::new("x", &brittle().probe_limit(SECOND));
    come_back(&circuit).await;
    let _probe = circuit.admit().expect("a probe");
    assert_eq!(wait(&circuit), Some(SECOND));
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_probe_is_the_open_time_that_was_drawn_and_not_another_draw() {
    for seed in 0..20 {
        let spread = Backoff::constant(10 * SECOND).jitter(Jitter::Full);
        let circuit = Circuit::new("x", &brittle().backoff(spread).seed(seed));
        circuit.trip();
        let open_for = wait(&circuit).expect("it comes back");
        advance(open_for).await;
        let _probe = circuit.admit().expect("a probe");
        assert_eq!(wait(&circuit), Some(open_for));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_hand_or_a_hint_adds_to_the_open_time_adds_nothing_to_the_limit_of_a_probe() {
    let circuit = Circuit::new("x", &brittle());
    circuit.open_for(7_200 * SECOND);
    advance(7_200 * SECOND).await;
    let probe = circuit.admit().expect("a probe");
    assert_eq!(wait(&circuit), Some(10 * SECOND));
    probe.record(F.hint(20 * SECOND));
    assert_eq!(wait(&circuit), Some(20 * SECOND));
    advance(20 * SECOND).await;
    let _probe = circuit.admit().expect("a probe");
    assert_eq!(wait(&circuit), Some(10 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn an_ignored_result_gives_its_permit_back_and_counts_for_nothing() {
    for nothing in [Class::Rejected, Class::Cancelled] {
        let circuit = Circuit::new("x", &brittle());
        say(&circuit, &[Outcome::of(nothing)]);
        assert_eq!((circuit.state(), circuit.snapshot().calls), (State::Closed, 0));
        come_back(&circuit).await;
        let probe = circuit.admit().expect("a probe");
        assert!(circuit.admit().is_err());
        probe.record(Outcome::of(nothing));
        assert_eq!((circuit.state(), circuit.snapshot().calls), (State::HalfOpen, 0));
        drop(circuit.admit().expect("another probe"));
        assert_eq!(circuit.state(), State::HalfOpen, "dropped");
        say(&circuit, &[S]);
        assert_eq!(circuit.state(), State::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_result_of_an_earlier_generation_is_dropped() {
    let circuit = Circuit::new("x", &brittle());
    let mut late: Vec<Permit> = (0..4).map(|_| circuit.admit().expect("closed")).collect();
    let mut next = || late.pop().expect("four");
    say(&circuit, &[F]);
    next().record(S);
    assert_eq!(circuit.state(), State::Open);
    advance(10 * SECOND).await;
    let probe = circuit.admit().expect("a probe");
    next().record(S);
    assert_eq!(circuit.state(), State::HalfOpen, "it was no probe");
    next().record(F);
    assert_eq!(circuit.state(), State::HalfOpen);
    probe.record(S);
    next().record(F);
    assert_eq!(circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn opening_again_takes_the_next_delay_of_the_backoff_until_it_has_closed() {
    let grows = Backoff::exponential(SECOND).cap(5 * SECOND).jitter(Jitter::None);
    let circuit = Circuit::new("x", &brittle().backoff(grows));
    for round in 0..2 {
        say(&circuit, &[F]);
        for seconds in [1, 2, 4, 5, 5] {
            assert_eq!(wait(&circuit), Some(seconds * SECOND), "round {round}");
            advance(seconds * SECOND).await;
            say(&circuit, &[F]);
        }
        advance(5 * SECOND).await;
        say(&circuit, &[S]);
        assert_eq!((circuit.state(), circuit.snapshot().openings_in_a_row), (State::Closed, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_failures_own_hint_lengthens_the_open_time_within_its_cap() {
    let hints = [
        (F.hint(20 * SECOND), 30, 20),
        (F.hint(5 * SECOND), 30, 10),
        (F.hint(90 * SECOND), 30, 30),
        (F.hint(20 * SECOND), 0, 10),
        (Outcome::TIMED_OUT.hint(Duration::MAX), 60, 60),
    ];
    for (failure, cap, open_for) in hints {
        let circuit = Circuit::new("x", &brittle().hint_cap(cap * SECOND));
        say(&circuit, &[failure]);
        assert_eq!(wait(&circuit), Some(open_for * SECOND), "{failure:?} with a cap of {cap} s");
    }
    // by default within thirty seconds; and a success that completes the sample asks for nothing
    let circuit = Circuit::new("x", &brittle());
    say(&circuit, &[F.hint(100 * SECOND)]);
    assert_eq!(wait(&circuit), Some(30 * SECOND));
    let circuit = Circuit::new("x", &brittle().trip(Trip::over_calls(2)));
    say(&circuit, &[F, S.hint(20 * SECOND)]);
    assert_eq!(wait(&circuit), Some(10 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn after_closing_a_ramp_lets_a_growing_share_through() {
    let circuit = Circuit::new("x", &brittle().ramp(10 * SECOND).seed(7));
    come_back(&circuit).await;
    say(&circuit, &[S]);
    assert_eq!(circuit.state(), State::Closed);
    assert_eq!(wait(&circuit), Some(10 * SECOND), "at its very begin nothing passes");
    for tenth in 1..10 {
        advance(SECOND).await;
        let passed = (0..1_000).filter(|_| circuit.admit().is_ok()).count();
        assert!(passed.abs_diff(tenth * 100) < 60, "{passed} of a thousand after {tenth} s");
    }
    advance(SECOND).await;
    assert!((0..1_000).all(|_| circuit.admit().is_ok()));

    // a failure on the way opens again
    come_back(&circuit).await;
    say(&circuit, &[S]);
    advance(9 * SECOND).await;
    let call = (0..100).find_map(|_| circuit.admit().ok()).expect("nine of ten pass");
    call.record(F);
    assert_eq!(circuit.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn by_hand_trip_open_for_and_reset_decay_and_forced_states_stick() {
    let circuit = Circuit::new("x", &brittle());
    circuit.trip();
    assert_eq!(wait(&circuit), Some(10 * SECOND));
    circuit.open_for(3 * SECOND);
    assert_eq!(wait(&circuit), Some(3 * SECOND));
    circuit.reset();
    assert_eq!((circuit.state(), circuit.snapshot().openings_in_a_row), (State::Closed, 0));
    circuit.open_for(3 * SECOND);
    advance(3 * SECOND).await;
    say(&circuit, &[S]);
    assert_eq!(circuit.state(), State::Closed);

    let day = 86_400 * SECOND;
    type Force = fn(&Circuit);
    let forced: [(Force, State, bool); 3] = [
        (Circuit::force_open, State::ForcedOpen, false),
        (Circuit::force_closed, State::ForcedClosed, true),
        (Circuit::disable, State::Disabled, true),
    ];
    for (force, state, passes) in forced {
        force(&circuit);
        advance(day).await;
        circuit.trip();
        circuit.open_for(SECOND);
        circuit.reset();
        assert_eq!((circuit.state(), circuit.admit().is_ok()), (state, passes));
        if passes {
            say(&circuit, &[F; 9]);
        } else {
            assert_eq!(wait(&circuit), None, "nobody knows for how long");
        }
        assert_eq!(circuit.state(), state);
    }
    circuit.auto();
    assert_eq!(circuit.state(), State::Closed);
    circuit.trip();
    circuit.auto();
    assert_eq!(circuit.state(), State::Open, "it was not forced");
}

#[tokio::test(start_paused = true)]
async fn a_rejection_says_exactly_how_long_the_circuit_stays_open() {
    let circuit = Circuit::new("payments", &brittle());
    say(&circuit, &[F]);
    for (passed, left) in [(0, 10_000), (1, 9_999), (2_499, 7_500), (7_499, 1)] {
        advance(passed * MS).await;
        assert_eq!(wait(&circuit), Some(left * MS));
        assert_eq!(circuit.snapshot().open_for, Some(left * MS));
    }
    let rejected = circuit.admit().expect_err("open");
    assert_eq!((rejected.name(), rejected.reached()), ("payments", false));
}

#[tokio::test(start_paused = true)]
async fn a_success_that_completes_the_sample_may_open() {
    for trip in [Trip::over_calls(4), Trip::over_time(SECOND).min_calls(4)] {
        let circuit = Circuit::new("x", &Policy::new().trip(trip));
        say(&circuit, &[F, F, S]);
        assert_eq!(circuit.state(), State::Closed);
        say(&circuit, &[S]);
        assert_eq!(circuit.state(), State::Open);
    }
}

#[tokio::test(start_paused = true)]
async fn call_gives_the_answer_or_the_circuits_own_rejection() {
    let circuit = Circuit::new("x", &brittle());
    assert_eq!(circuit.call(async { Ok::<_, u8>(7) }).await, Ok(7));
    assert_eq!(circuit.call(async { Err::<(), u8>(5) }).await, Err(Lifted::Inner(5)));
    match circuit.call(async { panic!("is not even polled") as Result<(), u8> }).await {
        Err(Lifted::Rejected(why)) => assert_eq!(why.reason(), Reason::Open),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_answer_counts_in_the_rate_and_not_in_the_run() {
    let circuit = Circuit::new("x", &Policy::new().trip(Trip::consecutive(3)));
    say(&circuit, &[F, F, Outcome::THROTTLED, Outcome::THROTTLED]);
    assert_eq!(
        (circuit.state(), circuit.snapshot().failures_in_a_row),
        (State::Closed, 2),
        "nor does it end one"
    );
    say(&circuit, &[F]);
    assert_eq!(circuit.state(), State::Open);

    let circuit = Circuit::new("x", &Policy::new().trip(Trip::over_calls(4)));
    say(&circuit, &[S, S, Outcome::THROTTLED, Outcome::THROTTLED]);
    assert_eq!(circuit.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn the_callers_own_deadline_is_a_failure_only_where_the_call_ran_as_long_as_an_attempt_may() {
    let late = Outcome::TIMED_OUT.by_own_deadline();
    for (limit, ran, state) in [
        (SECOND, 999 * MS, State::Closed),
        (SECOND, SECOND, State::Open),
        // Where nothing says how long an attempt may take.
        (Duration::MAX, Duration::ZERO, State::Open),
    ] {
        let circuit = Circuit::new("x", &brittle().abandoned_after(limit));
        let call = circuit.admit().expect("closed");
        advance(ran).await;
        call.record(late);
        assert_eq!(circuit.state(), state, "{ran:?} of {limit:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_head_was_good_has_succeeded_after_half_of_its_limit() {
    for (settle_after, settles) in [(None, 5 * SECOND), (Some(SECOND), SECOND)] {
        let policy = settle_after.map_or(brittle(), |time| brittle().settle_after(time));
        let circuit = Circuit::new("x", &policy);
        come_back(&circuit).await;
        let mut stream = circuit.admit().expect("a probe");
        advance(3 * SECOND).await;
        stream.expect(S);
        assert_eq!(wait(&circuit), Some(settles));
        advance(settles - MS).await;
        assert_eq!(wait(&circuit), Some(MS));
        assert_eq!(circuit.state(), State::HalfOpen);
        advance(MS).await;
        say(&circuit, &[S]);
        assert_eq!(circuit.state(), State::Closed);
        stream.record(F);
        assert_eq!(circuit.state(), State::Closed, "what its stream does later is of an old generation");
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_is_answered_by_its_first_message() {
    let circuit = Circuit::new("x", &brittle());
    come_back(&circuit).await;
    let mut stream = circuit.admit().expect("a probe");
    stream.expect(Outcome::CANCELLED);
    assert_eq!(circuit.state(), State::HalfOpen, "its head");
    stream.expect(S);
    assert_eq!(circuit.state(), State::Closed);
    stream.record(F);
    assert_eq!((circuit.state(), circuit.snapshot().failed), (State::Closed, 0));
}

#[tokio::test(start_paused = true)]
async fn a_slow_probe_keeps_a_circuit_open_that_opens_by_slow_calls() {
    let trip = Trip::over_calls(1).slow_rate(SECOND, Ratio::ONE);
    for headed in [false, true] {
        let circuit = Circuit::new("x", &brittle().trip(trip.clone()));
        come_back(&circuit).await;
        let mut probe = circuit.admit().expect("a probe");
        advance(2 * SECOND).await;
        if headed {
            // Its stream is good and long, and time settles it; its head was slow all the same.
            probe.expect(S);
            advance(5 * SECOND).await;
            assert!(circuit.admit().is_err());
        } else {
            probe.record(S);
        }
        assert_eq!((circuit.state(), circuit.snapshot().slow), (State::Open, 1), "headed: {headed}");
    }
}

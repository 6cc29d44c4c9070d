//! Other rules for circuits in use: what they are stays, what they are judged by changes.

use crate::ties::{MS, SECOND, say, wait};
use buttress::{
    backoff::{Backoff, Jitter},
    breaker::{Circuit, Circuits, Policy, Rule, State, Trip},
    clock::Instant,
    outcome::Outcome,
    telemetry::Event,
    window::Ratio,
};
use futures_util::{FutureExt, StreamExt};
use proptest::{collection::vec, prelude::*};
use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::advance;

const S: Outcome = Outcome::OK;
const F: Outcome = Outcome::FAILED;
const KEY: &str = "orders";

fn policy(trip: Trip) -> Policy {
    Policy::new().trip(trip).open_for(10 * SECOND)
}

/// Windows of every kind, two of them of the same kind and of other length, in which no rate ever opens.
fn window(kind: usize) -> Trip {
    let never = 1 << 20;
    match kind {
        0 => Trip::consecutive(1),
        1 => Trip::over_calls(4000),
        2 => Trip::over_calls(4095),
        3 => Trip::over_time(10 * SECOND).min_calls(never),
        4 => Trip::over_time(20 * SECOND).min_calls(never),
        _ => Trip::over_time(10 * SECOND).min_calls(never).slow_rate(SECOND, Ratio::percent(100)),
    }
}
const KINDS: usize = 6;

#[derive(Clone, Copy, Debug)]
enum Step {
    Call(bool),
    Pass(u32),
    Trip,
    /// The window, the failures in a row, the open time in milliseconds.
    Retune(usize, u32, u32),
}

fn retunes() -> impl Strategy<Value = Step> {
    (0..KINDS, 1_u32..4, 1_u32..60).prop_map(|(kind, run, open)| Step::Retune(kind, run, open))
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => any::<bool>().prop_map(Step::Call),
        5 => (1_u32..40).prop_map(Step::Pass),
        1 => Just(Step::Trip),
        4 => retunes(),
    ];
    vec(step, 0..150)
}

/// A circuit as a textbook has it, whose settings are written over.
struct Model {
    kind: usize,
    limit: u32,
    open_for: u32,
    now: u32,
    run: u32,
    openings: u32,
    /// Until then, while it is not closed.
    until: Option<u32>,
}

impl Model {
    fn open(&mut self) {
        (self.run, self.openings, self.until) = (0, self.openings + 1, Some(self.now + self.open_for));
    }

    /// Whether the call goes through.
    fn call(&mut self, fails: bool) -> bool {
        match self.until {
            Some(until) if until > self.now => return false,
            Some(_) if fails => self.open(),
            Some(_) => (self.run, self.openings, self.until) = (0, 0, None),
            None if !fails => self.run = 0,
            None => {
                self.run += 1;
                if self.run >= self.limit {
                    self.open();
                }
            }
        }
        true
    }

    fn retune(&mut self, kind: usize, run: u32, open_for: u32) {
        if kind != self.kind {
            self.run = 0;
        }
        (self.kind, self.limit, self.open_for) = (kind, run, open_for);
    }
}

async fn run(steps: Vec<Step>) {
    let made =
        |kind, run, open: u32| Policy::new().trip(window(kind).or_consecutive(run)).open_for(MS * open);
    let circuits: Circuits = Circuits::new(2, &made(0, 1, 10));
    let mut model = Model { kind: 0, limit: 1, open_for: 10, now: 0, run: 0, openings: 0, until: None };
    for step in steps {
        match step {
            Step::Call(fails) => {
                let admitted = circuits.admit(KEY).map(|permit| permit.record(if fails { F } else { S }));
                assert_eq!(admitted.is_ok(), model.call(fails), "{step:?}");
            }
            Step::Pass(time) => {
                advance(MS * time).await;
                model.now += time;
            }
            Step::Trip => {
                circuits.get(KEY).trip();
                model.open();
            }
            Step::Retune(kind, run, open) => {
                circuits.retune(&made(kind, run, open));
                model.retune(kind, run, open);
            }
        }
        let seen = circuits.get(KEY).snapshot();
        assert_eq!(seen.state == State::Closed, model.until.is_none(), "{step:?}");
        let left = model.until.map(|until| MS * until.saturating_sub(model.now));
        assert_eq!(seen.open_for, left.filter(|_| seen.state == State::Open), "{step:?}");
        assert_eq!(seen.openings_in_a_row, model.openings, "{step:?}");
        assert_eq!(seen.failures_in_a_row, model.run, "{step:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_rules_become_the_state_goes_on_as_in_a_naive_model(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(run(steps));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_counted_stays_where_the_window_does() {
    let circuit = Circuit::new("x", &policy(Trip::over_time(10 * SECOND).min_calls(100)));
    say(&circuit, &[S, F, S, F]);
    advance(SECOND).await;
    assert!(circuit.retune(&policy(Trip::over_time(10 * SECOND).min_calls(5))));
    let seen = circuit.snapshot();
    assert_eq!((seen.state, seen.calls, seen.failed), (State::Closed, 4, 2));
    say(&circuit, &[F]);
    assert_eq!(circuit.state(), State::Open, "three of five failed, one of them under the new rules");
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_under_way_count_under_the_new_rules() {
    let circuit = Circuit::new("x", &policy(Trip::consecutive(5)));
    let (one, two) = (circuit.admit().expect("closed"), circuit.admit().expect("closed"));
    assert!(circuit.retune(&policy(Trip::consecutive(2))));
    one.record(F);
    assert_eq!(circuit.state(), State::Closed);
    two.record(F);
    assert_eq!(circuit.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_call_from_before_a_window_of_another_length_counts_for_nothing() {
    let circuit = Circuit::new("x", &policy(Trip::over_time(10 * SECOND).or_consecutive(2)));
    let before = circuit.admit().expect("closed");
    assert!(circuit.retune(&policy(Trip::over_time(60 * SECOND).or_consecutive(1))));
    before.record(F);
    assert_eq!((circuit.state(), circuit.snapshot().calls), (State::Closed, 0));
    say(&circuit, &[F]);
    assert_eq!(circuit.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_window_of_time_that_was_changed_forgets_no_sooner_than_it_says() {
    let circuit = Circuit::new("x", &policy(Trip::over_time(SECOND).min_calls(4)));
    advance(3600 * SECOND).await;
    assert!(circuit.retune(&policy(Trip::over_time(100 * SECOND).min_calls(4))));
    say(&circuit, &[F; 3]);
    advance(90 * SECOND).await;
    assert_eq!(circuit.snapshot().failed, 3);
    advance(20 * SECOND).await;
    assert_eq!(circuit.snapshot().failed, 0);
}

#[tokio::test(start_paused = true)]
async fn another_window_takes_another_circuit_and_a_handle_alone_says_so() {
    let circuit = Circuit::new("x", &policy(Trip::consecutive(2)));
    assert!(!circuit.retune(&policy(Trip::over_calls(1).min_calls(1))));
    say(&circuit, &[F]);
    assert_eq!(circuit.state(), State::Closed, "nothing has changed");
}

#[tokio::test(start_paused = true)]
async fn a_permit_of_the_former_circuit_moves_nothing() {
    let circuits: Circuits = Circuits::new(10, &policy(Trip::consecutive(1)));
    let (late, later) = (circuits.admit(KEY).expect("closed"), circuits.admit(KEY).expect("closed"));
    circuits.retune(&policy(Trip::over_calls(1)));
    late.record(F);
    assert_eq!(circuits.get(KEY).state(), State::Closed);
    circuits.get(KEY).trip();
    later.record(S);
    assert_eq!(circuits.get(KEY).state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_half_open_circuit_stays_half_open_and_its_former_probe_decides_nothing() {
    for trip in [Trip::consecutive(3), Trip::over_calls(7)] {
        let circuits: Circuits = Circuits::new(10, &policy(Trip::consecutive(1)));
        circuits.get(KEY).trip();
        advance(10 * SECOND).await;
        let probe = circuits.admit(KEY).expect("a probe");
        let other_circuit = format!("{trip:?}").contains("Calls");
        circuits.retune(&policy(trip));
        assert_eq!(circuits.get(KEY).state(), State::HalfOpen);
        probe.record(S);
        let answered = circuits.get(KEY).state();
        if other_circuit {
            assert_eq!(answered, State::HalfOpen, "the probe was of the former circuit");
            circuits.admit(KEY).expect("a probe of its own").record(S);
        }
        assert_eq!(circuits.get(KEY).state(), State::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_forced_stays_forced() {
    for trip in [Trip::consecutive(3), Trip::over_calls(7), Trip::over_time(SECOND)] {
        for (force, state) in [
            (Circuit::force_open as fn(&Circuit), State::ForcedOpen),
            (Circuit::force_closed, State::ForcedClosed),
            (Circuit::disable, State::Disabled),
        ] {
            let circuits: Circuits = Circuits::new(10, &policy(Trip::over_time(2 * SECOND)));
            force(&circuits.get(KEY));
            circuits.retune(&policy(trip.clone()));
            assert_eq!(circuits.get(KEY).state(), state);
            circuits.get(KEY).auto();
            assert_eq!(circuits.get(KEY).state(), State::Closed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn openings_in_a_row_go_on_being_counted() {
    let policy = |trip| Policy::new().trip(trip).backoff(Backoff::exponential(SECOND).jitter(Jitter::None));
    let circuits: Circuits = Circuits::new(10, &policy(Trip::consecutive(1)));
    for (trip, wait) in [(Trip::consecutive(1), 1), (Trip::over_calls(9), 2), (Trip::over_time(SECOND), 4)] {
        circuits.retune(&policy(trip));
        circuits.get(KEY).trip();
        let refused = circuits.admit(KEY).expect_err("open");
        assert_eq!(refused.retry_after(), Some(SECOND * wait));
        advance(SECOND * wait).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_ramp_that_is_shorter_now_ends_sooner_and_one_that_is_gone_at_once() {
    for (trip, other) in [(Trip::consecutive(1), 10 * SECOND), (Trip::over_calls(9), Duration::ZERO)] {
        let circuits: Circuits = Circuits::new(10, &policy(Trip::consecutive(1)).ramp(100 * SECOND).seed(1));
        circuits.get(KEY).trip();
        advance(10 * SECOND).await;
        circuits.admit(KEY).expect("a probe").record(S);
        circuits.retune(&policy(trip).ramp(other));
        advance(other).await;
        for _ in 0..100 {
            assert!(circuits.admit(KEY).is_ok());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn those_that_will_be_made_and_the_one_for_newcomers_have_the_new_rules() {
    let circuits: Circuits = Circuits::new(1, &policy(Trip::consecutive(3))).overflow_name("rest");
    let handle = circuits.clone().overflow_name("others");
    circuits.get(KEY).force_open();
    let newcomer = circuits.get("newcomer");
    assert_eq!(newcomer.name().as_str(), "rest");
    handle.retune(&policy(Trip::consecutive(1)));
    say(&circuits.get("newcomer"), &[F]);
    assert_eq!(newcomer.state(), State::Open, "in place: the handle is the same circuit");
    circuits.get(KEY).auto();
    say(&circuits.get("third"), &[F]);
    assert_eq!(circuits.known("third").expect("it has taken the place").state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_of_a_retune_and_each_turn_goes_to_the_new_listener() {
    let heard = || {
        let count = Arc::new(AtomicU32::new(0));
        let own = Arc::clone(&count);
        (count, move |event: &Event<'_>| {
            own.fetch_add(u32::from(matches!(event, Event::Turned { .. })), Relaxed);
        })
    };
    for trip in [Trip::consecutive(2), Trip::over_calls(9)] {
        let ((one, first), (two, second)) = (heard(), heard());
        let circuits: Circuits = Circuits::new(9, &policy(Trip::consecutive(1)).observe(first));
        circuits.get(KEY).trip();
        assert_eq!(one.load(Relaxed), 2, "made, and tripped");
        circuits.retune(&policy(trip).observe(second));
        assert_eq!((one.load(Relaxed), two.load(Relaxed)), (2, 0));
        circuits.get(KEY).reset();
        assert_eq!((one.load(Relaxed), two.load(Relaxed)), (2, 1));
    }
}

#[derive(Clone, Default)]
struct Counts(Arc<AtomicU32>);

impl Rule for Counts {
    fn record(&mut self, _: Instant, _: &Outcome) -> bool {
        self.0.fetch_add(1, Relaxed);
        false
    }

    fn clear(&mut self) {}
}

#[tokio::test(start_paused = true)]
async fn a_rule_of_ones_own_stays_with_its_memory_unless_another_takes_its_place() {
    let (made, asked) = (Arc::new(AtomicU32::new(0)), Counts::default());
    let trip = |run| {
        let (made, asked) = (Arc::clone(&made), asked.clone());
        Trip::consecutive(run).or_rule(move || {
            made.fetch_add(1, Relaxed);
            asked.clone()
        })
    };
    let one = policy(trip(5));
    let circuit = Circuit::new("x", &one);
    assert!(circuit.retune(&one.clone().open_for(SECOND)));
    assert_eq!(made.load(Relaxed), 1, "it is the same rule");
    assert!(circuit.retune(&policy(trip(5))));
    say(&circuit, &[S]);
    assert_eq!((made.load(Relaxed), asked.0.load(Relaxed)), (2, 1));
    assert!(circuit.retune(&policy(Trip::consecutive(5))));
    say(&circuit, &[S]);
    assert_eq!(asked.0.load(Relaxed), 1, "it is gone");
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_panics_as_it_is_made_leaves_the_former_ones() {
    let circuit = Circuit::new("x", &policy(Trip::consecutive(1)));
    let broken =
        Trip::consecutive(9).or_rule(|| -> Counts { resume_unwind(Box::new("a rule's own trouble")) });
    let asked = catch_unwind(AssertUnwindSafe(|| circuit.retune(&policy(broken))));
    assert!(asked.is_err());
    say(&circuit, &[F]);
    assert_eq!(wait(&circuit), Some(10 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn the_watch_of_a_circuit_goes_on_where_it_is_retuned_in_place() {
    let circuit = Circuit::new("x", &policy(Trip::consecutive(1)));
    let mut watch = circuit.watch();
    assert_eq!(watch.next().now_or_never(), Some(Some(State::Closed)));
    assert!(circuit.retune(&policy(Trip::consecutive(2))));
    assert_eq!(watch.next().now_or_never(), None);
    say(&circuit, &[F, F]);
    assert_eq!(watch.next().now_or_never(), Some(Some(State::Open)));
}

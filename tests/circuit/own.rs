//! What the user's own code may do to a circuit: rules that panic, observers that ask, wakers that are the last of a task.

use crate::ties::{SECOND, say, wait};
use buttress::{
    backoff::{Backoff, Jitter},
    breaker::{Circuit, Permit, Policy, Rule, State, Trip, Watch},
    clock::Instant,
    outcome::{Outcome, Ticket},
    telemetry::Event,
};
use futures_util::{FutureExt, StreamExt};
use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, OnceLock, Weak,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Wake, Waker},
};
use tokio::time::advance;

const S: Outcome = Outcome::OK;
const F: Outcome = Outcome::FAILED;

fn quietly<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}

/// Panics, without the hook's words, where it is told to.
#[derive(Clone, Default)]
struct Touchy {
    in_record: Arc<AtomicU32>,
    in_clear: Arc<AtomicU32>,
    asked: Arc<AtomicU32>,
}

fn explodes(fuse: &AtomicU32) {
    if fuse.load(Relaxed) > 0 {
        fuse.fetch_sub(1, Relaxed);
        resume_unwind(Box::new("a rule's own trouble"));
    }
}

impl Rule for Touchy {
    fn record(&mut self, _: Instant, _: &Outcome) -> bool {
        self.asked.fetch_add(1, Relaxed);
        explodes(&self.in_record);
        false
    }

    fn clear(&mut self) {
        explodes(&self.in_clear);
    }
}

fn touchy(trip: Trip) -> (Touchy, Policy) {
    let rule = Touchy::default();
    let own = rule.clone();
    (rule, Policy::new().trip(trip.or_rule(move || own.clone())).open_for(10 * SECOND))
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_panics_is_passed_on_and_the_circuit_goes_on() {
    let (rule, policy) = touchy(Trip::consecutive(3));
    let circuit = Circuit::new("x", &policy);
    rule.in_record.store(1, Relaxed);
    assert!(quietly(|| say(&circuit, &[F])).is_none());
    assert_eq!(rule.asked.load(Relaxed), 1, "once: what is recorded is not recorded again by the drop");
    assert_eq!((circuit.state(), circuit.snapshot().failures_in_a_row), (State::Closed, 1));
    say(&circuit, &[F, F]);
    assert_eq!((circuit.state(), rule.asked.load(Relaxed)), (State::Open, 3));
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_panics_keeps_no_built_in_rule_from_opening() {
    let (rule, policy) = touchy(Trip::consecutive(1));
    let circuit = Circuit::new("x", &policy);
    rule.in_record.store(1, Relaxed);
    assert!(quietly(|| say(&circuit, &[F])).is_none());
    assert_eq!(circuit.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_panics_when_it_is_cleared_stops_no_turn() {
    let (rule, policy) = touchy(Trip::over_calls(2));
    let told: Arc<Mutex<Vec<State>>> = Arc::default();
    let ear = Arc::clone(&told);
    let circuit = Circuit::new(
        "x",
        &policy.observe(move |event: &Event<'_>| {
            if let Event::Turned { to, .. } = event {
                ear.lock().expect("not poisoned").push(*to);
            }
        }),
    );
    let mut states = circuit.watch();
    assert_eq!(states.next().now_or_never(), Some(Some(State::Closed)));
    say(&circuit, &[F, F]);
    tokio::time::advance(10 * SECOND).await;

    rule.in_clear.store(1, Relaxed);
    assert!(quietly(|| circuit.admit().map(drop)).is_none());
    assert_eq!(circuit.state(), State::HalfOpen);
    assert_eq!(states.next().now_or_never(), Some(Some(State::HalfOpen)));
    let probe = circuit.admit().expect("a probe");
    rule.in_clear.store(1, Relaxed);
    assert!(quietly(|| probe.record(S)).is_none());
    assert_eq!(circuit.state(), State::Closed);
    assert_eq!(
        *told.lock().expect("not poisoned"),
        [State::Closed, State::Open, State::HalfOpen, State::Closed]
    );
    // and it counts on
    say(&circuit, &[F, F]);
    assert_eq!(circuit.state(), State::Open);
    rule.in_clear.store(1, Relaxed);
    assert!(quietly(|| circuit.reset()).is_none());
    say(&circuit, &[F, S]);
    assert_eq!(circuit.state(), State::Open);
}

#[test]
fn a_rule_that_panics_while_its_thread_panics_does_not_end_the_process() {
    let (rule, policy) = touchy(Trip::consecutive(3));
    let circuit = Circuit::new("x", &policy);
    rule.in_record.store(1, Relaxed);
    let call = catch_unwind(AssertUnwindSafe(|| {
        let mut permit = circuit.admit().expect("closed");
        permit.busy(true);
        resume_unwind(Box::new("the inside's trouble"));
    }));
    assert_eq!(call.expect_err("it panicked").downcast_ref(), Some(&"the inside's trouble"));
    assert_eq!(rule.asked.load(Relaxed), 1);
    assert_eq!(circuit.snapshot().failures_in_a_row, 1);
}

#[test]
fn a_rule_whose_making_panics_passes_that_on_and_takes_nothing_along() {
    let trip = Trip::consecutive(1).or_rule(|| -> Touchy { resume_unwind(Box::new("no rule today")) });
    let policy = Policy::new().trip(trip);
    for _ in 0..3 {
        assert!(quietly(|| Circuit::new("x", &policy)).is_none());
    }
    let circuit = Circuit::new("y", &Policy::new().trip(Trip::consecutive(1)));
    say(&circuit, &[F]);
    assert_eq!(circuit.state(), State::Open);
}

/// Asks another circuit, and lets go of a third.
struct Neighbourly {
    other: Circuit,
    last: Option<Circuit>,
}

impl Rule for Neighbourly {
    fn record(&mut self, _: Instant, _: &Outcome) -> bool {
        self.last = None;
        say(&self.other, &[F]);
        self.other.snapshot().state == State::Open
    }

    fn clear(&mut self) {}
}

#[test]
fn a_rule_may_ask_other_circuits_and_drop_them() {
    let plain = Policy::new().trip(Trip::consecutive(2));
    let other = Circuit::new("other", &plain);
    let others = other.clone();
    let trip = Trip::consecutive(9).or_rule(move || Neighbourly {
        other: others.clone(),
        last: Some(Circuit::new("last", &Policy::new().trip(Trip::consecutive(3)))),
    });
    let circuit = Circuit::new("x", &Policy::new().trip(trip));
    say(&circuit, &[S]);
    assert_eq!(circuit.state(), State::Closed);
    say(&circuit, &[S]);
    assert_eq!((circuit.state(), other.state()), (State::Open, State::Open));
}

#[tokio::test(start_paused = true)]
async fn an_observer_may_ask_the_circuit_and_turn_it() {
    let known: Arc<OnceLock<Circuit>> = Arc::default();
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let (asks, ear) = (Arc::clone(&known), Arc::clone(&told));
    let policy = Policy::new().trip(Trip::consecutive(1)).open_for(10 * SECOND);
    let circuit = Circuit::new(
        "x",
        &policy.observe(move |event: &Event<'_>| {
            let Some(circuit) = asks.get() else { return };
            let snapshot = circuit.snapshot();
            ear.lock().expect("not poisoned").push(match event {
                Event::Turned { to, .. } => format!("{to:?} while {:?}", snapshot.state),
                Event::Rejected { .. } => format!("rejected while {:?}", snapshot.state),
                _ => format!("called {circuit:?}"),
            });
            // Told of its own turn once it has come back, and not from inside of itself.
            if matches!(event, Event::Turned { to: State::Open, .. }) {
                circuit.force_open();
            }
        }),
    );
    known.set(circuit.clone()).expect("once");
    say(&circuit, &[F]);
    assert_eq!(wait(&circuit), None);
    let told = told.lock().expect("not poisoned");
    assert_eq!(told[1..], ["Open while Open", "ForcedOpen while ForcedOpen", "rejected while ForcedOpen"]);
    assert!(told[0].starts_with("called Circuit"), "{}", told[0]);
}

/// The stream was all that kept what is rare, but for the news that is being told.
#[test]
fn an_observer_that_ends_a_stream_and_turns_the_circuit_is_still_told_one_turn_after_the_other() {
    let known: Arc<OnceLock<Circuit>> = Arc::default();
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let watch: Arc<Mutex<Option<Watch>>> = Arc::default();
    let (asks, ear, ends) = (Arc::clone(&known), Arc::clone(&told), Arc::clone(&watch));
    let observer = move |event: &Event<'_>| {
        let (Some(circuit), Event::Turned { to, .. }) = (asks.get(), event) else { return };
        let note = |word: &str| ear.lock().expect("not poisoned").push(format!("{to:?} {word}"));
        note("begins");
        if *to == State::Closed {
            drop(ends.lock().expect("not poisoned").take());
            circuit.force_open();
        }
        note("ends");
    };
    let circuit = Circuit::new("x", &Policy::new().trip(Trip::consecutive(1)).observe(observer));
    known.set(circuit.clone()).expect("once");
    *watch.lock().expect("not poisoned") = Some(circuit.watch());
    circuit.trip();
    circuit.reset();
    let turns =
        ["Open", "Closed", "ForcedOpen"].map(|turn| [format!("{turn} begins"), format!("{turn} ends")]);
    assert_eq!(*told.lock().expect("not poisoned"), turns.concat());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_takes_nothing_of_an_open_circuit_along() {
    let backoff = Backoff::exponential(SECOND).jitter(Jitter::None);
    let circuit = Circuit::new("x", &Policy::new().trip(Trip::over_calls(4).min_calls(1)).backoff(backoff));
    let watch = circuit.watch();
    say(&circuit, &[S, F]);
    drop(watch);
    assert_eq!((circuit.snapshot().failed, circuit.snapshot().calls), (1, 2), "what has opened it");
    advance(SECOND).await;
    say(&circuit, &[F]);
    assert_eq!(wait(&circuit), Some(2 * SECOND), "the second opening in a row");
}

/// A task whose last waker it is: with it goes a permit.
struct Last {
    _permit: Permit,
}

impl Wake for Last {
    fn wake(self: Arc<Self>) {}
}

fn last_of_a_task(permit: Permit) -> (Waker, Weak<Last>) {
    let task = Arc::new(Last { _permit: permit });
    let still_there = Arc::downgrade(&task);
    (Waker::from(task), still_there)
}

#[test]
fn a_waker_whose_drop_drops_a_permit_of_the_same_circuit_waits_for_nobody() {
    let circuit = Circuit::new("x", &Policy::new().trip(Trip::consecutive(1)));
    let half_open = || {
        circuit.force_open();
        circuit.auto();
        circuit.open_for(std::time::Duration::ZERO);
        // real: a millisecond of open time, and no runtime whose clock could be moved
        while circuit.admit().map(drop).is_err() {
            std::thread::yield_now();
        }
    };
    // replaced by the waker of another task
    half_open();
    let mut states = circuit.watch();
    assert!(states.next().now_or_never().is_some());
    let (waker, task) = last_of_a_task(circuit.admit().expect("a probe"));
    assert!(states.next().poll_unpin(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    assert!(task.upgrade().is_some());
    assert!(states.next().poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(task.upgrade().is_none());
    // and let go with its stream
    let (waker, task) = last_of_a_task(circuit.admit().expect("its place is free again"));
    assert!(states.next().poll_unpin(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    drop(states);
    assert!(task.upgrade().is_none());
    assert_eq!(circuit.state(), State::HalfOpen);
    circuit.admit().expect("its place is free again").record(S);
    assert_eq!(circuit.state(), State::Closed);
}

#[test]
fn a_stream_of_states_keeps_no_waker_once_it_is_gone() {
    struct Nothing;
    impl Wake for Nothing {
        fn wake(self: Arc<Self>) {}
    }
    let circuit = Circuit::new("x", &Policy::new());
    let task = Arc::new(Nothing);
    let waker = Waker::from(Arc::clone(&task));
    let mut streams: Vec<_> = (0..9).map(|_| circuit.watch()).collect();
    for states in &mut streams {
        assert!(states.next().now_or_never().is_some());
        for _ in 0..3 {
            assert!(states.next().poll_unpin(&mut Context::from_waker(&waker)).is_pending());
        }
    }
    assert_eq!(Arc::strong_count(&task), 11, "one a stream, however often it is polled");
    drop(streams.split_off(4));
    assert_eq!(Arc::strong_count(&task), 6);
    circuit.trip();
    assert_eq!(Arc::strong_count(&task), 2, "woken");
}

#[test]
fn nothing_of_a_users_own_outlives_the_circuit() {
    let alive = Arc::new(());
    let (in_rule, in_observer) = (Arc::clone(&alive), Arc::clone(&alive));
    struct Holds {
        _alive: Arc<()>,
    }
    impl Rule for Holds {
        fn record(&mut self, _: Instant, _: &Outcome) -> bool {
            false
        }
        fn clear(&mut self) {}
    }
    let policy = Policy::new()
        .trip(Trip::consecutive(1).or_rule(move || Holds { _alive: Arc::clone(&in_rule) }))
        .observe(move |_: &Event<'_>| drop(Arc::clone(&in_observer)));
    let circuit = Circuit::new("x", &policy);
    let late = circuit.admit().expect("closed");
    assert_eq!(Arc::strong_count(&alive), 4);
    drop((policy, circuit));
    assert_eq!(Arc::strong_count(&alive), 1);
    late.record(F);
}

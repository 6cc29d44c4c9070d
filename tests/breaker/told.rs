//! What a circuit tells: each decision once, in order, as events, as numbers and as log lines.

use crate::rig::{FAILURES, Heard, OPEN_FOR, Rig, SECOND, fail, policy};
use buttress::{
    Lifted,
    breaker::{BreakerLayer, Circuit, State, Trip},
    http::ByStatus,
    lift,
    outcome::Outcome,
    rejected::Reason,
    telemetry::{Event, Metrics, Observer, Tracing},
    testing::Answer,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use metrics::{Counter, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_util::registry::{AtomicStorage, Registry};
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    future::ready,
    sync::{
        Arc, Mutex,
        atomic::Ordering::Relaxed,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tracing_subscriber::layer::SubscriberExt;

#[tokio::test(start_paused = true)]
async fn every_decision_of_a_whole_life_is_told_once_and_in_order() {
    let mut rig = Rig::new();
    assert_eq!(rig.heard.take(), ["closed by made"]);
    rig.call(Answer::ok()).await.expect("answers");
    rig.open().await;
    assert_eq!(rig.heard.take(), ["ok", "failed", "failed", "failed", "open by consecutive"]);
    for _ in 0..2 {
        rig.call(Answer::ok()).await.expect_err("refused");
    }
    assert_eq!(rig.heard.take(), ["rejected: Open"; 2]);
    tokio::time::advance(OPEN_FOR).await;
    assert_eq!(rig.heard.take(), [""; 0], "no timer turns it");
    rig.call(Answer::fail()).await.expect_err("the probe");
    assert_eq!(rig.heard.take(), ["half_open by time_over", "failed", "open by probes"]);
    tokio::time::advance(OPEN_FOR).await;
    let unanswered = rig.start(Answer::never()).await;
    tokio::time::advance(OPEN_FOR).await;
    rig.call(Answer::ok()).await.expect_err("refused");
    assert_eq!(rig.heard.take(), ["half_open by time_over", "open by probe_limit", "rejected: Open"]);
    drop(unanswered);
    assert_eq!(rig.heard.take(), ["cancelled"]);
    tokio::time::advance(OPEN_FOR).await;
    rig.call(Answer::ok()).await.expect("the probe");
    assert_eq!(rig.heard.take(), ["half_open by time_over", "ok", "closed by probes"]);
    rig.circuit.force_open();
    rig.circuit.force_open();
    rig.circuit.disable();
    rig.call(Answer::fail()).await.expect_err("as though it were not there");
    rig.circuit.force_closed();
    rig.call(Answer::fail()).await.expect_err("fails");
    rig.circuit.trip();
    rig.circuit.auto();
    rig.circuit.auto();
    assert_eq!(
        rig.heard.take(),
        [
            "forced_open by by_hand",
            "disabled by by_hand",
            "forced_closed by by_hand",
            "failed",
            "closed by by_hand"
        ]
    );
    rig.circuit.trip();
    rig.circuit.reset();
    assert_eq!(rig.heard.take(), ["open by by_hand", "closed by by_hand"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_with_an_open_verdict_is_told_once_at_the_end_of_its_body() {
    let heard = Heard::default();
    let circuit = Circuit::new("told", &policy().observe(heard.clone()));
    heard.take();
    let pages = service_fn(|_: http::Request<()>| {
        ready(Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from_static(b"page")))))
    });
    let stack = ServiceBuilder::new().layer(BreakerLayer::new(&circuit).classify(ByStatus)).layer(lift());
    let mut svc = stack.service(pages);
    let response = svc.ready().await.expect("ready").call(http::Request::new(())).await.expect("answers");
    assert_eq!(heard.take(), [""; 0]);
    assert_eq!(response.into_body().collect().await.expect("a body").to_bytes(), "page");
    assert_eq!(heard.take(), ["ok"]);
}

/// The answers in flight when the circuit opens are told as ended; only the first that breaks the rule turns it.
#[tokio::test(start_paused = true)]
async fn however_many_fail_at_once_it_opens_once() {
    let mut rig = Rig::new();
    let mut calls = Vec::new();
    for _ in 0..50 {
        calls.push(rig.start(Answer::fail()).await);
    }
    rig.heard.take();
    futures_util::future::join_all(calls).await;
    let told = rig.heard.take();
    assert_eq!(told.iter().filter(|said| *said == "failed").count(), 50);
    assert_eq!(told.iter().filter(|said| said.contains(" by ")).count(), 1, "{told:?}");
    assert_eq!(told.iter().position(|said| said == "open by consecutive"), Some(FAILURES as usize));
}

/// Stops at the first opening until it is told to go on.
struct Stops {
    there: Sender<()>,
    go_on: Mutex<Option<Receiver<()>>>,
}

impl Observer for Stops {
    fn event(&self, event: &Event<'_>) {
        if matches!(event, Event::Turned { to: State::Open, .. })
            && let Some(go_on) = self.go_on.lock().expect("not poisoned").take()
        {
            self.there.send(()).expect("somebody waits");
            go_on.recv().expect("told");
        }
    }
}

#[test]
fn turns_of_two_threads_are_told_in_the_order_in_which_they_were_made() {
    let ((there, is_there), (go_on, goes_on), heard) = (channel(), channel(), Heard::default());
    let stops = Stops { there, go_on: Mutex::new(Some(goes_on)) };
    let circuit = Circuit::new("threads", &policy().observe((stops, heard.clone())));
    let trips = circuit.clone();
    let tripped = std::thread::spawn(move || trips.trip());
    is_there.recv().expect("it is telling");
    // Meanwhile it turns again, and nobody is held up.
    circuit.reset();
    assert_eq!((circuit.state(), heard.take()), (State::Closed, vec!["closed by made".to_owned()]));
    go_on.send(()).expect("it waits");
    tripped.join().expect("no panic");
    assert_eq!(heard.take(), ["open by by_hand", "closed by by_hand"]);
}

#[test]
fn an_observer_may_ask_the_circuit_and_turn_it() {
    let (mine, heard) = (Arc::<Mutex<Option<Circuit>>>::default(), Heard::default());
    let of_observer = Arc::clone(&mine);
    let resets = move |event: &Event<'_>| {
        let circuit = of_observer.lock().expect("not poisoned").clone();
        if let (Event::Turned { to: State::Open, .. }, Some(circuit)) = (event, circuit) {
            assert_eq!(circuit.snapshot().state, State::Open);
            circuit.reset();
        }
    };
    // The one that turns it comes first, and yet the other hears of the turns in their order.
    let circuit = Circuit::new("turned", &policy().observe((resets, heard.clone())));
    *mine.lock().expect("not poisoned") = Some(circuit.clone());
    heard.take();
    circuit.trip();
    assert_eq!(circuit.state(), State::Closed);
    assert_eq!(heard.take(), ["open by by_hand", "closed by by_hand"]);
    mine.lock().expect("not poisoned").take();
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_breaks_no_call_and_silences_nobody() {
    let heard = Heard::default();
    let panics = |_: &Event<'_>| std::panic::resume_unwind(Box::new("an observer"));
    let circuit = Circuit::new("panics", &policy().observe((heard.clone(), panics)));
    fail(&circuit);
    circuit.admit().expect_err("open");
    circuit.reset();
    assert_eq!(
        heard.take(),
        [
            "closed by made",
            "failed",
            "failed",
            "failed",
            "open by consecutive",
            "rejected: Open",
            "closed by by_hand"
        ]
    );
}

/// A recorder that can be scraped without being emptied.
struct Recorded(Registry<Key, AtomicStorage>);

impl Recorded {
    fn new() -> Self {
        Self(Registry::atomic())
    }

    /// The lines of one scrape.
    fn scrape(&self) -> BTreeMap<String, f64> {
        let counters = self.0.get_counter_handles().into_iter();
        let counters = counters.map(|(key, count)| (line(&key), count.load(Relaxed) as f64));
        let gauges = self.0.get_gauge_handles().into_iter();
        counters.chain(gauges.map(|(key, bits)| (line(&key), f64::from_bits(bits.load(Relaxed))))).collect()
    }
}

fn line(key: &Key) -> String {
    let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
    format!("{}{{{}}}", key.name(), labels.join(","))
}

impl Recorder for Recorded {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.0.get_or_create_counter(key, |counter| Arc::clone(counter).into())
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.0.get_or_create_gauge(key, |gauge| Arc::clone(gauge).into())
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// The state that is 1, where exactly one is and the others are there as 0.
#[track_caller]
fn state(scrape: &BTreeMap<String, f64>, name: &str) -> String {
    let begins = format!("buttress_breaker_state{{name={name},state=");
    let states: Vec<_> = scrape.iter().filter(|(line, _)| line.starts_with(&begins)).collect();
    assert_eq!(states.len(), 6, "{scrape:?}");
    let is: Vec<_> = states.iter().filter(|(_, value)| **value == 1.0).collect();
    assert_eq!(is.len(), 1, "exactly one state is 1: {states:?}");
    assert_eq!(states.iter().filter(|(_, value)| **value == 0.0).count(), 5);
    is[0].0[begins.len()..].trim_end_matches('}').to_owned()
}

#[test]
fn exactly_one_state_is_1_in_every_scrape() {
    let recorder = Recorded::new();
    metrics::with_local_recorder(&recorder, || {
        // On the real clock, so that no probe is given up.
        let policy = policy().open_for(Duration::ZERO).probe_limit(Duration::MAX).observe(Metrics::new());
        let circuit = Circuit::new("orders", &policy);
        let other = Circuit::new("apart", &policy);
        let is = |expected: &str| {
            let scrape = recorder.scrape();
            assert_eq!(
                (state(&scrape, "orders"), state(&scrape, "apart")),
                (expected.into(), "closed".into())
            );
            assert_eq!(circuit.state().as_str(), expected);
        };
        is("closed");
        for _ in 0..3 {
            for failed in 0..FAILURES {
                is("closed");
                circuit.admit().expect("closed").record(Outcome::FAILED);
                is(if failed == FAILURES - 1 { "open" } else { "closed" });
            }
            let probe = loop {
                // A millisecond of the real clock: there is no runtime here.
                match circuit.admit() {
                    Ok(probe) => break probe,
                    Err(_) => is("open"),
                }
            };
            is("half_open");
            circuit.admit().expect_err("one probe");
            is("half_open");
            probe.record(Outcome::OK);
            is("closed");
        }
        for (act, expected) in [
            (Circuit::force_open as fn(&Circuit), "forced_open"),
            (Circuit::trip, "forced_open"),
            (Circuit::disable, "disabled"),
            (Circuit::force_closed, "forced_closed"),
            (Circuit::reset, "forced_closed"),
            (Circuit::auto, "closed"),
            (Circuit::trip, "open"),
            (Circuit::auto, "open"),
            (Circuit::reset, "closed"),
        ] {
            act(&circuit);
            is(expected);
        }
        drop(other);
        is("closed");
    });
}

/// The states that are 1 at this instant, and the most there ever were.
#[derive(Clone, Default)]
struct Ones(Arc<Mutex<(BTreeSet<String>, usize)>>);

/// One line of the gauge.
struct One(Ones, String);

impl GaugeFn for One {
    fn increment(&self, _: f64) {}
    fn decrement(&self, _: f64) {}
    fn set(&self, value: f64) {
        let (ones, most) = &mut *self.0.0.lock().expect("not poisoned");
        if value == 1.0 {
            ones.insert(self.1.clone());
        } else {
            ones.remove(&self.1);
        }
        *most = ones.len().max(*most);
    }
}

impl Recorder for Ones {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Arc::new(One(self.clone(), line(key))))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn at_no_instant_are_two_states_1_not_even_between_two_lines_of_one_turn() {
    let ones = Ones::default();
    metrics::with_local_recorder(&ones, || {
        let circuit = Circuit::new("orders", &policy().observe(Metrics::new()));
        for turn in
            [Circuit::trip, Circuit::reset, Circuit::force_open, Circuit::disable, Circuit::force_closed]
        {
            turn(&circuit);
            assert_eq!(ones.0.lock().expect("not poisoned").0.len(), 1);
        }
    });
    assert_eq!(ones.0.lock().expect("not poisoned").1, 1);
}

/// The same turns as two threads make them: whoever is slow to tell does not leave the gauge on a former state.
#[test]
fn the_state_that_is_1_is_the_one_that_it_is_in_whoever_told_it() {
    let recorder = Recorded::new();
    let ((there, is_there), (go_on, goes_on)) = (channel(), channel());
    let stops = Stops { there, go_on: Mutex::new(Some(goes_on)) };
    let observer = (stops, Metrics::new());
    let circuit =
        metrics::with_local_recorder(&recorder, || Circuit::new("orders", &policy().observe(observer)));
    std::thread::scope(|threads| {
        threads.spawn(|| metrics::with_local_recorder(&recorder, || circuit.trip()));
        is_there.recv().expect("it is telling");
        metrics::with_local_recorder(&recorder, || circuit.reset());
        go_on.send(()).expect("it waits");
    });
    assert_eq!(state(&recorder.scrape(), "orders"), circuit.state().as_str());
}

#[tokio::test(start_paused = true)]
async fn every_metric_of_the_table_counts_what_it_says() {
    let recorder = Recorded::new();
    let _here = metrics::set_default_local_recorder(&recorder);
    let circuit = Circuit::new("orders", &policy().observe(Metrics::new()));
    let answers = [
        Outcome::OK,
        Outcome::OK,
        Outcome::THROTTLED,
        Outcome::FAILED,
        Outcome::TIMED_OUT,
        Outcome::PANICKED,
    ];
    for outcome in answers {
        circuit.admit().expect("closed").record(outcome);
    }
    for _ in 0..4 {
        circuit.admit().expect_err("open");
    }
    tokio::time::advance(OPEN_FOR).await;
    drop(circuit.admit().expect("the probe"));
    circuit.admit().expect("the probe").record(Outcome::OK);
    let lines = recorder.scrape();
    let counted: Vec<_> = lines
        .iter()
        .filter(|(_, count)| **count > 0.0)
        .map(|(line, count)| format!("{line} {count}"))
        .collect();
    assert_eq!(
        counted,
        [
            "buttress_breaker_calls_total{name=orders,outcome=cancelled} 1",
            "buttress_breaker_calls_total{name=orders,outcome=failed} 1",
            "buttress_breaker_calls_total{name=orders,outcome=ok} 3",
            "buttress_breaker_calls_total{name=orders,outcome=panicked} 1",
            "buttress_breaker_calls_total{name=orders,outcome=throttled} 1",
            "buttress_breaker_calls_total{name=orders,outcome=timed_out} 1",
            "buttress_breaker_rejected_total{name=orders} 4",
            "buttress_breaker_state{name=orders,state=closed} 1",
            "buttress_breaker_transitions_total{name=orders,to=closed,why=probes} 1",
            "buttress_breaker_transitions_total{name=orders,to=half_open,why=time_over} 1",
            "buttress_breaker_transitions_total{name=orders,to=open,why=consecutive} 1",
            "buttress_rejected_total{name=orders,reason=open} 4",
        ]
    );
}

/// Every `tracing` event, as level and fields.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        struct Fields(String);
        impl tracing::field::Visit for Fields {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0 += &format!(" {}={value:?}", field.name());
            }
        }
        assert_eq!(event.metadata().target(), "buttress");
        let mut fields = Fields(event.metadata().level().to_string());
        event.record(&mut fields);
        self.0.lock().expect("not poisoned").push(fields.0);
    }
}

#[test]
fn as_log_lines_turns_are_infos_refusals_debugs_and_ends_traces() {
    let lines = Lines::default();
    let _here = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.clone()));
    let circuit = Circuit::new("orders", &policy().trip(Trip::consecutive(1)).observe(Tracing::new()));
    circuit.admit().expect("closed").record(Outcome::FAILED);
    circuit.admit().expect_err("open");
    assert_eq!(
        *lines.0.lock().expect("not poisoned"),
        [
            r#"INFO message=circuit turned name="orders" to="closed" why="made""#,
            r#"TRACE message=call ended name="orders" outcome="failed""#,
            r#"INFO message=circuit turned name="orders" to="open" why="consecutive""#,
            r#"DEBUG message=call rejected name="orders" reason="open""#,
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_rejection_by_a_circuit_inside_is_told_as_that_and_counts_for_nothing() {
    let mut inner = Rig::new();
    inner.open().await;
    let heard = Heard::default();
    let outer = Circuit::new("outer", &policy().observe(heard.clone()));
    heard.take();
    let mut svc = BreakerLayer::new(&outer).layer(inner.svc.clone());
    for _ in 0..10 {
        svc.ready().await.expect("ready").call(7).await.expect_err("refused inside");
    }
    assert_eq!(heard.take(), ["rejected"; 10]);
    assert_eq!((outer.state(), outer.snapshot().calls), (State::Closed, 0));
}

#[tokio::test(start_paused = true)]
async fn the_states_can_be_watched_as_a_stream() {
    use futures_util::{FutureExt, StreamExt};
    let mut rig = Rig::new();
    let mut states = rig.circuit.watch();
    assert_eq!(states.next().await, Some(State::Closed));
    assert_eq!(states.next().now_or_never(), None);
    rig.open().await;
    assert_eq!(states.next().await, Some(State::Open));
    // A place among the probes that comes free is no new state.
    rig.circuit.reset();
    rig.half_open().await;
    assert_eq!(states.next().await, Some(State::HalfOpen));
    let waits = tokio::spawn(async move { states.next().await });
    tokio::task::yield_now().await;
    drop(rig.circuit.admit().expect("the place is free"));
    drop(rig.start(Answer::never()).await);
    tokio::time::advance(SECOND).await;
    tokio::task::yield_now().await;
    assert!(!waits.is_finished());
    rig.circuit.reset();
    assert_eq!(waits.await.expect("no panic"), Some(State::Closed));
}

#[tokio::test(start_paused = true)]
async fn without_tower_a_refused_future_is_told_and_not_polled() {
    let rig = Rig::new();
    fail(&rig.circuit);
    rig.heard.take();
    let never = rig.circuit.call(async { unreachable!("not even polled") });
    let answer: Result<(), Lifted<Infallible>> = never.await;
    let Err(Lifted::Rejected(why)) = answer else { panic!("{answer:?}") };
    assert_eq!((why.reason(), why.retry_after()), (Reason::Open, Some(OPEN_FOR)));
    assert_eq!(rig.heard.take(), ["rejected: Open"]);
}

//! What a bulkhead tells those who listen.

use crate::MS;
use buttress::{
    bulkhead::{BulkheadLayer, Queue, Slot, Slots},
    over,
    telemetry::{Event, Metrics},
};
use futures_util::poll;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use std::{
    convert::Infallible,
    pin::pin,
    sync::{Arc, Mutex},
};
use tokio::time::advance;
use tower::{ServiceExt, service_fn};

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn listener(&self) -> impl Fn(&Event<'_>) + Send + Sync + 'static {
        let heard = Arc::clone(&self.0);
        move |event| {
            heard.lock().expect("not poisoned").push(match event {
                Event::InFlight { name, calls, .. } => format!("{name} {calls} inside"),
                Event::Waited { name, time, .. } => format!("{name} waited {time:?}"),
                Event::Rejected { name, reason, .. } => format!("{name} refused {}", reason.as_str()),
                other => format!("{other:?}"),
            });
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("not poisoned"))
    }
}

#[tokio::test(start_paused = true)]
async fn each_decision_is_told_once_with_the_name_of_the_slots() {
    let heard = Heard::default();
    let slots = Slots::new("reports", 1).observe(heard.listener());
    let slot = slots.try_acquire().expect("free");
    slots.try_acquire().expect_err("full");
    assert_eq!(heard.take(), ["reports 1 inside", "reports refused full"]);

    let mut turn = pin!(slots.acquire(Queue::new(1).max_wait(250 * MS)));
    assert!(poll!(turn.as_mut()).is_pending());
    slots.acquire(Queue::new(1)).await.expect_err("the queue is full");
    advance(100 * MS).await;
    drop(slot);
    let slot = turn.await.expect("its turn");
    assert_eq!(heard.take(), ["reports refused full", "reports 1 inside", "reports waited 100ms"]);

    slots.acquire(Queue::new(1).max_wait(30 * MS)).await.expect_err("too long");
    let mut left = Box::pin(slots.acquire(Queue::new(1)));
    assert!(poll!(left.as_mut()).is_pending());
    advance(20 * MS).await;
    drop(left);
    drop(slot);
    assert_eq!(
        heard.take(),
        ["reports waited 30ms", "reports refused full", "reports waited 20ms", "reports 0 inside"]
    );
}

#[tokio::test]
async fn a_layer_tells_through_its_slots() {
    let heard = Heard::default();
    let slots = Slots::new("reports", 1).observe(heard.listener());
    let service = service_fn(|()| async { Ok::<_, Infallible>(()) });
    over(BulkheadLayer::new(&slots), service).oneshot(()).await.expect("an answer");
    over(BulkheadLayer::new(&slots).queue(1), service).oneshot(()).await.expect("an answer");
    assert_eq!(
        heard.take(),
        ["reports 1 inside", "reports 0 inside", "reports 1 inside", "reports 0 inside"]
    );
}

#[test]
fn a_larger_limit_that_lets_somebody_in_is_told() {
    let heard = Heard::default();
    let slots = Slots::new("reports", 1).observe(heard.listener());
    let _slot = slots.try_acquire().expect("free");
    let mut turn = pin!(slots.acquire(Queue::new(1).max_wait(std::time::Duration::MAX)));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(turn.as_mut().poll(&mut cx).is_pending());
    heard.take();
    slots.set_limit(2);
    assert_eq!(heard.take(), ["reports 2 inside"]);
}

#[test]
fn a_limit_that_lets_nobody_in_is_not_told_and_a_listener_may_set_one() {
    let heard = Heard::default();
    let of_listener = Arc::new(Mutex::new(None::<Slots>));
    let own = Arc::clone(&of_listener);
    let sets = move |event: &Event<'_>| {
        let slots = own.lock().expect("not poisoned").clone();
        if let (Event::InFlight { calls, .. }, Some(slots)) = (event, slots) {
            slots.set_limit(calls + 1);
        }
    };
    let slots = Slots::new("reports", 1).observe((heard.listener(), sets));
    slots.set_limit(3);
    slots.set_limit(1);
    assert_eq!(heard.take(), Vec::<String>::new());

    *of_listener.lock().expect("not poisoned") = Some(slots.clone());
    let one = slots.try_acquire().expect("free");
    let two = slots.try_acquire().expect("the listener has made room");
    assert_eq!(
        (heard.take(), slots.limit()),
        (vec!["reports 1 inside".into(), "reports 2 inside".into()], 3)
    );
    drop((one, two));
    of_listener.lock().expect("not poisoned").take();
}

#[test]
fn the_first_listener_stays_and_one_that_panics_harms_nobody() {
    let heard = Heard::default();
    let slots = Slots::new("reports", 1)
        .observe((heard.listener(), |_: &Event<'_>| panic!("a listener's own trouble")))
        .observe(|_: &Event<'_>| unreachable!("came second"));
    drop(slots.try_acquire().expect("free"));
    assert_eq!(heard.take(), ["reports 1 inside", "reports 0 inside"]);
}

#[test]
fn the_last_that_is_told_is_true_though_it_changed_while_it_was_told() {
    let last = Arc::new(Mutex::new(0));
    let one = Arc::new(Mutex::new(None));
    let (told, leaves) = (Arc::clone(&last), Arc::clone(&one));
    let slots = Slots::new("reports", 8).observe(move |event: &Event<'_>| {
        if let Event::InFlight { calls, .. } = *event {
            // As though another thread left between the count and its word.
            let leaves = if calls == 2 { leaves.lock().expect("not poisoned").take() } else { None };
            drop::<Option<Slot>>(leaves);
            *told.lock().expect("not poisoned") = calls;
        }
    });
    *one.lock().expect("not poisoned") = slots.try_acquire().ok();
    let two = slots.try_acquire().expect("free");
    assert_eq!((*last.lock().expect("not poisoned"), slots.in_flight()), (1, 1));
    drop(two);
    assert_eq!(*last.lock().expect("not poisoned"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_numbers_have_their_names() {
    let recorder = DebuggingRecorder::new();
    let seen = recorder.snapshotter();
    let _local = metrics::set_default_local_recorder(&recorder);
    let slots = Slots::new("reports", 1).observe(Metrics::new());
    let _slot = slots.try_acquire().expect("free");
    slots.acquire(Queue::new(1).max_wait(250 * MS)).await.expect_err("full");
    let mut numbers: Vec<_> = seen
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| {
            let labels: Vec<_> = key.key().labels().map(|l| format!("{}={}", l.key(), l.value())).collect();
            let value = match value {
                DebugValue::Counter(n) => n as f64,
                DebugValue::Gauge(n) => n.into_inner(),
                DebugValue::Histogram(all) => all.iter().map(|n| n.into_inner()).sum(),
            };
            (key.key().name().to_owned(), labels.join(","), value)
        })
        .collect();
    numbers.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("buttress_in_flight", "name=reports", 1.0),
        ("buttress_queue_seconds", "name=reports", 0.25),
        ("buttress_rejected_total", "name=reports,reason=full", 1.0),
    ];
    assert_eq!(numbers, expected.map(|(name, labels, value)| (name.to_owned(), labels.to_owned(), value)));
}

//! What is told: one event for what became of each hedge.

use crate::{HANGS, MS, Replicas, answers, fails, hedged};
use buttress::{
    budget::Budget,
    hedge::HedgeLayer,
    telemetry::{Event, Metrics},
};
use futures_util::poll;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::sleep;
use tower::ServiceExt;

type Heard = Arc<Mutex<Vec<String>>>;

fn listening(layer: HedgeLayer) -> (HedgeLayer, Heard) {
    let heard = Heard::default();
    let ears = Arc::clone(&heard);
    let layer = layer.observe(move |event: &Event<'_>| {
        let said = match event {
            Event::Hedge { name, result, .. } => format!("{name}: {}", result.as_str()),
            Event::Unpaid { name, extra, .. } => format!("{name}: no {}", extra.as_str()),
            _ => return,
        };
        ears.lock().expect("not poisoned").push(said);
    });
    (layer, heard)
}

fn said(heard: &Heard) -> Vec<String> {
    std::mem::take(&mut *heard.lock().expect("not poisoned"))
}

#[tokio::test(start_paused = true)]
async fn what_became_of_each_hedge_is_told_once_and_of_the_first_attempt_nothing() {
    let (layer, heard) =
        listening(HedgeLayer::after(20 * MS).max(3).name("stock").budget(&Budget::unlimited()));
    let run = async |attempts: Vec<crate::Attempt>| {
        let _ = hedged(layer.clone(), &Replicas::new(attempts)).oneshot(7).await;
        said(&heard)
    };
    assert_eq!(run(vec![answers(20 * MS, 200)]).await, [""; 0]);
    assert_eq!(run(vec![HANGS, answers(5 * MS, 200)]).await, ["stock: won"]);
    assert_eq!(run(vec![answers(25 * MS, 200), HANGS]).await, ["stock: lost"]);
    assert_eq!(run(vec![HANGS, HANGS, answers(5 * MS, 200)]).await, ["stock: won", "stock: lost"]);
    let all_fail = vec![fails(90 * MS, 0), fails(MS, 1), fails(MS, 2), fails(MS, 3)];
    assert_eq!(run(all_fail).await, ["stock: failed"; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_hedge_whose_caller_left_is_told_too() {
    let (layer, heard) = listening(HedgeLayer::after(20 * MS));
    let mut call = Box::pin(hedged(layer, &Replicas::new([])).oneshot(7));
    assert!(poll!(call.as_mut()).is_pending());
    sleep(20 * MS).await;
    assert!(poll!(call.as_mut()).is_pending());
    assert_eq!(said(&heard), [""; 0]);
    drop(call);
    assert_eq!(said(&heard), ["hedge: cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn its_own_budget_has_its_name_and_its_listener() {
    let (layer, heard) = listening(HedgeLayer::after(Duration::ZERO).name("stock").max(16));
    let _ = hedged(layer, &Replicas::new([answers(5 * MS, 200)])).oneshot(7).await;
    let said = said(&heard);
    assert_eq!(said[0], "stock: no hedge");
    assert_eq!(said[1..], ["stock: lost"; 5]);
}

#[test]
fn hedges_are_counted_by_what_became_of_them() {
    let recorder = DebuggingRecorder::new();
    let seen = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let layer = HedgeLayer::after(20 * MS).name("stock").observe(Metrics::new());
            for attempts in
                [[HANGS, answers(MS, 200)], [HANGS, answers(MS, 200)], [answers(25 * MS, 200), HANGS]]
            {
                let _ = hedged(layer.clone(), &Replicas::new(attempts)).oneshot(7).await;
            }
        });
    });
    let counts: Vec<_> = seen
        .snapshot()
        .into_vec()
        .into_iter()
        .filter(|(key, ..)| key.key().name() == "buttress_hedges_total")
        .map(|(key, _, _, value)| {
            let labels: Vec<_> =
                key.key().labels().map(|label| (label.key().to_owned(), label.value().to_owned())).collect();
            let DebugValue::Counter(count) = value else { panic!("a counter") };
            (labels, count)
        })
        .collect();
    let count = |result: &str| {
        let is =
            |(labels, _): &&(Vec<(String, String)>, u64)| labels.contains(&("result".into(), result.into()));
        counts.iter().find(is).map(|(_, count)| *count)
    };
    assert_eq!((count("won"), count("lost"), counts.len()), (Some(2), Some(1), 2), "{counts:?}");
}

//! What a retry and its budget tell those who listen.

use crate::{MS, by_status, policy, server};
use buttress::{
    Deadline,
    budget::{Bucket, Budget, Extra, Share, Throttle},
    clock,
    outcome::Outcome,
    over,
    retry::{Hints, Policy, RetryLayer, Retrying},
    telemetry::{Event, Metrics, RetryResult},
    testing::{Script, Step},
    window::Ratio,
};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use std::sync::{Arc, Mutex};
use tower::{Layer, ServiceExt};

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn listener(&self) -> impl Fn(&Event<'_>) + Send + Sync + 'static {
        let heard = self.clone();
        move |event| {
            heard.note(match event {
                Event::Retry { name, class, attempt, wait, .. } => {
                    format!("{name} {} at {attempt}, again in {wait:?}", class.as_str())
                }
                Event::RetryEnded { name, result, attempts, .. } => {
                    format!("{name} {} after {attempts}", result.as_str())
                }
                Event::Budget { name, thousandths, .. } => format!("{name} has {thousandths}"),
                Event::Unpaid { name, extra, .. } => format!("{name} pays no {}", extra.as_str()),
                other => format!("{other:?}"),
            });
        }
    }

    fn note(&self, line: String) {
        self.0.lock().expect("not poisoned").push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("not poisoned"))
    }
}

#[tokio::test(start_paused = true)]
async fn each_decision_is_told_once_by_its_name() {
    let heard = Heard::default();
    let policy = policy().name("stock").classify(by_status()).observe(heard.listener());
    let client = RetryLayer::new(policy).layer(server([200, 500, 200]));
    assert_eq!(client.clone().oneshot(1).await, Ok(200));
    assert_eq!(heard.take(), ["stock first after 1"]);
    assert_eq!(client.oneshot(1).await, Ok(200));
    let told = ["stock has 9000", "stock failed at 1, again in 100ms", "stock recovered after 2"];
    assert_eq!(heard.take(), told);
}

#[tokio::test(start_paused = true)]
async fn each_end_has_its_word() {
    let heard = Heard::default();
    let ask = async |policy: Policy<_, _>, statuses: &[u16]| {
        let client =
            RetryLayer::new(policy.observe(heard.listener())).layer(server(statuses.iter().copied()));
        client.oneshot(1).await.expect("answered");
        heard.take().pop().expect("told")
    };
    let policy = || policy().classify(by_status());
    assert_eq!(ask(policy().attempts(2), &[500, 500]).await, "retry exhausted after 2");
    assert_eq!(ask(policy(), &[598]).await, "retry final after 1");
    assert_eq!(ask(policy(), &[599]).await, "retry told_not_to after 1");
    assert_eq!(ask(policy().hints(Hints::up_to(MS)), &[429]).await, "retry hint_too_long after 1");
    let poor = Budget::of(Bucket::new().capacity(1));
    assert_eq!(ask(policy().budget(&poor), &[500, 500]).await, "retry no_budget after 2");
    let soon = Deadline::after(clock::now(), 50 * MS);
    assert_eq!(soon.scope(ask(policy(), &[500])).await, "retry no_time after 1");

    let unsafe_one = Policy::new().classify(by_status()).observe(heard.listener());
    assert!(RetryLayer::new(unsafe_one).layer(server([500])).oneshot(1).await.is_ok());
    assert_eq!(heard.take(), ["retry unsafe after 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_budget_tells_its_level_when_it_changes_and_what_it_does_not_pay() {
    let heard = Heard::default();
    let budget = Budget::of(Bucket::new().capacity(2)).named("all").observe(heard.listener());
    let mut call = budget.open();
    assert!(heard.take().is_empty(), "it was full");
    assert!(call.take(Extra::Retry) && !call.take(Extra::Hedge) && call.take(Extra::Retry));
    drop(budget.open());
    let told = ["all has 1000", "all pays no hedge", "all has 0", "all has 100"];
    assert_eq!(heard.take(), told);

    let budget = Budget::of(Throttle::new(10, 0.5)).observe(heard.listener());
    let mut call = budget.open();
    call.answered(&Outcome::FAILED);
    assert!(call.take(Extra::Retry), "which costs nothing by itself");
    call.answered(&Outcome::OK);
    assert_eq!(heard.take(), ["budget has 9000", "budget has 9500"]);

    let crowd = Budget::of(Share::new(Ratio::ZERO).floor(1)).named("crowd").observe(heard.listener());
    let mut call = crowd.open();
    assert!(call.take(Extra::Retry) && !call.take(Extra::Retry));
    assert_eq!(heard.take(), ["crowd pays no retry"], "it has no tokens");
}

#[tokio::test(start_paused = true)]
async fn the_hook_hears_each_wait_before_it_begins() {
    let heard = Heard::default();
    let hook = heard.clone();
    let policy = policy().classify(by_status()).on_retry(move |retrying: &Retrying| {
        let Retrying { attempt, outcome, wait, .. } = retrying;
        hook.note(format!("{attempt} {:?} {wait:?}", outcome.class()));
    });
    let client = RetryLayer::new(policy).layer(server([500, 429, 500]));
    assert_eq!(client.oneshot(1).await, Ok(500));
    assert_eq!(heard.take(), ["1 Failed 100ms", "2 Throttled 2s"]);
}

#[test]
fn the_numbers_have_the_names_that_the_docs_say() {
    let recorder = DebuggingRecorder::new();
    let seen = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    metrics::with_local_recorder(&recorder, || {
        let budget = Budget::of(Bucket::new().capacity(2)).named("shop").observe(Metrics::new());
        let policy = policy().attempts(9).name("stock").budget(&budget).observe(Metrics::new());
        let steps = [Step::ok(1), Step::fail(), Step::fail(), Step::fail()];
        let client = over(RetryLayer::new(policy), Script::<u32, _>::new(steps));
        runtime.block_on(async {
            client.clone().oneshot(1).await.expect("good");
            client.oneshot(1).await.expect_err("the budget has ended");
        });
    });
    let mut lines: Vec<_> = seen
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| {
            let labels: Vec<_> =
                key.key().labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            let value = match value {
                DebugValue::Counter(count) => count as f64,
                DebugValue::Gauge(level) => level.into_inner(),
                DebugValue::Histogram(_) => panic!("a histogram"),
            };
            format!("{}{{{}}} {value}", key.key().name(), labels.join(","))
        })
        .collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "buttress_budget_refused_total{name=shop,kind=retry} 1",
            "buttress_budget_tokens{name=shop} 0",
            "buttress_retry_attempts_total{name=stock,reason=failed} 2",
            "buttress_retry_calls_total{name=stock,result=first} 1",
            "buttress_retry_calls_total{name=stock,result=no_budget} 1",
        ]
    );
}

/// Labels are a closed set, and no two are the same.
#[test]
fn each_result_has_a_label_of_its_own() {
    use RetryResult::*;
    let all = [First, Recovered, Exhausted, Final, ToldNotTo, Unsafe, Unkept, HintTooLong, NoTime, NoBudget];
    let labels: std::collections::BTreeSet<_> = all.iter().map(|result| result.as_str()).collect();
    assert_eq!(labels.len(), all.len());
}

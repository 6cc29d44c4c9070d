//! The budget from outside: exact under threads, shared by whom it is given to, one for each key where that is asked.

use crate::{by_status, policy, server};
use buttress::{
    budget::{Bucket, Budget, Extra, KeyedBudgets, Window},
    keyed::By,
    outcome::Outcome,
    over,
    retry::RetryLayer,
    telemetry::Event,
    testing::{Script, Step},
};
use std::{
    borrow::Cow,
    sync::{Arc, Barrier, Mutex},
    time::Duration,
};
use tokio::time::{advance, timeout};
use tower::{Layer, ServiceExt};

/// Calls that all fail, each asking for retries until there is none. Begun with an empty bucket, no deposit is lost to a full
/// one: what was granted is known to the token.
fn exact_under_threads(threads: u32, calls: u32) {
    let budget = Budget::new();
    let emptied = {
        let mut call = budget.open();
        (0..20).filter(|_| call.take(Extra::Retry)).count()
    };
    assert_eq!(emptied, 10);
    let start = Barrier::new(threads as usize);
    let run = || {
        start.wait();
        let mut granted = 0u64;
        for _ in 0..calls {
            let mut call = budget.open();
            call.answered(&Outcome::FAILED);
            while call.take(Extra::Retry) {
                granted += 1;
                call.answered(&Outcome::FAILED);
                call.ended();
            }
        }
        granted
    };
    let granted: u64 = std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        all.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    let firsts = u64::from(threads) * u64::from(calls);
    let left = (budget.tokens().expect("counts tokens") * 1000.0).round() as u64;
    assert_eq!(1000 * granted + left, 100 * firsts, "each tenth is there, or was spent");
    assert!(granted <= firsts / 10);
}

#[test]
fn ten_and_a_tenth_of_the_first_attempts_and_not_one_more() {
    exact_under_threads(8, 20_000);
}

#[test]
#[ignore = "full size: eight threads with a million failures each"]
fn ten_and_a_tenth_of_the_first_attempts_and_not_one_more_full_size() {
    exact_under_threads(8, 1_000_000);
}

#[test]
fn hedges_and_retries_of_many_threads_share_one_bucket() {
    let budget = Budget::of(Bucket::new().capacity(1000));
    let start = Barrier::new(4);
    let run = |extra| {
        let (budget, start) = (&budget, &start);
        move || {
            start.wait();
            (0..2000).filter(|_| budget.open().take(extra)).count()
        }
    };
    let granted: usize = std::thread::scope(|scope| {
        let all =
            [Extra::Retry, Extra::Hedge, Extra::Retry, Extra::Hedge].map(|extra| scope.spawn(run(extra)));
        all.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    // 8000 calls of a tenth each; what found the bucket full is lost.
    let left = budget.tokens().expect("counts tokens");
    assert!(granted as f64 + left <= 1800.0, "{granted} and {left}");
}

/// A clock that is held still is not there on other threads, so this one runs by the real one, within one window.
#[test]
fn a_window_is_exact_under_threads() {
    let budget = Budget::of(Window::new(0.1).per_second(0).length(Duration::from_secs(60)));
    let start = Barrier::new(4);
    let run = || {
        start.wait();
        (0..10_000).filter(|_| budget.open().take(Extra::Retry)).count()
    };
    let granted: usize = std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        all.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    let left = budget.tokens().expect("counts tokens");
    assert_eq!(granted as f64 + left, 4000.0);
}

#[tokio::test(start_paused = true)]
async fn layers_that_were_given_one_budget_share_it_and_others_do_not() {
    let budget = Budget::new();
    let retries = |layer: &RetryLayer<_, _>| {
        let server = Script::<u32, (), _>::new([]).then(Step::fail);
        let seen = server.seen();
        let client = over(layer.clone(), server);
        async move {
            let _ = client.oneshot(1).await;
            seen.counts().calls - 1
        }
    };
    let many = || policy().attempts(100);
    let (one, other) = (RetryLayer::new(many().budget(&budget)), RetryLayer::new(many().budget(&budget)));
    assert_eq!((retries(&one).await, retries(&other).await), (10, 0));

    // Of one policy without a budget each layer makes its own, and all that a layer makes share that.
    let policy = many();
    let (one, other) = (RetryLayer::new(policy.clone()), RetryLayer::new(policy));
    assert_eq!((retries(&one).await, retries(&one).await, retries(&other).await), (10, 0, 10));
}

#[tokio::test(start_paused = true)]
async fn each_key_pays_for_itself_and_what_has_none_by_the_policy() {
    let budgets = KeyedBudgets::<String>::new(10, Bucket::new().capacity(1));
    let own = Budget::new();
    let host = By::new(|number: &u32| match number {
        0 => None,
        odd if odd % 2 == 1 => Some(Cow::Borrowed("odd")),
        _ => Some(Cow::Borrowed("even")),
    });
    let policy = policy().attempts(100).budget(&own).classify(by_status()).budgets(&budgets, host);
    let server = server([]).then(|| Step::ok(500));
    let seen = server.seen();
    let client = RetryLayer::new(policy).layer(server);
    let mut before = 0;
    let mut retries = Vec::new();
    for number in [1, 3, 2, 0] {
        assert_eq!(client.clone().oneshot(number).await, Ok(500));
        retries.push(seen.counts().calls - before - 1);
        before = seen.counts().calls;
    }
    assert_eq!(retries, [1, 0, 1, 10]);
    assert_eq!((budgets.len(), own.tokens()), (2, Some(0.0)));
    assert_eq!(budgets.known("odd").expect("made").name().as_str(), "odd");
}

#[test]
fn keys_are_bounded_and_only_a_budget_as_good_as_new_gives_way() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let budgets: KeyedBudgets = KeyedBudgets::new(2, Bucket::new().capacity(1))
        .overflow_name("others")
        .observe(move |event: &Event<'_>| {
            if let Event::Overflow { name, bound, .. } = event {
                heard.lock().expect("not poisoned").push(format!("{name} {bound}"));
            }
        });
    let spend = |key: &str| budgets.get(key).open().take(Extra::Retry);
    assert!(spend("a") && spend("b"));
    assert!(spend("c"), "of the one that newcomers share");
    assert!(!spend("d"), "which is empty by now");
    assert_eq!(*told.lock().expect("not poisoned"), ["others 2"]);
    assert_eq!((budgets.len(), budgets.overflow().tokens()), (2, Some(0.1)));

    // Ten calls of "a" fill its bucket again, and now it may leave.
    (0..10).for_each(|_| drop(budgets.get("a").open()));
    assert!(spend("d"), "in the place of a");
    assert!(budgets.known("a").is_none() && budgets.known("b").is_some());
    assert!(budgets.remove("b").is_some() && budgets.remove("b").is_none());
    assert_eq!(budgets.list().len(), 1);
    assert!(KeyedBudgets::<String>::new(0, Bucket::new()).is_empty());
    assert_eq!(KeyedBudgets::<String>::new(0, Bucket::new()).bound(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_window_gives_way_once_nothing_of_it_is_left() {
    let budgets: KeyedBudgets = KeyedBudgets::new(1, Window::new(0.5).per_second(1));
    assert!(budgets.get("a").open().take(Extra::Retry));
    let other = budgets.get("b");
    assert_eq!(other.name().as_str(), "overflow");
    advance(Duration::from_secs(11)).await;
    assert_eq!(budgets.get("b").name().as_str(), "b");
}

/// A refusal is an answer, never a wait.
#[tokio::test(start_paused = true)]
async fn a_budget_never_makes_anybody_wait() {
    let server = Script::<u32, (), _>::new([]).then(Step::fail);
    let budget = Budget::new();
    let client = over(RetryLayer::new(policy().attempts(100).budget(&budget)), server);
    assert!(client.clone().oneshot(1).await.is_err());
    let at_once = timeout(Duration::from_nanos(1), client.oneshot(1)).await;
    assert!(at_once.expect("without a wait").is_err());
}

//! Faults that other retries and budgets have been seen with, one test each.

use crate::{MS, by_status, policy, server};
use buttress::{
    Lifted,
    backoff::{Backoff, Jitter, Rng},
    budget::{Budget, Extra, Window},
    outcome::ErrorsFail,
    over,
    retry::{Policy, RetryLayer},
    testing::{Fault, Script, Step},
    timeout::TimeoutLayer,
    window::Ratio,
};
use std::time::Duration;
use tokio::time::{Instant, advance};
use tower::{Layer, ServiceExt};

/// Seen: every error was retried, and one POST became four.
#[tokio::test(start_paused = true)]
async fn what_is_not_known_to_be_safe_is_sent_once() {
    let server = Script::<&str, (), _>::new([]).then(Step::fail);
    let seen = server.seen();
    let policy = Policy::new().safe(|request: &&str| request.starts_with("GET"));
    let client = over(RetryLayer::new(policy), server);
    assert!(client.clone().oneshot("POST /orders").await.is_err());
    assert_eq!(seen.counts().calls, 1);
    assert!(client.oneshot("GET /orders").await.is_err());
    assert_eq!(seen.counts().calls, 4);
}

/// Seen: Retry-After was read by nobody.
#[tokio::test(start_paused = true)]
async fn the_time_that_the_server_asks_for_is_honoured() {
    let client = RetryLayer::new(policy().classify(by_status())).layer(server([429, 429, 200]));
    let started = Instant::now();
    assert_eq!(client.oneshot(1).await, Ok(200));
    assert_eq!(started.elapsed(), Duration::from_secs(4));
}

/// Seen: a total limit of 200 ms, which was looked at only after the waits, took three seconds.
#[tokio::test(start_paused = true)]
async fn a_total_limit_is_a_limit_and_the_last_real_answer_comes_out_of_it() {
    let backoff = Backoff::constant(Duration::from_secs(1));
    let failing = || Script::<u32, (), _>::new([]).then(|| Step::fail().after(20 * MS));
    let limited = |backoff| {
        let stack = (TimeoutLayer::new(200 * MS), RetryLayer::new(policy().attempts(9).backoff(backoff)));
        over(stack, failing())
    };
    let started = Instant::now();
    let ended = buttress::Deadline::after(buttress::clock::now(), 200 * MS);
    let answer = ended.scope(limited(backoff).oneshot(1)).await;
    assert_eq!(answer, Err(Lifted::Inner(Fault::new(0))));
    assert_eq!(started.elapsed(), 20 * MS, "no wait that could not be waited to its end");

    let started = Instant::now();
    let ended = buttress::Deadline::after(buttress::clock::now(), 200 * MS);
    let answer = ended.scope(limited(Backoff::constant(50 * MS)).oneshot(1)).await;
    assert_eq!(answer, Err(Lifted::Inner(Fault::new(0))));
    assert!(started.elapsed() <= 200 * MS, "{:?}", started.elapsed());
}

/// Seen: a response that failed was held over the backoff, and its connection with it. Here the first one is gone as soon as
/// the wait begins; `drops` and `replay` have the rest.
#[tokio::test(start_paused = true)]
async fn no_failed_response_is_held_while_others_could_use_its_connection() {
    use std::sync::Arc;
    let held = Arc::new(());
    let connection = Arc::clone(&held);
    let server = tower::service_fn(move |_: u32| {
        let connection = Arc::clone(&connection);
        async move { Ok::<_, buttress::Rejected>(connection) }
    });
    let bad =
        buttress::outcome::By(|_: Result<&Arc<()>, &buttress::Rejected>| buttress::outcome::Outcome::FAILED);
    let client = RetryLayer::new(policy().attempts(2).classify(bad)).layer(server);
    let at_rest = Arc::strong_count(&held);
    let mut call = Box::pin(client.oneshot(1));
    assert!(futures_util::poll!(call.as_mut()).is_pending());
    // The service, and the clone that was left behind, share one closure each.
    assert!(Arc::strong_count(&held) <= at_rest + 1);
    drop(call);
}

/// Seen: the jitter was put on top of the cap.
#[test]
fn no_wait_is_longer_than_the_cap_whatever_the_jitter() {
    let cap = Duration::from_secs(1);
    let mut rng = Rng::seeded(11);
    for jitter in [
        Jitter::None,
        Jitter::Full,
        Jitter::Equal,
        Jitter::Decorrelated,
        Jitter::Proportional(Ratio::percent(50)),
        Jitter::Proportional(Ratio::ONE),
    ] {
        let mut delays = Backoff::exponential(100 * MS).factor(3.0).cap(cap).jitter(jitter).start();
        for _ in 0..1000 {
            assert!(delays.next(&mut rng) <= cap, "{jitter:?}");
        }
    }
}

/// Seen: a factor below one, or none, made delays that shrank or a panic.
#[tokio::test(start_paused = true)]
async fn a_factor_below_one_and_one_that_is_no_number_never_shrink_a_wait() {
    for (factor, waited) in [(0.1, 200), (-3.0, 200), (f64::NAN, 300), (f64::NEG_INFINITY, 200)] {
        let backoff = Backoff::exponential(100 * MS).factor(factor).jitter(Jitter::None);
        let client =
            over(RetryLayer::new(policy().backoff(backoff)), Script::<u32, (), _>::new([]).then(Step::fail));
        let started = Instant::now();
        assert!(client.oneshot(1).await.is_err());
        assert_eq!(started.elapsed(), MS * waited, "{factor}");
    }
}

/// Seen: each success paid for a whole retry, so that half of the load could be retries.
#[test]
fn successes_pay_for_a_tenth_of_a_retry_and_not_for_one() {
    let budget = Budget::new();
    let mut granted = 0;
    for _ in 0..10_000 {
        let mut call = budget.open();
        granted += u32::from(call.take(Extra::Retry));
        call.answered(&buttress::outcome::Outcome::OK);
    }
    // The deposit of the first call found the bucket full.
    assert_eq!(granted, 1009);
}

/// Seen: percentages were cut to whole deposits, so that 60 % acted as 100 %.
#[tokio::test(start_paused = true)]
async fn sixty_per_cent_is_sixty_per_cent() {
    let budget = Budget::of(Window::new(0.6).per_second(0));
    let granted = (0..1000).filter(|_| budget.open().take(Extra::Retry)).count();
    assert_eq!(granted, 600);
}

/// Seen: a window of ten seconds was empty after six.
#[tokio::test(start_paused = true)]
async fn a_window_of_ten_seconds_lasts_ten_seconds() {
    for (millis, there) in [(6_000, true), (9_999, true), (10_000, true), (10_101, false)] {
        let budget = Budget::of(Window::new(1.0).per_second(0));
        drop(budget.open());
        for _ in 0..100 {
            advance(MS * millis / 100).await;
            assert!(budget.tokens().is_some(), "a look moves the window on");
        }
        assert_eq!(budget.tokens() == Some(1.0), there, "after {millis} ms");
    }
}

/// Seen: one token was granted to two threads. `budgets` has it to the token; the model checker has every interleaving.
#[test]
fn one_token_is_granted_to_one_of_two_threads() {
    for _ in 0..200 {
        let budget = Budget::of(buttress::budget::Bucket::new().capacity(1));
        let granted: usize = std::thread::scope(|scope| {
            let ask = || usize::from(Budget::clone(&budget).open().take(Extra::Retry));
            let both = [scope.spawn(ask), scope.spawn(ask)];
            both.map(|thread| thread.join().expect("no panic")).into_iter().sum()
        });
        assert_eq!(granted, 1);
    }
}

/// Seen: state made in `layer()`, which axum calls for every route and every connection: each had a budget of its own.
#[tokio::test(start_paused = true)]
async fn a_layer_has_one_budget_however_often_it_is_laid() {
    let layer = RetryLayer::new(policy().attempts(100));
    let mut retries = Vec::new();
    for _ in 0..3 {
        let server = Script::<u32, (), _>::new([]).then(Step::fail);
        let seen = server.seen();
        assert!(over(layer.clone(), server).oneshot(1).await.is_err());
        retries.push(seen.counts().calls - 1);
    }
    assert_eq!(retries, [10, 0, 0]);
}

/// Seen: the retry asked for an error of its own, and boxed the one inside.
#[tokio::test(start_paused = true)]
async fn the_error_of_the_service_stays_its_type() {
    let _: Policy<ErrorsFail, _> = policy();
    let client = RetryLayer::new(policy()).layer(Script::<u32, (), buttress::Rejected>::new([Step::err(
        buttress::Rejected::new(buttress::rejected::Reason::Shed, "x", true),
    )]));
    let error: buttress::Rejected = client.oneshot(1).await.expect_err("as it came");
    assert_eq!(error.name(), "x");
}

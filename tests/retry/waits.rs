//! How long a call waits, and for what it does not wait.

use crate::{MS, by_status, policy, server};
use buttress::{
    Deadline, Lifted, Rejected,
    backoff::{Backoff, Jitter},
    clock, over,
    rejected::Reason,
    retry::{Hints, RetryLayer},
    testing::{Fault, Probe, Script, Step},
};
use futures_util::poll;
use std::{pin::pin, time::Duration};
use tokio::time::{Instant, advance};
use tower::{Layer, ServiceExt};

fn deadline(left: Duration) -> Deadline {
    Deadline::after(clock::now(), left)
}

#[tokio::test(start_paused = true)]
async fn waits_end_to_the_millisecond() {
    let backoff = Backoff::exponential(100 * MS).jitter(Jitter::None);
    let steps = || [Step::fail(), Step::fail(), Step::fail(), Step::ok(7)];
    let client = over(RetryLayer::new(policy().attempts(4).backoff(backoff)), Script::<u32, _>::new(steps()));
    let started = Instant::now();
    assert_eq!(client.oneshot(1).await, Ok(7));
    assert_eq!(started.elapsed(), 700 * MS);
}

#[tokio::test(start_paused = true)]
async fn the_servers_word_is_waited_for_and_the_backoff_is_not() {
    let client = RetryLayer::new(policy().classify(by_status())).layer(server([429, 200]));
    let started = Instant::now();
    assert_eq!(client.oneshot(1).await, Ok(200));
    assert_eq!(started.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_hint_above_the_cap_ends_the_call_at_once_with_that_answer() {
    let policy = policy().classify(by_status()).hints(Hints::up_to(Duration::from_secs(1)));
    let client = RetryLayer::new(policy).layer(server([429]));
    let started = Instant::now();
    assert_eq!(client.oneshot(1).await, Ok(429));
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_hint_above_half_a_minute_is_too_long_where_nothing_is_said() {
    for (hint, calls) in [(30_000, 2), (30_001, 1)] {
        let no = Rejected::new(Reason::Open, "inside", false).after(MS * hint);
        let server = Script::<u32, u16, _>::new([Step::err(no), Step::ok(7)]);
        let seen = server.seen();
        let answer = RetryLayer::new(policy()).layer(server).oneshot(1).await;
        assert_eq!((answer.is_ok(), seen.counts().calls), (calls == 2, calls), "{hint} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hint_above_the_time_left_ends_the_call_at_once_with_that_answer() {
    let client = RetryLayer::new(policy().classify(by_status())).layer(server([429]));
    let started = Instant::now();
    assert_eq!(deadline(Duration::from_secs(2)).scope(client.oneshot(1)).await, Ok(429));
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn no_wait_is_begun_that_the_deadline_would_end() {
    for (left, calls, took) in [(100, 1, 0), (101, 2, 100), (200, 2, 100), (201, 3, 200), (9999, 3, 200)] {
        let server = Script::<u32, (), _>::new([]).then(Step::fail);
        let seen = server.seen();
        let client = over(RetryLayer::new(policy()), server);
        let started = Instant::now();
        let answer = deadline(MS * left).scope(client.oneshot(1)).await;
        assert_eq!(answer, Err(Lifted::Inner(Fault::new(0))), "the last real answer");
        assert_eq!((seen.counts().calls, started.elapsed()), (calls, MS * took), "{left} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_attempts_counts_too() {
    let server = Script::<u32, (), _>::new([]).then(|| Step::fail().after(80 * MS));
    let seen = server.seen();
    let client = over(RetryLayer::new(policy()), server);
    let started = Instant::now();
    assert!(deadline(300 * MS).scope(client.oneshot(1)).await.is_err());
    assert_eq!((seen.counts().calls, started.elapsed()), (2, 260 * MS));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_ready_again_is_waited_for() {
    let probe = Probe::new();
    let inner = probe.handle();
    inner.next(buttress::testing::Answer::fail());
    let mut call = pin!(over(RetryLayer::new(policy()), probe).oneshot(1));
    assert!(poll!(call.as_mut()).is_pending());
    inner.pend();
    advance(500 * MS).await;
    assert!(poll!(call.as_mut()).is_pending());
    assert_eq!(inner.counts().calls, 1);
    inner.ready();
    assert!(call.await.is_ok());
    assert_eq!((inner.counts().calls, inner.counts().violations()), (2, 0));
}

/// The answer of the attempt before has been dropped for the wait, so there is none to give.
#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_ready_again_is_waited_for_until_the_deadline() {
    let probe = Probe::new();
    let inner = probe.handle();
    inner.next(buttress::testing::Answer::fail());
    let client = over(RetryLayer::new(policy().name("stock")), probe);
    let started = Instant::now();
    let mut call = pin!(deadline(300 * MS).scope(client.oneshot(1)));
    assert!(poll!(call.as_mut()).is_pending());
    inner.pend();
    match call.await {
        Err(Lifted::Rejected(why)) => {
            assert_eq!((why.reason(), why.name(), why.reached()), (Reason::DeadlinePassed, "stock", true));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(started.elapsed(), 300 * MS);
}

#[tokio::test(start_paused = true)]
async fn a_readiness_that_fails_ends_the_call_with_its_error() {
    let probe = Probe::new();
    let inner = probe.handle();
    inner.next(buttress::testing::Answer::fail());
    let mut call = pin!(over(RetryLayer::new(policy()), probe).oneshot(1));
    assert!(poll!(call.as_mut()).is_pending());
    inner.fail_readiness();
    assert!(matches!(call.await, Err(Lifted::Inner(_))));
    assert_eq!(inner.counts().calls, 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_wait_it_still_lets_others_have_their_turn() {
    let policy = policy().backoff(Backoff::constant(Duration::ZERO)).attempts(u32::MAX);
    let policy = policy.budget(&buttress::budget::Budget::unlimited());
    let server = Script::<u32, (), _>::new([]).then(Step::fail);
    let seen = server.seen();
    let busy = tokio::spawn(over(RetryLayer::new(policy), server).oneshot(1));
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(seen.counts().calls > 10);
    busy.abort();
}

#[tokio::test(start_paused = true)]
async fn a_clone_stays_behind_and_the_instance_that_was_ready_tries_again() {
    let probe = Probe::new();
    let inner = probe.handle();
    inner.next(buttress::testing::Answer::fail());
    let mut client = over(RetryLayer::new(policy()), probe);
    let first = tower::Service::call(client.ready().await.expect("ready"), 1);
    let second = tower::Service::call(client.ready().await.expect("ready"), 2);
    assert!(second.await.is_ok() && first.await.is_ok());
    let counts = inner.counts();
    assert_eq!((counts.calls, counts.readied, counts.violations()), (3, 3, 0));
}

//! A hedge inside a retry, and one budget for both: a call is one first attempt, however many layers it passes.

use crate::{Broken, MS, Replicas, answers, by_status};
use buttress::{
    Lifted,
    backoff::Backoff,
    budget::{Bucket, Budget, Extra, Throttle},
    hedge::HedgeLayer,
    over,
    retry::{Policy, RetryLayer},
};
use std::{
    future::{Ready, ready},
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

/// Both pay from these, the retry from the first.
fn client(
    retry: &Budget,
    hedge: &Budget,
    attempts: u32,
    replicas: &Replicas,
) -> impl Service<u32, Response = u16, Error = Lifted<Broken>> + Clone + use<> {
    let policy =
        Policy::new().all_safe().attempts(attempts).backoff(Backoff::constant(10 * MS)).budget(retry);
    let hedging = HedgeLayer::after(20 * MS).all_safe().classify_by(by_status).budget(hedge);
    over((RetryLayer::new(policy.classify(buttress::outcome::By(by_status))), hedging), replicas.clone())
}

/// With so many tokens of its ten.
fn left(tokens: u32) -> Budget {
    let budget = Budget::new();
    let mut call = budget.open();
    assert!((tokens..10).all(|_| call.take(Extra::Retry)));
    budget
}

/// The tokens after one call with these answers.
async fn after(budget: &Budget, statuses: impl IntoIterator<Item = u16>) -> Option<f64> {
    let replicas = Replicas::new(statuses.into_iter().map(|status| answers(MS, status)));
    client(budget, budget, 3, &replicas).oneshot(7).await.expect("answered");
    budget.tokens()
}

#[tokio::test(start_paused = true)]
async fn a_call_puts_in_its_tenth_once() {
    assert_eq!(after(&left(3), [200]).await, Some(3.1));
    // Who is asked for less is not hedged: two retries, and three attempts of the hedge inside, each its first.
    assert_eq!(after(&left(3), [429, 429, 200]).await, Some(1.1));
    // A hedge, then a retry and its hedge. Hedges are paid above half.
    assert_eq!(after(&left(8), [500, 500, 500, 200]).await, Some(5.1));
    // It finds the bucket full, so nothing can be put in; what it takes itself does not change that.
    assert_eq!(after(&Budget::new(), [429, 429, 200]).await, Some(8.0));
}

#[tokio::test(start_paused = true)]
async fn two_budgets_are_two_and_each_call_is_one_again() {
    let (retry, hedge) = (left(3), left(3));
    let replicas = Replicas::new([answers(MS, 429), answers(MS, 200), answers(MS, 200)]);
    let client = client(&retry, &hedge, 3, &replicas);
    assert_eq!(client.clone().oneshot(7).await, Ok(200));
    assert_eq!((retry.tokens(), hedge.tokens()), (Some(2.1), Some(3.2)), "two first attempts of the hedge");
    assert_eq!(client.oneshot(7).await, Ok(200));
    assert_eq!((retry.tokens(), hedge.tokens()), (Some(2.2), Some(3.3)));
}

/// The way round that nobody should build, by the same rule.
#[tokio::test(start_paused = true)]
async fn a_retry_inside_a_hedge_puts_in_nothing_of_its_own() {
    let budget = left(3);
    let replicas = Replicas::new([answers(MS, 429), answers(MS, 200)]);
    let policy = Policy::new().all_safe().backoff(Backoff::constant(MS)).budget(&budget);
    let service = ServiceBuilder::new()
        .layer(HedgeLayer::after(Duration::from_secs(9)).all_safe().budget(&budget))
        .layer(RetryLayer::new(policy.classify(buttress::outcome::By(by_status))))
        .layer(buttress::lift())
        .service(replicas);
    assert_eq!(service.oneshot(7).await, Ok(200));
    assert_eq!(budget.tokens(), Some(2.1));
}

/// What moves a budget is told once too.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_fails_is_one_failure() {
    for (answered, tokens) in [([429, 200], 9.5), ([200, 200], 10.0), ([429, 429], 8.0)] {
        let budget = Budget::of(Throttle::new(10, 0.5));
        let replicas = Replicas::new(answered.map(|status| answers(MS, status)));
        client(&budget, &budget, 2, &replicas).oneshot(7).await.expect("answered");
        assert_eq!(budget.tokens(), Some(tokens), "{answered:?}");
    }
}

/// Fails, and counts.
#[derive(Clone)]
struct Down<'a>(&'a AtomicU64);

impl Service<u32> for Down<'_> {
    type Response = u16;
    type Error = Broken;
    type Future = Ready<Result<u16, Broken>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Broken>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: u32) -> Self::Future {
        self.0.fetch_add(1, Relaxed);
        ready(Err(Broken(1)))
    }
}

/// Begun with an empty bucket, no deposit is lost to a full one: what was granted is known to the token.
fn exact_under_threads(threads: u32, calls: u32) {
    let budget = Budget::of(Bucket::new());
    let mut call = budget.open();
    assert_eq!((0..20).filter(|_| call.take(Extra::Retry)).count(), 10);
    let (sent, start) = (AtomicU64::new(0), Barrier::new(threads as usize));
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let policy = Policy::new().all_safe().attempts(4).backoff(Backoff::constant(MS)).budget(&budget);
        let hedging = HedgeLayer::after(20 * MS).max(2).all_safe().budget(&budget);
        let client = over((RetryLayer::new(policy), hedging), Down(&sent));
        start.wait();
        runtime.expect("a runtime").block_on(async {
            for number in 0..calls {
                assert!(client.clone().oneshot(number).await.is_err());
            }
        });
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(run))));
    let firsts = u64::from(threads) * u64::from(calls);
    let extras = sent.into_inner() - firsts;
    let left = (budget.tokens().expect("counts tokens") * 1000.0).round() as u64;
    assert_eq!(1000 * extras + left, 100 * firsts, "each tenth is there, or was spent");
}

#[test]
fn of_many_threads_each_call_puts_in_a_tenth_and_not_a_thousandth_more() {
    exact_under_threads(8, 500);
}

#[test]
#[ignore = "full size: eight threads with a hundred thousand calls each"]
fn of_many_threads_each_call_puts_in_a_tenth_and_not_a_thousandth_more_full_size() {
    exact_under_threads(8, 100_000);
}

/// Through a `Buffer` the hedge is in another task, and knows nothing of the retry: it puts in for itself.
#[tokio::test(start_paused = true)]
async fn through_a_buffer_each_puts_in_for_itself() {
    let budget = left(3);
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(Policy::new().all_safe().budget(&budget)))
        .buffer(1)
        .layer(HedgeLayer::after(20 * MS).all_safe().budget(&budget))
        .service(service_fn(|number: u32| async move { Ok::<_, tower::BoxError>(number) }));
    assert_eq!(service.oneshot(7).await.expect("answered"), 7);
    assert_eq!(budget.tokens(), Some(3.2));
}

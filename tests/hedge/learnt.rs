//! The delay that is learnt.

use crate::{HANGS, MS, Replicas, SECOND, answers, by_status, call, fails};
use buttress::{
    budget::Budget,
    hedge::HedgeLayer,
    over,
    window::{Quantile, Ratio},
};
use std::time::Duration;
use tower::ServiceExt;

fn p95() -> HedgeLayer {
    HedgeLayer::quantile(Ratio::percent(95)).budget(&Budget::unlimited())
}

/// So many calls, each of one attempt that does this.
async fn lives_through(layer: &HedgeLayer, times: u32, attempt: fn() -> crate::Attempt) {
    for _ in 0..times {
        let _ = call(layer.clone(), &Replicas::new([attempt()])).await;
    }
}

#[track_caller]
fn about(delay: Option<Duration>, expected: Duration) {
    let delay = delay.expect("known");
    assert!(delay >= expected && delay <= expected + expected / 16 + MS, "{delay:?}, not {expected:?}");
}

#[tokio::test(start_paused = true)]
async fn before_enough_is_known_there_is_no_hedge_not_even_for_a_failure() {
    let layer = p95();
    lives_through(&layer, 99, || answers(10 * MS, 200)).await;
    for first in [answers(SECOND, 500), fails(Duration::ZERO, 1)] {
        let replicas = Replicas::new([first, answers(MS, 201)]);
        let (answer, _) = call(layer.clone(), &replicas).await;
        assert_ne!(answer, Ok(201));
        assert_eq!(replicas.starts(), [0]);
    }
    lives_through(&layer, 1, || answers(10 * MS, 200)).await;
    about(layer.delay(), 10 * MS);
    assert_eq!(call(layer, &Replicas::new([fails(Duration::ZERO, 1), answers(MS, 201)])).await, (Ok(201), 1));
}

#[tokio::test(start_paused = true)]
async fn a_hedge_starts_once_the_first_takes_longer_than_most_do() {
    let layer = p95();
    lives_through(&layer, 100, || answers(10 * MS, 200)).await;
    let replicas = Replicas::new([HANGS, answers(5 * MS, 201)]);
    let (answer, took) = call(layer, &replicas).await;
    assert_eq!(answer, Ok(201));
    assert!((15..=17).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn failures_and_hedges_teach_nothing() {
    let layer = p95();
    lives_through(&layer, 100, || answers(100 * MS, 200)).await;
    for _ in 0..1000 {
        // The first fails at once; the hedge is fast, and good.
        call(layer.clone(), &Replicas::new([fails(MS, 1), answers(MS, 201)])).await.0.expect("good");
    }
    about(layer.delay(), 100 * MS);
}

#[tokio::test(start_paused = true)]
async fn calls_that_may_not_be_sent_twice_teach_nothing() {
    let layer = p95();
    lives_through(&layer, 100, || answers(100 * MS, 200)).await;
    let safe = layer.clone().safe(|_: &u32| false).classify_by(by_status);
    for _ in 0..1000 {
        over(safe.clone(), Replicas::new([answers(MS, 200)])).oneshot(7).await.expect("good");
    }
    about(layer.delay(), 100 * MS);
}

/// Half of the first attempts hang, and lose. Left out, the other half would be all that is known.
#[tokio::test(start_paused = true)]
async fn first_attempts_that_lose_are_slow_ones_and_counted_so() {
    let layer = HedgeLayer::learning(Quantile::new(Ratio::percent(60))).budget(&Budget::unlimited());
    lives_through(&layer, 100, || answers(100 * MS, 200)).await;
    for _ in 0..2000 {
        call(layer.clone(), &Replicas::new([answers(10 * MS, 200)])).await.0.expect("good");
        call(layer.clone(), &Replicas::new([HANGS, answers(10 * MS, 201)])).await.0.expect("good");
    }
    let delay = layer.delay().expect("known");
    assert!(delay >= 100 * MS, "six of ten take no longer than {delay:?}, and only half take 10 ms");
}

#[tokio::test(start_paused = true)]
async fn it_follows_a_service_that_turns_slow_and_one_that_turns_fast() {
    let layer = p95();
    lives_through(&layer, 300, || answers(10 * MS, 200)).await;
    about(layer.delay(), 10 * MS);
    lives_through(&layer, 2048, || answers(80 * MS, 200)).await;
    about(layer.delay(), 80 * MS);
    lives_through(&layer, 2048, || answers(20 * MS, 200)).await;
    about(layer.delay(), 20 * MS);
}

#[tokio::test(start_paused = true)]
async fn a_learnt_delay_stays_within_its_bounds() {
    let layer = p95().between(30 * MS, 50 * MS);
    lives_through(&layer, 100, || answers(10 * MS, 200)).await;
    assert_eq!(layer.delay(), Some(30 * MS));
    lives_through(&layer, 2048, || answers(80 * MS, 200)).await;
    assert_eq!(layer.delay(), Some(50 * MS));
}

#[tokio::test(start_paused = true)]
async fn what_is_learnt_is_shared_by_clones_and_not_by_others() {
    let (one, other) = (p95(), p95());
    lives_through(&one, 100, || answers(10 * MS, 200)).await;
    about(one.clone().delay(), 10 * MS);
    assert_eq!(other.delay(), None);
}

//! The limit that is learnt.

use crate::{DAY, MS, hangs, reason, takes};
use buttress::{
    Deadline, Lifted,
    outcome::{Outcome, Verdict},
    over,
    rejected::Reason,
    timeout::{Adaptive, TimeoutLayer},
    window::{Quantile, Ratio},
};
use std::{convert::Infallible, future::ready, time::Duration};
use tokio::time::{Instant, sleep};
use tower::{Service, ServiceExt, service_fn};

const MAX: Duration = Duration::from_secs(3);

/// As many as it waits for, and enough to fill what it looks back at twice.
const ENOUGH: u32 = 100;
const ALL: u32 = 2048;

async fn calls<C>(layer: &TimeoutLayer<Adaptive<C>>, times: u32, time: Duration)
where
    C: buttress::outcome::Classify<(), Lifted<Infallible>> + Clone,
{
    for _ in 0..times {
        let _ = over(layer.clone(), takes(time)).oneshot(()).await;
    }
}

/// The step of the scale: never less, at most a sixteenth more.
#[track_caller]
fn about(limit: Duration, expected: Duration) {
    assert!(limit >= expected && limit <= expected + expected / 16 + MS, "{limit:?}, not {expected:?}");
}

async fn cut_after<C>(layer: &TimeoutLayer<Adaptive<C>>) -> Duration
where
    C: buttress::outcome::Classify<(), Lifted<Infallible>> + Clone,
{
    let start = Instant::now();
    let answer = over(layer.clone(), hangs()).oneshot(()).await;
    assert_eq!(reason(answer), (Reason::TimedOut, true));
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn before_enough_is_known_the_limit_is_the_longest() {
    let layer = TimeoutLayer::adaptive(MAX);
    calls(&layer, ENOUGH - 1, 50 * MS).await;
    assert_eq!(layer.limit(), MAX);
    assert_eq!(cut_after(&layer).await, MAX);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_is_cut_after_a_multiple_of_what_good_ones_take() {
    let layer = TimeoutLayer::adaptive(MAX);
    calls(&layer, ENOUGH, 50 * MS).await;
    about(layer.limit(), 100 * MS);
    about(cut_after(&layer).await, 100 * MS);
    let layer = layer.factor(4.0);
    about(layer.limit(), 200 * MS);
}

#[tokio::test(start_paused = true)]
async fn errors_that_come_at_once_teach_nothing() {
    let layer = TimeoutLayer::adaptive(MAX);
    calls(&layer, ENOUGH, 50 * MS).await;
    for _ in 0..ALL {
        let fails = service_fn(|()| async { Err::<(), _>(std::fmt::Error) });
        over(layer.clone(), fails).oneshot(()).await.expect_err("it fails");
    }
    about(layer.limit(), 100 * MS);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_a_failure_teaches_nothing() {
    let layer =
        TimeoutLayer::adaptive(MAX).classify_by(|result: Result<&u16, &Lifted<Infallible>>| match result {
            Ok(200) => Outcome::OK,
            _ => Outcome::FAILED,
        });
    let answers = |status: u16, time| {
        let service = service_fn(move |()| async move {
            sleep(time).await;
            Ok::<_, Infallible>(status)
        });
        over(layer.clone(), service).oneshot(())
    };
    for _ in 0..ENOUGH {
        answers(200, 50 * MS).await.expect("answered");
        answers(500, MS).await.expect("answered");
        answers(500, 900 * MS).await.ok();
    }
    about(layer.limit(), 100 * MS);
}

/// What comes at the end of a body is no matter of a limit on the way to its head.
#[tokio::test(start_paused = true)]
async fn a_verdict_that_is_open_at_the_head_counts_as_good() {
    #[derive(Clone)]
    struct Open;
    impl buttress::outcome::Classify<http::Response<String>, Lifted<Infallible>> for Open {
        type AtEnd = buttress::http::Rest;
        fn classify(
            &self,
            result: Result<&http::Response<String>, &Lifted<Infallible>>,
        ) -> Verdict<Self::AtEnd> {
            buttress::http::ByStatus.classify(result)
        }
    }
    let layer = TimeoutLayer::adaptive(MAX).classify(Open);
    let service = service_fn(|()| async {
        sleep(50 * MS).await;
        Ok::<_, Infallible>(http::Response::new(String::from("body")))
    });
    for _ in 0..ENOUGH {
        over(layer.clone(), service).oneshot(()).await.expect("answered");
    }
    about(layer.limit(), 100 * MS);
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_ready_at_once_took_no_time_and_the_limit_is_the_shortest() {
    let layer = TimeoutLayer::adaptive(MAX).min(20 * MS);
    for _ in 0..ENOUGH {
        over(layer.clone(), service_fn(|()| ready(Ok::<_, Infallible>(()))))
            .oneshot(())
            .await
            .expect("answered");
    }
    assert_eq!(layer.limit(), 20 * MS);
    assert_eq!(cut_after(&layer).await, 20 * MS);
}

/// What it has cut took longer, and nobody knows how long: a limit that learnt from its survivors alone would never rise.
#[tokio::test(start_paused = true)]
async fn a_service_that_turns_slow_for_good_is_given_the_time_it_needs() {
    let layer = TimeoutLayer::adaptive(MAX);
    calls(&layer, ALL, 50 * MS).await;
    let start = Instant::now();
    calls(&layer, 20, 300 * MS).await;
    about(start.elapsed(), 20 * 100 * MS);
    // More than one in a hundred was cut, and it looks again after at most 64 calls.
    calls(&layer, 64, 300 * MS).await;
    assert_eq!(layer.limit(), MAX);
    // Once they are forgotten it is learnt anew.
    calls(&layer, ALL, 300 * MS).await;
    about(layer.limit(), 600 * MS);
    about(cut_after(&layer).await, 600 * MS);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_cut_by_a_deadline_teaches_nothing() {
    let layer = TimeoutLayer::adaptive(MAX);
    calls(&layer, ENOUGH, 50 * MS).await;
    for _ in 0..ALL {
        let call = over(layer.clone(), hangs()).oneshot(());
        let answer = Deadline::after(Instant::now(), MS).scope(call).await;
        assert_eq!(reason(answer), (Reason::DeadlinePassed, true));
    }
    about(layer.limit(), 100 * MS);
}

#[tokio::test(start_paused = true)]
async fn the_limit_is_the_one_at_the_first_pending() {
    let layer = TimeoutLayer::adaptive(MAX);
    let mut service = over(layer.clone(), hangs());
    let call = service.ready().await.expect("ready").call(());
    calls(&layer, ENOUGH, 50 * MS).await;
    let start = Instant::now();
    assert_eq!(reason(call.await), (Reason::TimedOut, true));
    about(start.elapsed(), 100 * MS);
}

#[tokio::test(start_paused = true)]
async fn every_setting_is_one_that_works() {
    let learnt = |layer: TimeoutLayer<Adaptive>| async move {
        calls(&layer, ENOUGH, 50 * MS).await;
        layer.limit()
    };
    for factor in [f64::NAN, f64::NEG_INFINITY, -1.0, 0.0, 0.5, 1.0] {
        about(learnt(TimeoutLayer::adaptive(MAX).factor(factor)).await, 50 * MS);
    }
    for factor in [f64::INFINITY, f64::MAX] {
        assert_eq!(learnt(TimeoutLayer::adaptive(MAX).factor(factor)).await, MAX);
    }
    assert_eq!(learnt(TimeoutLayer::adaptive(MAX).min(Duration::MAX)).await, MAX);
    about(learnt(TimeoutLayer::adaptive(MAX).min(Duration::ZERO)).await, 100 * MS);
    assert_eq!(TimeoutLayer::adaptive(Duration::ZERO).limit(), MS);
    assert_eq!(TimeoutLayer::adaptive(Duration::MAX).limit(), Duration::MAX);
    about(learnt(TimeoutLayer::adaptive(Duration::MAX)).await, 100 * MS);
    // Of all time, it still cuts.
    let far = TimeoutLayer::adaptive(Duration::MAX);
    calls(&far, ENOUGH, DAY).await;
    about(cut_after(&far).await, 2 * Duration::from_micros(u32::MAX.into()));
}

#[tokio::test(start_paused = true)]
async fn it_learns_by_the_quantile_it_is_given() {
    let layer = TimeoutLayer::adaptive(MAX).quantile(Quantile::new(Ratio::percent(50)).least(3)).factor(1.0);
    calls(&layer, 2, 10 * MS).await;
    assert_eq!(layer.limit(), MAX);
    calls(&layer, 1, 500 * MS).await;
    about(layer.limit(), 10 * MS);
}

#[tokio::test(start_paused = true)]
async fn what_is_learnt_is_shared_by_clones_and_not_by_others() {
    let (one, other) = (TimeoutLayer::adaptive(MAX), TimeoutLayer::adaptive(MAX));
    calls(&one, ENOUGH, 50 * MS).await;
    about(one.clone().limit(), 100 * MS);
    assert_eq!(other.limit(), MAX);
}

//! When another attempt starts.

use crate::{HANGS, MS, Replicas, SECOND, answers, call, fails, hedged};
use buttress::{Deadline, Lifted, budget::Budget, hedge::HedgeLayer, over};
use futures_util::{FutureExt, poll};
use std::{convert::Infallible, pin::pin, time::Duration};
use tokio::time::{Instant, advance, sleep};
use tower::{Service, ServiceExt, service_fn};

#[tokio::test(start_paused = true)]
async fn an_answer_in_time_needs_no_second_attempt() {
    let replicas = Replicas::new([answers(20 * MS, 200)]);
    assert_eq!(call(HedgeLayer::after(20 * MS), &replicas).await, (Ok(200), 20));
    assert_eq!(replicas.starts(), [0], "the answer came at the very instant at which a hedge was due");
}

#[tokio::test(start_paused = true)]
async fn a_slow_attempt_is_overtaken() {
    let replicas = Replicas::new([answers(SECOND, 200), answers(5 * MS, 201)]);
    assert_eq!(call(HedgeLayer::after(20 * MS), &replicas).await, (Ok(201), 25));
    assert_eq!(replicas.starts(), [0, 20]);
}

#[tokio::test(start_paused = true)]
async fn the_first_can_still_win() {
    let replicas = Replicas::new([answers(30 * MS, 200), answers(SECOND, 201)]);
    assert_eq!(call(HedgeLayer::after(20 * MS), &replicas).await, (Ok(200), 30));
}

#[tokio::test(start_paused = true)]
async fn the_delay_runs_from_the_first_pending() {
    let replicas = Replicas::new([HANGS, answers(5 * MS, 201)]);
    let mut service = hedged(HedgeLayer::after(20 * MS), &replicas);
    let call = service.ready().await.expect("ready").call(7);
    advance(SECOND).await;
    assert_eq!(call.await, Ok(201));
    assert_eq!(replicas.starts(), [0, 1020]);
}

#[tokio::test(start_paused = true)]
async fn the_service_is_asked_a_second_time_only_when_a_hedge_starts() {
    let replicas = Replicas::new([answers(30 * MS, 200)]);
    let layer = HedgeLayer::after(20 * MS);
    let mut service = hedged(layer.clone(), &replicas);
    let mut call = pin!(service.ready().await.expect("ready").call(7));
    assert!(poll!(call.as_mut()).is_pending());
    advance(19 * MS).await;
    assert!(poll!(call.as_mut()).is_pending());
    assert_eq!(replicas.look(|seen| seen.asked), 1);
    advance(MS).await;
    assert!(poll!(call.as_mut()).is_pending());
    assert_eq!(replicas.look(|seen| (seen.asked, seen.unreadied)), (2, 0));
    assert_eq!(call.await, Ok(200));
}

#[tokio::test(start_paused = true)]
async fn while_the_service_is_not_ready_for_a_hedge_the_first_goes_on() {
    let replicas = Replicas::new([answers(50 * MS, 200)]);
    let mut service = hedged(HedgeLayer::after(20 * MS), &replicas);
    let call = service.ready().await.expect("ready").call(7);
    replicas.look(|seen| seen.busy = true);
    let answer = tokio::spawn(call);
    // The busy service wakes at every poll, so time has to be moved by hand.
    for _ in 0..50 {
        tokio::task::yield_now().await;
        advance(MS).await;
    }
    assert_eq!(answer.await.expect("no panic"), Ok(200));
    assert_eq!(replicas.starts(), [0]);
}

#[tokio::test(start_paused = true)]
async fn once_the_service_is_ready_the_hedge_is_sent() {
    let replicas = Replicas::new([HANGS, answers(5 * MS, 201)]);
    let mut service = hedged(HedgeLayer::after(20 * MS), &replicas);
    let mut call = pin!(service.ready().await.expect("ready").call(7));
    assert!(poll!(call.as_mut()).is_pending());
    replicas.look(|seen| seen.busy = true);
    for _ in 0..40 {
        advance(MS).await;
        assert!(poll!(call.as_mut()).is_pending());
    }
    replicas.look(|seen| seen.busy = false);
    assert_eq!(call.await, Ok(201));
    assert_eq!(replicas.starts(), [0, 40]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_comes_at_once_has_a_hedge_at_once() {
    let replicas = Replicas::new([fails(Duration::ZERO, 1), answers(5 * MS, 201)]);
    assert_eq!(call(HedgeLayer::after(SECOND), &replicas).await, (Ok(201), 5));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_has_a_hedge_at_once_and_a_throttled_attempt_has_none() {
    let replicas = Replicas::new([answers(5 * MS, 408), answers(5 * MS, 201)]);
    assert_eq!(call(HedgeLayer::after(SECOND), &replicas).await, (Ok(201), 10));
    let replicas = Replicas::new([answers(5 * MS, 429), answers(5 * MS, 201)]);
    assert_eq!(call(HedgeLayer::after(SECOND), &replicas).await, (Ok(429), 5));
}

#[tokio::test(start_paused = true)]
async fn where_one_is_throttled_those_that_run_go_on_and_no_other_starts() {
    let replicas = Replicas::new([answers(100 * MS, 200), answers(10 * MS, 429)]);
    assert_eq!(call(HedgeLayer::after(20 * MS).max(9), &replicas).await, (Ok(200), 100));
    assert_eq!(replicas.starts(), [0, 20]);
}

#[tokio::test(start_paused = true)]
async fn where_the_deadline_would_have_passed_no_other_starts() {
    let run = async |left: Duration| {
        let replicas = Replicas::new([answers(50 * MS, 200), answers(50 * MS, 201)]);
        let call = call(HedgeLayer::after(20 * MS), &replicas);
        let (answer, _) = Deadline::after(Instant::now(), left).scope(call).await;
        assert_eq!(answer, Ok(200));
        replicas.starts().len()
    };
    assert_eq!(run(19 * MS).await, 1);
    assert_eq!(run(20 * MS).await, 1, "at the very instant it has passed");
    assert_eq!(run(21 * MS).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_the_deadline_is_the_answer() {
    let replicas = Replicas::new([fails(50 * MS, 1), answers(MS, 201)]);
    let call = call(HedgeLayer::after(20 * MS), &replicas);
    let (answer, took) = Deadline::after(Instant::now(), 10 * MS).scope(call).await;
    assert_eq!((answer, took), (Err(Lifted::Inner(crate::Broken(1))), 50));
    assert_eq!(replicas.starts(), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_budget_does_not_pay_for_has_no_hedge() {
    let budget = Budget::new();
    for spent in 0..8 {
        let replicas = Replicas::new([answers(50 * MS, 200), answers(5 * MS, 201)]);
        let (answer, _) = call(HedgeLayer::after(20 * MS).budget(&budget), &replicas).await;
        // 10 tokens, of which a hedge takes one, and a tenth for each call but the first, which finds it full: 5.5 are
        // left when the sixth is asked for, and 4.6 when the seventh is.
        assert_eq!(answer, Ok(if spent < 6 { 201 } else { 200 }), "after {spent} hedges");
    }
    assert_eq!(budget.tokens(), Some(4.7));
}

#[tokio::test(start_paused = true)]
async fn who_may_not_be_sent_twice_is_sent_once_even_where_it_fails() {
    for answer in [HANGS, fails(5 * MS, 1)] {
        let replicas = Replicas::new([answer, answers(5 * MS, 201)]);
        let layer = HedgeLayer::after(20 * MS).safe(|request: &u32| *request != 7);
        let mut call = pin!(over(layer.clone(), replicas.clone()).oneshot(7));
        assert!(poll!(call.as_mut()).is_pending());
        sleep(SECOND).await;
        let _ = poll!(call.as_mut());
        assert_eq!(replicas.starts().len(), 1);
    }
    let replicas = Replicas::new([HANGS, answers(5 * MS, 201)]);
    let layer = HedgeLayer::after(20 * MS).safe(|request: &u32| *request != 7);
    assert_eq!(over(layer, replicas).oneshot(8).await, Ok(201));
}

#[test]
fn a_call_that_is_ready_needs_no_timer_and_no_runtime() {
    let layer = HedgeLayer::after(MS).all_safe();
    let mut service = over(layer, service_fn(|n: u32| std::future::ready(Ok::<_, Infallible>(n))));
    assert_eq!(service.call(7).now_or_never(), Some(Ok(7)));
}

/// An inside that uses up the task's budget at every poll must not starve the timer.
#[tokio::test(start_paused = true)]
async fn a_first_attempt_that_keeps_the_task_busy_is_hedged_all_the_same() {
    let attempts = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = std::sync::Arc::clone(&attempts);
    let greedy = service_fn(move |_: u32| {
        let first = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        async move {
            if first {
                loop {
                    tokio::task::coop::consume_budget().await;
                }
            }
            Ok::<_, Infallible>(())
        }
    });
    let mut call = pin!(over(HedgeLayer::after(MS).all_safe(), greedy).oneshot(7));
    assert!(poll!(call.as_mut()).is_pending());
    advance(2 * MS).await;
    assert_eq!(tokio::task::coop::cooperative(call).now_or_never(), Some(Ok(())));
}

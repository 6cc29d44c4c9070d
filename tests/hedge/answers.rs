//! Which answer is the answer.

use crate::{Broken, HANGS, MS, Replicas, SECOND, answers, call, fails, hedged};
use buttress::{
    Lifted, Rejected,
    bulkhead::{BulkheadLayer, Slots},
    hedge::HedgeLayer,
    rejected::Reason,
    timeout::TimeoutLayer,
};
use std::time::Duration;
use tower::{Service, ServiceExt};

#[tokio::test(start_paused = true)]
async fn a_response_that_is_a_failure_does_not_win() {
    let replicas = Replicas::new([answers(100 * MS, 200), answers(5 * MS, 500)]);
    assert_eq!(call(HedgeLayer::after(20 * MS), &replicas).await, (Ok(200), 100));
}

#[tokio::test(start_paused = true)]
async fn where_none_is_an_answer_the_last_comes_back_as_it_was() {
    let replicas = Replicas::new([fails(100 * MS, 1), answers(5 * MS, 500)]);
    assert_eq!(call(HedgeLayer::after(20 * MS), &replicas).await, (Err(Lifted::Inner(Broken(1))), 100));
    let replicas = Replicas::new([fails(10 * MS, 1), fails(100 * MS, 2), answers(5 * MS, 500)]);
    assert_eq!(
        call(HedgeLayer::after(20 * MS).max(2), &replicas).await,
        (Err(Lifted::Inner(Broken(2))), 110)
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_with_no_hedge_left_is_the_answer_at_once() {
    for layer in [HedgeLayer::after(20 * MS).max(0), HedgeLayer::after(Duration::MAX)] {
        let replicas = Replicas::new([fails(10 * MS, 1), answers(5 * MS, 201)]);
        assert_eq!(call(layer, &replicas).await, (Err(Lifted::Inner(Broken(1))), 10));
    }
}

#[tokio::test(start_paused = true)]
async fn readiness_that_fails_for_a_hedge_is_nothing_while_another_attempt_runs() {
    let replicas = Replicas::new([answers(50 * MS, 200)]);
    let mut service = hedged(HedgeLayer::after(20 * MS).max(5), &replicas);
    let call = service.ready().await.expect("ready").call(7);
    replicas.look(|seen| seen.gone = true);
    assert_eq!(call.await, Ok(200));
    assert_eq!(replicas.look(|seen| seen.asked), 2, "and it is not asked again");
}

#[tokio::test(start_paused = true)]
async fn readiness_that_fails_for_a_hedge_says_less_than_the_service_has_said() {
    let replicas = Replicas::new([fails(5 * MS, 1)]);
    let mut service = hedged(HedgeLayer::after(20 * MS), &replicas);
    let call = service.ready().await.expect("ready").call(7);
    replicas.look(|seen| seen.gone = true);
    assert_eq!(call.await, Err(Lifted::Inner(Broken(1))));
}

/// A bulkhead inside, with room for one: the hedge of a call that hangs finds no room, and the call goes on.
#[tokio::test(start_paused = true)]
async fn a_hedge_that_is_refused_inside_changes_nothing() {
    let slots = Slots::new("x", 1);
    let replicas = Replicas::new([answers(100 * MS, 200)]);
    let stack = (HedgeLayer::after(20 * MS).max(5).all_safe(), BulkheadLayer::new(&slots));
    assert_eq!(buttress::over(stack, replicas.clone()).oneshot(7).await, Ok(200));
    assert_eq!(replicas.starts(), [0]);
}

#[tokio::test(start_paused = true)]
async fn what_the_service_said_goes_before_a_refusal_inside() {
    let slots = Slots::new("x", 1);
    let replicas = Replicas::new([fails(50 * MS, 1)]);
    let stack = (HedgeLayer::after(20 * MS).all_safe(), BulkheadLayer::new(&slots));
    let answer = buttress::over(stack, replicas.clone()).oneshot(7).await;
    assert_eq!(answer, Err(Lifted::Inner(Broken(1))));
}

#[tokio::test(start_paused = true)]
async fn where_every_attempt_is_refused_the_refusal_comes_back() {
    let slots = Slots::new("x", 1);
    let held = slots.try_acquire().expect("free");
    let stack = (HedgeLayer::after(20 * MS).max(5).all_safe(), BulkheadLayer::new(&slots));
    let replicas = Replicas::new([]);
    let mut service = buttress::over(stack, replicas.clone());
    match service.ready().await.expect("ready").call(7).await {
        Err(Lifted::Rejected(why)) => assert_eq!((why.reason(), why.reached()), (Reason::Full, false)),
        other => panic!("{other:?}"),
    }
    assert_eq!(replicas.starts(), [0; 0]);
    drop(held);
}

/// Each attempt has its own limit: one that is cut is a reason for the next.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_cut_inside_has_a_hedge_at_once() {
    let replicas = Replicas::new([HANGS, answers(5 * MS, 201)]);
    let stack = (HedgeLayer::after(SECOND).all_safe(), TimeoutLayer::new(50 * MS));
    assert_eq!(buttress::over(stack, replicas.clone()).oneshot(7).await, Ok(201));
    assert_eq!(replicas.starts(), [0, 50]);

    let replicas = Replicas::new([HANGS, HANGS]);
    let stack = (HedgeLayer::after(SECOND).all_safe(), TimeoutLayer::new(50 * MS));
    let answer: Result<_, Lifted<Broken>> = buttress::over(stack, replicas.clone()).oneshot(7).await;
    let Err(Lifted::Rejected(why)) = answer else { panic!("both were cut") };
    assert_eq!(Rejected::reason(&why), Reason::TimedOut);
    assert_eq!(replicas.starts(), [0, 50]);
}

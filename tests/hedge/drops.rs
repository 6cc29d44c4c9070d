//! What becomes of the attempts that are not the answer.

use crate::{HANGS, MS, Replicas, SECOND, answers, fails, hedged};
use buttress::{
    breaker::{BreakerLayer, Circuit, Policy, Trip},
    budget::{Budget, Extra},
    cause::Cause,
    hedge::HedgeLayer,
    over,
    testing::PANIC,
    timeout::TimeoutLayer,
};
use futures_util::{FutureExt, poll};
use std::{
    convert::Infallible,
    future::poll_fn,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    task::Poll,
};
use tokio::time::sleep;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

#[tokio::test(start_paused = true)]
async fn those_that_have_lost_are_dropped_before_the_answer_and_told_so() {
    for attempts in [[HANGS, HANGS, answers(5 * MS, 200)], [answers(45 * MS, 200), HANGS, HANGS]] {
        let replicas = Replicas::new(attempts);
        let mut call = pin!(hedged(HedgeLayer::after(20 * MS).max(2), &replicas).oneshot(7));
        let answer = poll_fn(|cx| {
            let answer = call.as_mut().poll(cx);
            if answer.is_ready() {
                assert_eq!(replicas.dropped(), [Cause::Lost; 2], "the future itself still stands");
            }
            answer
        })
        .await;
        assert_eq!(answer, Ok(200));
        assert_eq!(buttress::cause::current(), Cause::Gone);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_leaves_drops_all_attempts() {
    let replicas = Replicas::new([]);
    let mut call = Box::pin(hedged(HedgeLayer::after(20 * MS).max(2), &replicas).oneshot(7));
    assert!(poll!(call.as_mut()).is_pending());
    sleep(20 * MS).await;
    assert!(poll!(call.as_mut()).is_pending());
    sleep(20 * MS).await;
    assert!(poll!(call.as_mut()).is_pending());
    drop(call);
    assert_eq!(replicas.dropped(), [Cause::Gone; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_limit_over_the_race_cuts_all_attempts() {
    let replicas = Replicas::new([]);
    let stack = (TimeoutLayer::new(50 * MS), HedgeLayer::after(20 * MS).max(9).all_safe());
    over(stack, replicas.clone()).oneshot(7).await.expect_err("cut");
    assert_eq!(replicas.dropped(), [Cause::Cut; 3]);
}

/// Inside a breaker a lost attempt is nothing, and so is a race that its caller left.
#[tokio::test(start_paused = true)]
async fn a_breaker_inside_counts_winners_and_not_losers() {
    let circuit = Circuit::new("x", &Policy::new().trip(Trip::consecutive(1)));
    let stack = || (HedgeLayer::after(20 * MS).all_safe(), BreakerLayer::new(&circuit));
    for _ in 0..3 {
        let replicas = Replicas::new([HANGS, answers(5 * MS, 200)]);
        assert_eq!(over(stack(), replicas).oneshot(7).await, Ok(200));
    }
    assert_eq!(circuit.state(), buttress::breaker::State::Closed);
    let replicas = Replicas::new([HANGS, fails(5 * MS, 1)]);
    let mut call = Box::pin(over(stack(), replicas).oneshot(7));
    assert!(poll!(call.as_mut()).is_pending());
    for wait in [20 * MS, 5 * MS] {
        sleep(wait).await;
        assert!(poll!(call.as_mut()).is_pending());
    }
    assert_eq!(circuit.state(), buttress::breaker::State::Open, "a hedge that fails is a failure");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_any_attempt_passes_on_and_the_next_call_works() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let service = service_fn(|at: u32| async move {
        let call = CALLS.fetch_add(1, Relaxed);
        if call == at {
            std::panic::resume_unwind(Box::new(PANIC));
        }
        sleep(if call < 2 { SECOND } else { MS }).await;
        Ok::<_, Infallible>(call)
    });
    let client = over(HedgeLayer::after(20 * MS).all_safe(), service);
    for at in 0..2 {
        CALLS.store(0, Relaxed);
        let caught = AssertUnwindSafe(client.clone().oneshot(at)).catch_unwind().await;
        let payload = caught.expect_err("a panic is a panic");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&PANIC));
        assert!(client.clone().oneshot(77).await.is_ok());
    }
}

/// Each attempt is a request of its own, made from the one that was kept.
#[tokio::test(start_paused = true)]
async fn each_attempt_has_a_request_of_its_own() {
    #[derive(Clone)]
    struct Numbered;
    impl buttress::replay::Replay<u32> for Numbered {
        type Sent = u32;
        type Kept = u32;
        fn first(&self, request: u32, extra: Extra) -> (u32, Option<u32>) {
            assert_eq!(extra, Extra::Hedge);
            (request, Some(request))
        }
        fn again(&self, kept: &mut u32, attempt: u32) -> Option<u32> {
            (attempt < 4).then_some(*kept * 100 + attempt)
        }
    }
    let replicas = Replicas::new([]);
    let mut call =
        Box::pin(over(HedgeLayer::after(20 * MS).max(9).replay(Numbered), replicas.clone()).oneshot(7));
    for _ in 0..9 {
        assert!(poll!(call.as_mut()).is_pending());
        sleep(20 * MS).await;
    }
    let asked: Vec<_> = replicas.look(|seen| seen.started.iter().map(|(_, request)| *request).collect());
    assert_eq!(asked, [7, 702, 703], "and then it cannot be made any more");
}

#[tokio::test(start_paused = true)]
async fn where_no_copy_can_be_made_a_failure_is_the_answer() {
    #[derive(Clone)]
    struct Once;
    impl buttress::replay::Replay<u32> for Once {
        type Sent = u32;
        type Kept = ();
        fn first(&self, request: u32, _: Extra) -> (u32, Option<()>) {
            (request, Some(()))
        }
        fn again(&self, (): &mut (), _: u32) -> Option<u32> {
            None
        }
    }
    let replicas = Replicas::new([answers(5 * MS, 500)]);
    let budget = Budget::new();
    let layer = HedgeLayer::after(20 * MS).replay(Once).classify_by(crate::by_status).budget(&budget);
    assert_eq!(over(layer, replicas.clone()).oneshot(7).await, Ok(500));
    assert_eq!(budget.tokens(), Some(10.0), "what is not sent is not paid");
}

#[tokio::test(start_paused = true)]
async fn the_instance_that_was_readied_is_called_and_the_clone_stays_behind() {
    let replicas = Replicas::new([HANGS, answers(5 * MS, 200), answers(5 * MS, 200)]);
    let mut service = hedged(HedgeLayer::after(20 * MS), &replicas);
    assert_eq!(service.ready().await.expect("ready").call(7).await, Ok(200));
    assert_eq!(service.ready().await.expect("ready").call(7).await, Ok(200));
    assert_eq!(replicas.look(|seen| seen.unreadied), 0);
}

#[tokio::test(start_paused = true)]
async fn an_ended_call_that_is_polled_again_stays_pending() {
    let replicas = Replicas::new([answers(5 * MS, 500), answers(5 * MS, 500)]);
    let mut call = pin!(hedged(HedgeLayer::after(20 * MS), &replicas).ready().await.expect("ready").call(7));
    assert_eq!(call.as_mut().await, Ok(500));
    assert_eq!(poll!(call.as_mut()), Poll::Pending);
    let mut service = ServiceBuilder::new()
        .layer(HedgeLayer::after(MS).all_safe())
        .service(buttress::testing::Probe::new());
    let mut call = pin!(service.ready().await.expect("ready").call(7));
    assert_eq!(call.as_mut().await, Ok(7));
    assert_eq!(poll!(call.as_mut()), Poll::Pending);
    assert_eq!(replicas.starts().len(), 2);
}

//! Which answers are followed by another attempt, and which are the last.

use crate::{MS, by_status, policy, server};
use buttress::{
    Lifted, Rejected,
    breaker::{BreakerLayer, Circuit, Policy as Trip},
    bulkhead::{BulkheadLayer, Slots},
    over,
    rejected::Reason,
    retry::{Policy, RetryLayer},
    testing::{Fault, PANIC, Script, Step},
    timeout::TimeoutLayer,
};
use futures_util::FutureExt;
use std::{panic::AssertUnwindSafe, time::Duration};
use tokio::time::Instant;
use tower::{Layer, ServiceBuilder, ServiceExt};

#[tokio::test(start_paused = true)]
async fn a_failure_is_tried_again_until_it_is_none() {
    let server = Script::new([Step::fail(), Step::fail(), Step::ok("done")]);
    let seen = server.seen();
    let client = over(RetryLayer::new(policy()), server);
    assert_eq!(client.oneshot(1).await, Ok("done"));
    assert_eq!(seen.counts().calls, 3);
}

#[tokio::test(start_paused = true)]
async fn attempts_that_run_out_leave_the_last_answer_as_it_came() {
    let faults = [1, 2, 3].map(|number| Step::<(), _>::err(Fault::new(number)));
    let client = over(RetryLayer::new(policy()), Script::new(faults));
    assert_eq!(client.oneshot(1).await, Err(Lifted::Inner(Fault::new(3))));

    let client = RetryLayer::new(policy().classify(by_status())).layer(server([500, 501, 502]));
    assert_eq!(client.oneshot(1).await, Ok(502));
}

#[tokio::test(start_paused = true)]
async fn no_attempts_are_one() {
    for attempts in [0, 1] {
        let server = Script::new([Step::<(), _>::fail()]);
        let client = over(RetryLayer::new(policy().attempts(attempts)), server);
        assert!(client.oneshot(1).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn the_most_attempts_that_there_can_be_end_where_the_budget_ends() {
    let server = Script::<u32, (), _>::new([]).then(Step::fail);
    let seen = server.seen();
    let client = over(RetryLayer::new(policy().attempts(u32::MAX)), server);
    assert!(client.oneshot(1).await.is_err());
    assert_eq!(seen.counts().calls, 11);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_failure_is_the_answer() {
    let client = RetryLayer::new(policy().classify(by_status())).layer(server([204]));
    assert_eq!(client.oneshot(1).await, Ok(204));
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_said_only_what_never_arrived_is_sent_again() {
    let ask = |policy: Policy<_, _>, statuses: &'static [u16]| {
        let server = server(statuses.iter().copied());
        let seen = server.seen();
        let client = RetryLayer::new(policy).layer(server);
        async move { (client.oneshot(1).await.expect("answered"), seen.counts().calls) }
    };
    let unsaid = || Policy::new().classify(by_status());
    assert_eq!(ask(unsaid(), &[500]).await, (500, 1), "it may have arrived");
    assert_eq!(ask(unsaid(), &[429]).await, (429, 1));
    assert_eq!(ask(unsaid(), &[503, 503, 200]).await, (200, 3), "it has not");
    assert_eq!(ask(unsaid(), &[503, 500]).await, (500, 2), "then it may have");
}

#[tokio::test(start_paused = true)]
async fn what_is_safe_is_asked_of_each_request() {
    let policy = || Policy::new().safe(|request: &u32| request.is_multiple_of(2)).classify(by_status());
    let client = RetryLayer::new(policy()).layer(server([500, 500, 200]));
    assert_eq!(client.clone().oneshot(1).await, Ok(500));
    assert_eq!(client.oneshot(2).await, Ok(200));
}

#[tokio::test(start_paused = true)]
async fn what_the_server_asks_not_to_retry_is_not_retried() {
    let client = RetryLayer::new(policy().classify(by_status())).layer(server([599]));
    assert_eq!(client.oneshot(1).await, Ok(599));
}

#[tokio::test(start_paused = true)]
async fn what_was_cancelled_is_not_retried() {
    let client = RetryLayer::new(policy().classify(by_status())).layer(server([598]));
    assert_eq!(client.oneshot(1).await, Ok(598));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_not_retried() {
    for panic in [Step::panics(), Step::panics_in_call()] {
        let server = Script::<u32, (), Fault>::new([panic]);
        let client = over(RetryLayer::new(policy()), server);
        let payload = AssertUnwindSafe(client.oneshot(1)).catch_unwind().await.expect_err("a panic");
        assert_eq!(payload.downcast_ref(), Some(&PANIC));
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejection_is_retried_where_it_reached_nothing_safe_or_not() {
    let no = |reached| Step::err(Rejected::new(Reason::Shed, "inside", reached));
    let client = RetryLayer::new(Policy::new()).layer(Script::new([no(false), no(false), Step::ok(7)]));
    assert_eq!(client.oneshot(1).await, Ok(7));
    let client = RetryLayer::new(policy()).layer(Script::<u32, u16, _>::new([no(true)]));
    assert_eq!(client.oneshot(1).await.expect_err("as it came").reason(), Reason::Shed);
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_inside_is_waited_for_as_long_as_it_says() {
    let circuit = Circuit::new("stock", &Trip::new());
    circuit.open_for(Duration::from_secs(3));
    let stack = (RetryLayer::new(Policy::new()), BreakerLayer::new(&circuit));
    let client = over(stack, Script::<u32, _>::new([Step::ok(7)]));
    let started = Instant::now();
    assert_eq!(client.oneshot(1).await, Ok(7));
    assert_eq!(started.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn no_slot_is_held_through_a_wait() {
    let slots = Slots::new("stock", 1);
    let stack = (RetryLayer::new(policy()), BulkheadLayer::new(&slots));
    let client = over(stack, Script::<u32, _>::new([Step::fail(), Step::ok(7)]));
    let mut call = std::pin::pin!(client.oneshot(1));
    assert!(futures_util::poll!(call.as_mut()).is_pending());
    assert_eq!(slots.in_flight(), 0);
    assert_eq!(call.await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_cut_is_retried_if_it_is_safe() {
    let limit = || TimeoutLayer::new(50 * MS);
    let late = || Script::<u32, u16>::new([Step::ok(1).after(60 * MS), Step::ok(2)]);
    let client = over((RetryLayer::new(policy()), limit()), late());
    assert_eq!(client.oneshot(1).await, Ok(2));
    let client = over((RetryLayer::new(Policy::new()), limit()), late());
    match client.oneshot(1).await {
        Err(Lifted::Rejected(why)) => assert_eq!(why.reason(), Reason::TimedOut),
        other => panic!("{other:?}"),
    }
}

/// Nested retries multiply, as the docs warn: nothing here hides it.
#[tokio::test(start_paused = true)]
async fn a_stack_of_layers_keeps_its_types() {
    let server = Script::<u32, u16>::new([Step::fail(), Step::ok(2)]);
    let client = ServiceBuilder::new()
        .layer(TimeoutLayer::new(Duration::from_secs(1)))
        .layer(RetryLayer::new(policy()))
        .layer(TimeoutLayer::new(50 * MS))
        .layer(buttress::lift())
        .service(server);
    assert_eq!(buttress::checked::<u32, _>(client).oneshot(1).await, Ok(2));
}

//! What the client's stack does as it comes.

use crate::{Answer, Body, Count, MS, SECOND, Sent, answer, get};
use buttress::{Deadline, Lifted, breaker::State, clock, over, rejected::Reason, stack};
use futures_util::poll;
use http::Request;
use std::{future::pending, pin::pin, time::Duration};
use tokio::time::{Instant, sleep};
use tower::{Service, ServiceExt, service_fn};

const URI: &str = "http://shop.test/basket";

fn rejected<T: std::fmt::Debug>(answer: Result<T, Lifted<std::io::Error>>) -> (Reason, String) {
    match answer {
        Err(Lifted::Rejected(why)) => (why.reason(), why.name().to_owned()),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_is_cut_three_times_within_the_whole() {
    let asked = Count::default();
    let count = asked.clone();
    let hangs = service_fn(move |_: Sent| {
        count.up();
        pending::<Answer>()
    });
    let started = Instant::now();
    let (reason, name) = rejected(over(stack::client(), hangs).oneshot(get(URI)).await);
    assert_eq!((reason, &*name, asked.get()), (Reason::TimedOut, "attempt", 3));
    let took = started.elapsed();
    assert!((9 * SECOND..10 * SECOND).contains(&took), "three attempts of 3 s and two short waits: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_whole_call_ends_in_ten_seconds_whatever_the_attempts_would_take() {
    let hangs = service_fn(|_: Sent| pending::<Answer>());
    let client = over(stack::client().attempt(6 * SECOND), hangs);
    let started = Instant::now();
    let (reason, _) = rejected(client.oneshot(get(URI)).await);
    assert_eq!((reason, started.elapsed()), (Reason::DeadlinePassed, 10 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_done_is_not_done_twice_and_what_is_safe_is_sent_again() {
    let asked = Count::default();
    let count = asked.clone();
    let fails_first = service_fn(move |_: Sent| {
        let status = if count.up() % 2 == 1 { 503 } else { 200 };
        async move { answer(status) }
    });
    let client = over(stack::client(), fails_first);
    let put = Request::put(URI).body(Body::from("two apples")).expect("a request");
    assert_eq!(client.clone().oneshot(put).await.expect("an answer").status(), 200);
    let post = Request::post(URI).body(Body::from("pay")).expect("a request");
    assert_eq!(client.oneshot(post).await.expect("an answer").status(), 503);
    assert_eq!(asked.get(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_fails_is_left_alone_and_the_others_are_not() {
    let asked = Count::default();
    let count = asked.clone();
    let layer = stack::client();
    let service = service_fn(move |request: Sent| {
        let broken = request.uri().host() == Some("broken.test");
        if broken {
            count.up();
        }
        async move { answer(if broken { 502 } else { 200 }) }
    });
    let client = over(layer.clone(), service);
    for _ in 0..5 {
        let answer = client.clone().oneshot(get("http://broken.test/")).await;
        assert!(!matches!(answer, Ok(answer) if answer.status() == 200));
    }
    assert_eq!(asked.get(), 5, "attempts count, not calls");
    assert_eq!(layer.circuits().known("broken.test").map(|circuit| circuit.state()), Some(State::Open));
    assert_eq!(client.oneshot(get("http://whole.test/")).await.expect("an answer").status(), 200);
}

#[tokio::test(start_paused = true)]
async fn the_budget_of_a_host_ends_the_retries_of_all_calls_to_it() {
    let asked = Count::default();
    let count = asked.clone();
    // Not the breaker's business here.
    let layer =
        stack::client().with(|config| (config.breaker.consecutive, config.breaker.min_calls) = (1000, 1000));
    let fails = service_fn(move |_: Sent| {
        count.up();
        async { answer(503) }
    });
    let client = over(layer, fails);
    for _ in 0..100 {
        assert_eq!(client.clone().oneshot(get(URI)).await.expect("an answer").status(), 503);
    }
    // 10 tokens, and a tenth of one for each first attempt but the first, which found the bucket full.
    assert_eq!(asked.get(), 100 + 19);
}

#[tokio::test(start_paused = true)]
async fn one_host_gets_so_many_calls_at_once_and_no_slot_is_held_through_a_wait() {
    let layer = stack::client().calls_at_once(1);
    let slots = layer.slots().clone();
    let slow = service_fn(|_: Sent| async {
        sleep(100 * MS).await;
        answer(503)
    });
    let mut client = over(layer, slow);
    let mut first = pin!(client.ready().await.expect("ready").call(get(URI)));
    assert!(poll!(first.as_mut()).is_pending());
    assert_eq!(slots.get("shop.test").in_flight(), 1);
    assert_eq!(client.clone().oneshot(get("http://other.test/")).await.expect("an answer").status(), 503);
    sleep(MS).await;
    // The first has its answer, and waits for its next attempt.
    while slots.get("shop.test").in_flight() > 0 {
        assert!(poll!(first.as_mut()).is_pending());
    }
    assert!(slots.try_acquire("shop.test").is_ok());
}

#[tokio::test(start_paused = true)]
async fn those_inside_know_how_long_the_whole_call_may_take() {
    let asks = service_fn(|_: Sent| async {
        let left = Deadline::current().expect("the call's").remaining(clock::now());
        assert_eq!(left, 5 * SECOND);
        answer(200)
    });
    over(stack::client().total(5 * SECOND), asks).oneshot(get(URI)).await.expect("an answer");
}

#[tokio::test(start_paused = true)]
async fn a_setter_makes_a_stack_of_its_own_and_a_clone_is_the_same_one() {
    let base = stack::client();
    let (clone, other) =
        (base.clone(), base.clone().calls_at_once(7).total(SECOND).attempt(300 * MS).attempts(2));
    assert_eq!((base.slots().limit(), clone.slots().limit(), other.slots().limit()), (100, 100, 7));
    base.circuits().get("a.test").trip();
    let state = |layer: &stack::ClientLayer| layer.circuits().get("a.test").state();
    assert_eq!((state(&clone), state(&other)), (State::Open, State::Closed));
    clone.retune(&other.config()).expect("a good one");
    assert_eq!((base.slots().limit(), base.config()), (7, other.config()));
}

#[tokio::test(start_paused = true)]
async fn numbers_that_make_no_sense_are_taken_as_those_that_work() {
    let layer = stack::client().with(|config| {
        (config.total, config.attempt, config.hosts) = (Duration::MAX, Duration::MAX, 0);
        (config.retry.attempts, config.bulkhead.limit) = (0, 0);
        (config.retry.backoff, config.retry.max_backoff) = (Duration::ZERO, Duration::ZERO);
        (config.budget.tokens, config.budget.share) = (0, buttress::window::Ratio::ZERO);
        (config.breaker.min_calls, config.breaker.consecutive) = (0, 0);
        (config.breaker.open, config.breaker.probes) = (Duration::MAX, 0);
    });
    let client = over(layer.clone(), service_fn(|_: Sent| async { answer(200) }));
    assert_eq!(client.oneshot(get(URI)).await.expect("an answer").status(), 200);
    assert_eq!((layer.slots().limit(), layer.circuits().bound()), (1, 1));
    assert!(layer.config().check().is_err());
    assert!(layer.retune(&layer.config()).is_err(), "a reload is strict");
}

#[tokio::test]
async fn a_stack_of_boxed_errors_is_not_lifted() {
    type BoxError = buttress::rejected::BoxError;
    let inner = service_fn(|_: Sent| async { answer(200).map_err(BoxError::from) });
    let buffered = tower::buffer::Buffer::new(inner, 8);
    let client = tower::Layer::layer(&stack::client().boxed(), buffered);
    assert_eq!(client.oneshot(get(URI)).await.expect("an answer").status(), 200);
}

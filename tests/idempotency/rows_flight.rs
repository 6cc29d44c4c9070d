//! Rows 27 to 41: what happens while it runs, and when somebody leaves half-way.

use super::rig::{
    Answer, Heard, Ledger, Store, answering, begin, layer, orders, plain, post, request, secs, send, serve,
    settle, slow,
};
use axum::{
    Router,
    extract::Request,
    http::{Method, StatusCode},
    response::{IntoResponse as _, Response},
};
use buttress::{
    Deadline, clock,
    http::{IdempotencyLayer, Idempotent},
    idempotency::{Effects, Idem, KeyStore as _},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll},
};
use tokio::time::{Instant, advance, sleep};
use tower::{Layer as _, Service, ServiceExt as _};

#[tokio::test(start_paused = true)]
async fn row_27_a_duplicate_in_flight_is_409_with_the_time_to_come_again() {
    let (app, ledger) = slow(plain().lease(secs(5)), secs(60));
    let first = begin(&app, "a1").await;
    let again = post(&app, "a1", "1").await;
    assert_eq!((again.status, again.header("retry-after")), (409, Some("5")));
    assert_eq!(again.header("content-type"), Some("application/problem+json"));
    assert!(again.text().contains("is being processed"), "{}", again.text());
    assert_eq!(again.header("x-should-retry"), None, "it may well come again");
    // A long lease is no reason to wait so long.
    let (app, _) = slow(plain().lease(secs(600)), secs(60));
    let _second = begin(&app, "a1").await;
    assert_eq!(post(&app, "a1", "1").await.header("retry-after"), Some("10"));
    drop(first);
    assert_eq!(ledger.effects(), 1);
}

#[tokio::test(start_paused = true)]
async fn row_28_who_may_wait_is_woken_by_the_end_and_gets_its_answer() {
    let (app, ledger) = slow(plain().wait(secs(10)), secs(4));
    let started = Instant::now();
    let waiting: Vec<_> = {
        let mut all = vec![begin(&app, "a1").await];
        for _ in 0..8 {
            all.push(begin(&app, "a1").await);
        }
        all
    };
    for answer in waiting {
        assert_eq!(answer.await.expect("no panic").text(), "order 1");
    }
    assert_eq!((started.elapsed(), ledger.effects()), (secs(4), 1));
}

#[tokio::test(start_paused = true)]
async fn row_28_who_has_waited_long_enough_is_told_that_it_runs() {
    let (app, _) = slow(plain().wait(secs(3)), secs(60));
    let _first = begin(&app, "a1").await;
    let started = Instant::now();
    assert_eq!(post(&app, "a1", "1").await.status, 409);
    assert_eq!(started.elapsed(), secs(3));
}

#[tokio::test(start_paused = true)]
async fn row_28_the_line_is_bounded_for_each_key_and_in_all() {
    let layer = plain().wait(secs(30)).max_waiting(3, 2);
    let keeper = layer.keeper().clone();
    let (app, _) = slow(layer, secs(20));
    let _running = [begin(&app, "a1").await, begin(&app, "a2").await];
    let _one = [begin(&app, "a1").await, begin(&app, "a1").await];
    assert_eq!(keeper.waiting(), 2);
    assert_eq!(post(&app, "a1", "1").await.status, 409, "two wait for this one");
    let third = begin(&app, "a2").await;
    assert_eq!(post(&app, "a2", "1").await.status, 409, "three wait in all");
    third.abort();
    settle().await;
    assert_eq!(keeper.waiting(), 2, "who leaves gives its place back");
    advance(secs(20)).await;
    settle().await;
    assert_eq!(keeper.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn row_28_a_waiter_runs_it_where_the_first_attempt_was_released() {
    let turns = Ledger::default();
    let counted = turns.clone();
    let app = serve(plain().wait(secs(10)), move |_| {
        let turn = counted.effect();
        async move {
            sleep(secs(1)).await;
            if turn == 1 { StatusCode::TOO_MANY_REQUESTS.into_response() } else { "done".into_response() }
        }
    });
    let (first, second) = (begin(&app, "a1").await, begin(&app, "a1").await);
    assert_eq!(first.await.expect("no panic").status, 429);
    assert_eq!(second.await.expect("no panic").text(), "done");
}

#[tokio::test(start_paused = true)]
async fn row_29_another_request_in_flight_is_a_mismatch_first() {
    let (app, _) = slow(plain().wait(secs(10)), secs(60));
    let _first = begin(&app, "a1").await;
    let started = Instant::now();
    assert_eq!(post(&app, "a1", "another").await.status, 422);
    assert_eq!(started.elapsed(), secs(0), "and nobody waits for that");
}

#[tokio::test]
async fn row_30_a_mismatch_is_422_or_what_was_chosen() {
    for (layer, status) in [
        (plain(), 422),
        (plain().reused_status(StatusCode::BAD_REQUEST), 400),
        (plain().reused_status(StatusCode::CONFLICT), 409),
        (plain().reused_status(StatusCode::IM_A_TEAPOT), 422),
    ] {
        let (app, ledger) = orders(layer);
        post(&app, "a1", "1").await;
        let other = post(&app, "a1", "2").await;
        assert_eq!((other.status, other.header("x-should-retry")), (status, Some("false")));
        assert!(!other.text().contains("order"), "nothing of the stored answer: {}", other.text());
        assert_eq!(ledger.effects(), 1);
    }
}

/// Ready when the switch says so.
#[derive(Clone)]
struct Door {
    open: Arc<AtomicBool>,
    fails: bool,
}

impl Service<Request> for Door {
    type Response = Response;
    type Error = buttress::Lifted<std::io::Error>;
    type Future = std::future::Ready<Result<Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if self.fails {
            return Poll::Ready(Err(buttress::Lifted::Inner(std::io::Error::other("never ready"))));
        }
        if self.open.load(SeqCst) {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, _: Request) -> Self::Future {
        std::future::ready(Ok("through".into_response()))
    }
}

#[tokio::test(start_paused = true)]
async fn row_31_nothing_is_claimed_before_the_inside_is_ready() {
    let layer = plain();
    let store = layer.keeper().store().clone();
    let open = Arc::new(AtomicBool::new(false));
    let service = layer.layer(Door { open: Arc::clone(&open), fails: false });
    let ask = || request(Method::POST, "/", &[("idempotency-key", "a1")], "1");
    let waiting = tokio::spawn(service.clone().oneshot(ask()));
    settle().await;
    assert!(store.records.is_empty() && !waiting.is_finished());
    open.store(true, SeqCst);
    assert!(waiting.await.expect("no panic").is_ok());

    let service = layer.layer(Door { open, fails: true });
    let ask = request(Method::POST, "/", &[("idempotency-key", "a2")], "1");
    let error = service.oneshot(ask).await.expect_err("never ready");
    assert_eq!(error.to_string(), "never ready", "as it came");
    assert_eq!(store.records.len(), 1);
}

/// Never ready, and wakes nobody.
#[derive(Clone)]
struct Never;

impl Service<Request> for Never {
    type Response = Response;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Pending
    }

    fn call(&mut self, _: Request) -> Self::Future {
        unreachable!("it is never ready")
    }
}

/// Timeouts stand inside of the layer, so that nobody else would end the wait.
#[tokio::test(start_paused = true)]
async fn row_31_a_deadline_ends_the_wait_for_an_inside_that_is_never_ready() {
    let heard = Heard::default();
    let layer = plain().observe(heard.ears());
    let store = layer.keeper().store().clone();
    let service = layer.layer(Never);
    let started = Instant::now();
    for headers in [&[("idempotency-key", "a1")][..], &[]] {
        let deadline = Deadline::after(Instant::now(), secs(2));
        let ask = service.clone().oneshot(request(Method::POST, "/", headers, "1"));
        let refused = deadline.scope(ask).await.expect("an answer");
        assert_eq!(refused.status(), 504);
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
    }
    assert_eq!(started.elapsed(), secs(4));
    assert!(store.records.is_empty(), "nothing was claimed");
    assert_eq!(heard.take(), ["deadline_passed", "bypassed"]);

    let calls = buttress::grpc::idempotency(plain()).layer(Never);
    let ask = calls.oneshot(request(Method::POST, "/", &[("idempotency-key", "a1")], "1"));
    let refused = Deadline::after(Instant::now(), secs(2)).scope(ask).await.expect("an answer");
    assert_eq!(refused.headers()["grpc-status"], "4");
}

#[tokio::test(start_paused = true)]
async fn row_28_nobody_waits_beyond_a_deadline() {
    let (app, ledger) = slow(plain().wait(secs(60)), secs(30));
    let first = tokio::spawn({
        let app = app.clone();
        async move { post(&app, "a1", "1").await.status }
    });
    settle().await;
    let started = Instant::now();
    let told = Deadline::after(Instant::now(), secs(2)).scope(post(&app, "a1", "1")).await;
    assert_eq!((told.status, started.elapsed()), (409, secs(2)));
    assert_eq!((first.await.expect("no panic"), ledger.effects()), (200, 1));
}

#[tokio::test]
async fn row_32_an_error_of_the_service_comes_back_as_it_was_and_the_effects_say_what_it_means() {
    for (effects, runs) in [(Effects::Plain, 1), (Effects::Keyed, 2), (Effects::SameTx, 2)] {
        let ledger = Ledger::default();
        let counted = ledger.clone();
        let inner = tower::service_fn(move |_: Request| {
            counted.effect();
            std::future::ready(Err::<Response, _>(buttress::Lifted::Inner(std::io::Error::other("torn"))))
        });
        let service = layer(effects).layer(inner);
        let ask = || service.clone().oneshot(request(Method::POST, "/", &[("idempotency-key", "a1")], "1"));
        assert_eq!(ask().await.expect_err("torn").to_string(), "torn");
        match ask().await {
            Ok(response) => assert_eq!((response.status().as_u16(), effects), (409, Effects::Plain)),
            Err(error) => assert_eq!(error.to_string(), "torn"),
        }
        assert_eq!(ledger.effects(), runs, "{effects:?}");
    }
}

#[tokio::test]
async fn row_32_an_error_that_says_that_nothing_was_reached_releases_the_key() {
    use buttress::{Rejected, rejected::Reason};
    let ledger = Ledger::default();
    let counted = ledger.clone();
    let inner = tower::service_fn(move |_: Request| {
        counted.effect();
        std::future::ready(Err::<Response, Rejected>(Rejected::new(Reason::Full, "cards", false)))
    });
    let service = plain().layer(inner);
    for _ in 0..2 {
        let ask = request(Method::POST, "/", &[("idempotency-key", "a1")], "1");
        assert_eq!(service.clone().oneshot(ask).await.expect_err("full").reason(), Reason::Full);
    }
    assert_eq!(ledger.effects(), 2);
}

#[tokio::test]
async fn row_33_a_panic_comes_out_of_the_call_and_is_never_taken_for_nothing_done() {
    for (effects, runs, status) in [(Effects::Plain, 1, Some(409)), (Effects::Keyed, 2, None)] {
        let ledger = Ledger::default();
        let counted = ledger.clone();
        let app = serve(layer(effects), move |_| {
            counted.effect();
            async { std::panic::resume_unwind(Box::new("in the handler")) }
        });
        let ask = || {
            let app = app.clone();
            tokio::spawn(async move { post(&app, "a1", "1").await })
        };
        let panic = ask().await.expect_err("the panic comes out").into_panic();
        assert_eq!(*panic.downcast::<&str>().expect("as it was"), "in the handler");
        assert_eq!(ask().await.ok().map(|answer: Answer| answer.status), status, "{effects:?}");
        assert_eq!(ledger.effects(), runs);
    }
}

#[tokio::test(start_paused = true)]
async fn row_34_a_caller_that_leaves_stops_nothing_and_may_ask_again() {
    let layer = plain();
    let keeper = layer.keeper().clone();
    let (app, ledger) = slow(layer, secs(5));
    begin(&app, "a1").await.abort();
    settle().await;
    assert_eq!((ledger.effects(), keeper.running()), (1, 1), "the place is the task's");
    assert_eq!(post(&app, "a1", "1").await.status, 409);
    advance(secs(5)).await;
    settle().await;
    let answer = post(&app, "a1", "1").await;
    assert!(answer.is_replay());
    assert_eq!((answer.text(), ledger.effects(), keeper.running()), ("order 1", 1, 0));
}

#[tokio::test(start_paused = true)]
async fn row_34_over_the_bound_it_is_503_before_any_claim() {
    let layer = plain().max_running(2);
    let store = layer.keeper().store().clone();
    let (app, ledger) = slow(layer, secs(5));
    begin(&app, "a1").await.abort();
    begin(&app, "a2").await.abort();
    let answer = post(&app, "a3", "1").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert_eq!((store.records.len(), ledger.effects()), (2, 2));
    advance(secs(5)).await;
    settle().await;
    assert_eq!(post(&app, "a3", "1").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn row_34_the_task_knows_the_deadline_the_operation_and_the_caller() {
    let seen = Arc::new(Mutex::new(None));
    let note = Arc::clone(&seen);
    let app = serve(plain().lease(secs(100)), move |request: Request| {
        let idem = request.extensions().get::<Idempotent>().expect("in the extensions").clone();
        let note = Arc::clone(&note);
        async move {
            let current = Idem::current().expect("of the task");
            assert_eq!(current.child_key("charge"), idem.child_key("charge"));
            *note.lock().expect("not poisoned") = Deadline::current().map(|end| end.remaining(clock::now()));
            "x".into_response()
        }
    });
    let within = Deadline::after(clock::now(), secs(7));
    within.scope(post(&app, "a1", "1")).await;
    assert_eq!(seen.lock().expect("not poisoned").take(), Some(secs(7)));
    post(&app, "a2", "1").await;
    assert_eq!(seen.lock().expect("not poisoned").take(), Some(secs(80)), "row 35: 0.8 of the lease");
    assert!(Idem::current().is_none());
}

#[tokio::test(start_paused = true)]
async fn row_34_a_handler_without_effects_may_be_stopped_with_its_caller() {
    let layer = plain().cancel_with_client();
    let keeper = layer.keeper().clone();
    let (app, ledger) = slow(layer, secs(5));
    begin(&app, "a1").await.abort();
    settle().await;
    assert_eq!(keeper.running(), 0);
    assert_eq!(post(&app, "a1", "1").await.text(), "order 2", "released, and run again");
    assert_eq!(ledger.effects(), 2);
}

#[tokio::test(start_paused = true)]
async fn row_35_a_timeout_outside_ends_the_wait_and_not_the_attempt() {
    let (app, ledger) = slow(plain(), secs(5));
    let app = app.layer(buttress::http::guard(buttress::timeout::TimeoutLayer::new(secs(2))));
    assert_eq!(post(&app, "a1", "1").await.status, 504);
    advance(secs(3)).await;
    settle().await;
    let again = post(&app, "a1", "1").await;
    assert_eq!((again.text(), again.is_replay(), ledger.effects()), ("order 1", true, 1));
}

/// The limit outside arms no timer where one inside goes off in time. The handler takes its own along to where it goes on.
#[tokio::test(start_paused = true)]
async fn row_35_a_timer_that_has_gone_with_the_handler_is_no_promise_to_those_outside() {
    let app = serve(plain(), |_| async {
        let never = tower::service_fn(|()| std::future::pending::<Result<(), std::convert::Infallible>>());
        let soon = buttress::over(buttress::timeout::TimeoutLayer::new(secs(1)), never);
        assert!(soon.oneshot(()).await.is_err());
        sleep(secs(9)).await;
        "done".into_response()
    });
    let app = app.layer(buttress::http::guard(buttress::timeout::TotalLayer::new(secs(2))));
    let started = Instant::now();
    assert_eq!(post(&app, "a1", "1").await.status, 504);
    assert_eq!(started.elapsed(), secs(2));
    advance(secs(8)).await;
    settle().await;
    assert_eq!(post(&app, "a1", "1").await.text(), "done");
}

#[tokio::test(start_paused = true)]
async fn row_36_an_owner_that_vanished_is_followed_or_parked_as_the_effects_say() {
    for (effects, status, runs) in
        [(Effects::Plain, 409, 1), (Effects::Keyed, 200, 2), (Effects::SameTx, 200, 2)]
    {
        let layer = layer(effects).lease(secs(30));
        let store = layer.keeper().store().clone();
        // A node that dies with its lease: no renewal gets through any more, and no end.
        store.switch.renewals_down.store(true, SeqCst);
        store.switch.ends_down.store(true, SeqCst);
        let (app, ledger) = slow(layer, secs(3));
        let _dead = begin(&app, "a1").await;
        advance(secs(31)).await;
        store.switch.ends_down.store(false, SeqCst);
        let answer = post(&app, "a1", "1").await;
        assert_eq!((answer.status, ledger.effects()), (status, runs), "{effects:?}");
        if effects == Effects::Plain {
            assert_eq!(answer.header("x-should-retry"), Some("false"));
            assert_eq!(answer.header("retry-after"), None);
            assert!(answer.text().contains("not known"), "{}", answer.text());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn row_36_a_long_handler_keeps_its_lease_by_renewing_it_at_a_third() {
    let layer = plain().lease(secs(30));
    let store = layer.keeper().store().clone();
    let (app, ledger) = slow(layer, secs(95));
    let first = begin(&app, "a1").await;
    for _ in 0..9 {
        sleep(secs(10)).await;
        assert_eq!(post(&app, "a1", "1").await.status, 409);
    }
    assert_eq!(first.await.expect("no panic").status, 200);
    assert_eq!((store.switch.renewals.load(SeqCst), ledger.effects()), (9, 1));
}

#[tokio::test(start_paused = true)]
async fn row_37_an_owner_that_comes_back_late_is_fenced_and_its_caller_is_told_409() {
    let heard = Heard::default();
    let layer = layer(Effects::Keyed).lease(secs(30)).observe(heard.ears());
    let store = layer.keeper().store().clone();
    store.switch.renewals_down.store(true, SeqCst);
    let ledger = Ledger::default();
    let counted = ledger.clone();
    let app = serve(layer, move |_| {
        let number = counted.effect();
        async move {
            // The first is stopped for longer than its lease, like a process by a signal.
            sleep(if number == 1 { secs(40) } else { secs(1) }).await;
            format!("order {number}").into_response()
        }
    });
    let late = begin(&app, "a1").await;
    sleep(secs(31)).await;
    assert_eq!(post(&app, "a1", "1").await.text(), "order 2");
    let late = late.await.expect("no panic");
    assert_eq!(late.status, 409);
    assert!(late.text().contains("taken over"), "{}", late.text());
    assert!(post(&app, "a1", "1").await.text() == "order 2", "nothing of the late one is seen");
    assert!(heard.take().contains(&"fenced"));
}

#[tokio::test(start_paused = true)]
async fn row_38_a_handler_can_stop_when_another_attempt_has_taken_over() {
    let layer = layer(Effects::Keyed).lease(secs(30));
    let store = layer.keeper().store().clone();
    let stopped = Arc::new(AtomicBool::new(false));
    let (note, turns) = (Arc::clone(&stopped), Ledger::default());
    let app = serve(layer, move |_| {
        let (note, turn) = (Arc::clone(&note), turns.effect());
        async move {
            if turn == 1 {
                let idem = Idem::current().expect("of the task");
                idem.lost().await;
                note.store(idem.is_lost(), SeqCst);
            }
            turn.to_string().into_response()
        }
    });
    store.switch.renewals_down.store(true, SeqCst);
    let first = begin(&app, "a1").await;
    sleep(secs(31)).await;
    assert_eq!(post(&app, "a1", "1").await.text(), "2");
    assert!(!stopped.load(SeqCst));
    store.switch.renewals_down.store(false, SeqCst);
    // It would wait for ever where nobody tells it.
    let first = tokio::time::timeout(secs(600), first).await.expect("it is told");
    assert_eq!(first.expect("no panic").status, 409);
    assert!(stopped.load(SeqCst));
}

#[tokio::test(start_paused = true)]
async fn row_39_a_claim_whose_answer_was_lost_is_made_again_and_is_ours() {
    let layer = plain();
    let store = layer.keeper().store().clone();
    store.switch.lose_claims.store(3, SeqCst);
    let (app, ledger) = orders(layer);
    assert_eq!(post(&app, "a1", "1").await.status, 201);
    assert_eq!((store.switch.claims.load(SeqCst), ledger.effects()), (4, 1));
    assert!(post(&app, "a1", "1").await.is_replay());
}

#[tokio::test(start_paused = true)]
async fn row_39_a_claim_that_was_given_up_leaves_nothing_claimed() {
    let layer = plain();
    let store = layer.keeper().store().clone();
    store.switch.claims_take(secs(5));
    let (app, ledger) = orders(layer);
    assert_eq!(post(&app, "a1", "1").await.status, 503);
    store.switch.claims_take(secs(0));
    sleep(secs(6)).await;
    assert_eq!(ledger.effects(), 0);
    assert_eq!(post(&app, "a1", "1").await.status, 201, "not in flight, and not parked");
}

#[tokio::test(start_paused = true)]
async fn row_40_an_end_whose_answer_was_lost_is_said_again() {
    let layer = plain();
    let store = layer.keeper().store().clone();
    store.switch.lose_ends.store(3, SeqCst);
    let (app, _) = orders(layer);
    let first = post(&app, "a1", "1").await;
    assert_eq!((first.status, first.header("idempotency-stored")), (201, None));
    assert!(post(&app, "a1", "1").await.is_replay());
}

#[tokio::test(start_paused = true)]
async fn row_41_an_answer_that_cannot_be_stored_is_given_and_says_so() {
    let heard = Heard::default();
    let layer = plain().observe(heard.ears());
    let (store, keeper) = (layer.keeper().store().clone(), layer.keeper().clone());
    store.switch.ends_down.store(true, SeqCst);
    let (app, ledger) = orders(layer);
    let started = Instant::now();
    let first = post(&app, "a1", "1").await;
    assert_eq!((first.status, first.header("idempotency-stored")), (201, Some("false")));
    assert_eq!(started.elapsed(), secs(1), "held back for no longer than that");
    assert_eq!(heard.take(), ["stored", "unstored"]);
    assert_eq!(post(&app, "a1", "1").await.status, 409, "the record is kept ours");
    // The store is back within the lease: it is stored after all.
    store.switch.ends_down.store(false, SeqCst);
    sleep(secs(1)).await;
    assert!(post(&app, "a1", "1").await.is_replay());
    assert_eq!((ledger.effects(), keeper.running()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn row_41_at_the_end_of_the_lease_nobody_knows() {
    let layer = plain();
    let store = layer.keeper().store().clone();
    store.switch.ends_down.store(true, SeqCst);
    let (app, ledger) = orders(layer.clone());
    post(&app, "a1", "1").await;
    sleep(secs(62)).await;
    assert_eq!(layer.keeper().running(), 0, "nobody tries for ever");
    assert_eq!(post(&app, "a1", "1").await.status, 409);
    assert_eq!(store.parked(None, 10).await.expect("in memory").len(), 1);
    assert_eq!(ledger.effects(), 1);
}

#[tokio::test(start_paused = true)]
async fn row_41_or_500_where_that_was_asked_for() {
    let layer = plain().fail_unstored();
    layer.keeper().store().switch.ends_down.store(true, SeqCst);
    let (app, _) = orders(layer);
    let first = post(&app, "a1", "1").await;
    assert_eq!(first.status, 500);
    assert!(first.text().contains("was processed"), "{}", first.text());
}

#[tokio::test]
async fn an_end_that_released_the_key_needs_no_store_to_be_answered() {
    let layer: IdempotencyLayer<Store> = plain();
    let (app, _): (Router, _) = answering(layer, || StatusCode::UNAUTHORIZED.into_response());
    let answer = send(&app, request(Method::POST, "/", &[("idempotency-key", "a1")], "")).await;
    assert_eq!((answer.status, answer.header("idempotency-stored")), (401, None));
}

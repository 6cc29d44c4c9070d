//! What the server's stack does as it comes.

use crate::{MS, SECOND};
use axum::{Router, body::Body, extract::Request, response::Response, routing::get};
use buttress::{Deadline, clock, http::guard, stack};
use futures_util::poll;
use std::pin::pin;
use tokio::time::{Instant, sleep};
use tower::ServiceExt;

fn app(stack: stack::ServerLayer) -> Router {
    let slow = || async {
        sleep(SECOND).await;
        "done"
    };
    let left = || async {
        let left = Deadline::current().map(|end| end.remaining(clock::now()).as_millis());
        format!("{left:?}")
    };
    let hangs = std::future::pending::<&'static str>;
    Router::new()
        .route("/slow", get(slow))
        .route("/left", get(left))
        .route("/hangs", get(hangs))
        .layer(guard(stack))
}

fn ask(path: &str, timeout: Option<&str>) -> Request {
    let mut request = Request::get(path);
    if let Some(timeout) = timeout {
        request = request.header("x-request-timeout-ms", timeout);
    }
    request.body(Body::empty()).expect("a request")
}

async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 1000).await.expect("whole");
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[tokio::test(start_paused = true)]
async fn so_many_run_so_many_wait_and_the_rest_are_refused_at_once() {
    let app = app(stack::server().calls_at_once(1).queue(1, 2 * SECOND));
    let (mut runs, mut waits) =
        (pin!(app.clone().oneshot(ask("/slow", None))), pin!(app.clone().oneshot(ask("/slow", None))));
    assert!(poll!(runs.as_mut()).is_pending() && poll!(waits.as_mut()).is_pending());
    assert_eq!(app.oneshot(ask("/slow", None)).await.expect("infallible").status(), 503);
    assert_eq!(runs.await.expect("infallible").status(), 200);
    assert_eq!(waits.await.expect("infallible").status(), 200);
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_slot_is_part_of_the_whole_call() {
    let app = app(stack::server().total(1500 * MS).calls_at_once(1).queue(1, 1400 * MS));
    let started = Instant::now();
    let (first, second) =
        tokio::join!(app.clone().oneshot(ask("/slow", None)), app.oneshot(ask("/slow", None)));
    assert_eq!(first.expect("infallible").status(), 200);
    assert_eq!(second.expect("infallible").status(), 504, "half a second was left to it");
    assert_eq!(started.elapsed(), 1500 * MS);
}

#[tokio::test(start_paused = true)]
async fn a_caller_is_believed_only_where_that_was_said_and_only_so_far() {
    let asked = async |stack, timeout| {
        text(app(stack).oneshot(ask("/left", timeout)).await.expect("infallible")).await
    };
    assert_eq!(asked(stack::server(), Some("250")).await, "Some(30000)");
    let trusting = || stack::server().trust_deadline(10 * SECOND);
    assert_eq!(asked(trusting(), Some("250")).await, "Some(250)");
    assert_eq!(asked(trusting(), Some("60000")).await, "Some(10000)");
    assert_eq!(asked(trusting(), None).await, "Some(30000)");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_is_cut_and_gives_its_slot_back() {
    let stack = stack::server().total(2 * SECOND).queue(0, MS);
    let slots = stack.slots().clone();
    let started = Instant::now();
    let answer = app(stack).oneshot(ask("/hangs", None)).await.expect("infallible");
    assert_eq!((answer.status().as_u16(), started.elapsed(), slots.in_flight()), (504, 2 * SECOND, 0));
}

#[tokio::test(start_paused = true)]
async fn all_routes_and_connections_have_the_same_slots() {
    let stack = stack::server().calls_at_once(1).queue(0, MS);
    let (one, other) = (app(stack.clone()), app(stack));
    let mut runs = pin!(one.oneshot(ask("/slow", None)));
    assert!(poll!(runs.as_mut()).is_pending());
    assert_eq!(other.oneshot(ask("/left", None)).await.expect("infallible").status(), 503);
}

#[tokio::test(start_paused = true)]
async fn what_is_changed_holds_at_once_for_every_clone() {
    let stack = stack::server().calls_at_once(1).queue(8, 5 * SECOND);
    let app = app(stack.clone());
    let (mut runs, mut waits) =
        (pin!(app.clone().oneshot(ask("/slow", None))), pin!(app.clone().oneshot(ask("/slow", None))));
    assert!(poll!(runs.as_mut()).is_pending() && poll!(waits.as_mut()).is_pending());
    assert_eq!((stack.slots().in_flight(), stack.slots().waiting()), (1, 1));

    let mut config = stack.config();
    (config.bulkhead.limit, config.bulkhead.queue) = (2, 0);
    (config.total, config.trust_deadline) = (7 * SECOND, Some(SECOND));
    stack.retune(&config).expect("a good one");
    assert_eq!((stack.slots().in_flight(), stack.slots().waiting()), (2, 0), "who waited is in");
    assert_eq!(app.clone().oneshot(ask("/slow", None)).await.expect("infallible").status(), 503);
    assert_eq!(runs.await.expect("infallible").status(), 200);
    assert_eq!(waits.await.expect("infallible").status(), 200);
    assert_eq!(text(app.clone().oneshot(ask("/left", None)).await.expect("infallible")).await, "Some(7000)");
    assert_eq!(text(app.oneshot(ask("/left", Some("90000"))).await.expect("infallible")).await, "Some(1000)");
}

#[test]
fn what_makes_no_sense_is_refused_by_a_reload_and_changes_nothing() {
    let stack = stack::server();
    let before = stack.config();
    let mut config = before.clone();
    config.bulkhead.limit = 0;
    assert_eq!(stack.retune(&config).expect_err("refused").path(), "server.bulkhead.limit");
    assert_eq!((stack.config(), stack.slots().limit()), (before, 512));
}

//! A reload while a circuit is open and calls are under way.

use crate::{Count, SECOND, Sent, answer, get};
use buttress::{
    breaker::State,
    outcome::Outcome,
    over,
    stack::{Config, Live},
};
use futures_util::{FutureExt, future::join_all, poll};
use std::pin::pin;
use tokio::{sync::oneshot, time::advance};
use tower::{ServiceExt, service_fn};

/// Every kind of change: the same window, one of another length, one of another kind.
const CHANGES: [&str; 3] = [
    "[client]\nbreaker = { consecutive = 9, open = \"5s\" }\nbulkhead = { limit = 7 }",
    "[client]\ntotal = \"2s\"\nattempt = \"1s\"\n[client.breaker]\nwindow = \"60s\"",
    "[client.breaker]\nwindow = 50\nopen = \"1s\"",
];

#[tokio::test(start_paused = true)]
async fn an_open_circuit_stays_open_as_long_as_it_would_have_and_all_forty_calls_finish() {
    for change in CHANGES {
        let live = Live::new(Config::default()).expect("the defaults are good");
        let (release, released) = oneshot::channel::<()>();
        let released = released.map(drop).shared();
        let service = service_fn(move |_: Sent| {
            let released = released.clone();
            async move {
                released.await;
                answer(200)
            }
        });
        let client = over(live.client(), service);
        let mut calls = pin!(join_all((0..40).map(|_| client.clone().oneshot(get("http://slow.test/")))));
        assert!(poll!(calls.as_mut()).is_pending());
        assert_eq!(live.client().slots().get("slow.test").in_flight(), 40);
        let circuits = live.client().circuits().clone();
        let open = || circuits.known("down.test").expect("it is there").snapshot();
        circuits.get("down.test").trip();
        let was_to_be = open().open_for.expect("open");
        advance(SECOND).await;

        live.reload_str(change).expect("a good one");
        let left = was_to_be - SECOND;
        assert_eq!((open().state, open().open_for), (State::Open, Some(left)), "{change}");
        assert_eq!(circuits.admit("down.test").expect_err("open").retry_after(), Some(left));
        assert_eq!(live.client().slots().get("slow.test").in_flight(), 40);
        // Longer than an attempt may take by now, and not longer than it could when they began.
        advance(SECOND * 3 / 2).await;
        assert!(poll!(calls.as_mut()).is_pending());
        release.send(()).expect("they wait");
        for answer in calls.await {
            assert_eq!(answer.expect("not cut by the new limits").status(), 200, "{change}");
        }
        assert_eq!(live.client().slots().get("slow.test").in_flight(), 0);

        advance(left - SECOND * 3 / 2).await;
        circuits.admit("down.test").expect("the probe").record(Outcome::OK);
        assert_eq!(circuits.get("down.test").state(), State::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_file_names_its_field_and_nothing_changes() {
    let live = Live::from_str(CHANGES[0]).expect("a good one");
    live.client().circuits().get("down.test").trip();
    let (before, open) = (live.config(), live.client().circuits().get("down.test").snapshot());
    let error =
        live.reload_str("[client]\nbulkhead = { limit = 9 }\n[server]\ntotal = \"0s\"").expect_err("bad");
    assert_eq!(error.to_string(), "server.total: is no time at all");
    assert_eq!((live.config(), live.client().slots().limit()), (before, 7), "not even what came before it");
    assert_eq!(live.client().circuits().get("down.test").snapshot(), open);
}

#[tokio::test(start_paused = true)]
async fn attempts_and_budgets_change_for_what_is_sent_from_then_on() {
    let live = Live::from_str("[client]\nretry = { attempts = 1 }").expect("a good one");
    let asked = Count::default();
    let count = asked.clone();
    let fails = service_fn(move |_: Sent| {
        count.up();
        async { answer(503) }
    });
    let client = over(live.client(), fails);
    let sent = async || {
        let before = asked.get();
        client.clone().oneshot(get("http://a.test/")).await.expect("an answer");
        asked.get() - before
    };
    assert_eq!(sent().await, 1);
    live.reload_str("[client]\nretry = { attempts = 3 }").expect("a good one");
    assert_eq!(sent().await, 3);
    live.reload_str("[client]\nbudget = { tokens = 1, share = 0.001 }").expect("a good one");
    live.client().circuits().get("a.test").reset();
    assert_eq!(sent().await, 2, "one token");
}

//! Whatever is reloaded, in whatever order: what holds is what the last good one said.

use crate::{Answer, Body, Count, MS, SECOND, Sent, get};
use buttress::{
    Lifted,
    breaker::State,
    http::{ByStatus, LookInto, Rest},
    outcome::{Classify, Outcome},
    over,
    stack::{self, Config, Live},
};
use http::Response;
use proptest::{collection::vec, prelude::*, sample::select};
use std::{future::pending, io, time::Duration};
use tokio::time::Instant;
use tower::{ServiceExt, service_fn};

/// Some are good alone and bad together, and the other way round.
const FIELDS: &[&str] = &[
    "client.total = \"20s\"",
    "client.total = \"2s\"",
    "client.attempt = \"1s\"",
    "client.attempt = \"15s\"",
    "client.hosts = 1000",
    "client.hosts = 999",
    "client.retry.attempts = 0",
    "client.retry.attempts = 5",
    "client.budget.tokens = 3",
    "client.budget.share = nan",
    "client.breaker.window = 40",
    "client.breaker.window = \"5s\"",
    "client.breaker.min_calls = 30",
    "client.breaker.min_calls = 50",
    "client.bulkhead.limit = 5",
    "client.bulkhead.limit = 50",
    "server.total = \"1s\"",
    "server.bulkhead.limit = 9",
    "server.bulkhead.queue = 0",
    "server.bulkhead.limt = 9",
    "server.trust_deadline = \"3s\"",
    "server.trust_deadline = 3",
];

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(vec(select(FIELDS), 0..4).prop_map(|fields| fields.join("\n")), 1..12)
}

/// What the layers go by, read from the layers.
fn seen(live: &Live) -> (u32, u32, String, String) {
    let (client, server) = (live.client(), live.server());
    (client.slots().get("a.test").limit(), server.slots().limit(), client.to_string(), server.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_row_of_reloads_ends_at_the_last_good_one(texts in texts()) {
        let live = Live::new(Config::default()).expect("good");
        live.client().slots().get("a.test");
        let mut last = Config::default();
        for text in &texts {
            let good = Config::read(text).ok().filter(|config| config.client.hosts == 1000);
            let reloaded = live.reload_str(text);
            prop_assert_eq!(reloaded.is_ok(), good.is_some(), "{:?}", reloaded);
            last = good.unwrap_or(last);
            prop_assert_eq!(live.config(), last.clone());
        }
        prop_assert_eq!((live.client().config(), live.server().config()), (last.client.clone(), last.server.clone()));
        let fresh = Live::new(last).expect("good");
        fresh.client().slots().get("a.test");
        prop_assert_eq!(seen(&live), seen(&fresh), "as if it had been made like that");
    }
}

#[tokio::test(start_paused = true)]
async fn circuits_are_judged_by_the_last_good_rules() {
    let live = Live::new(Config::default()).expect("good");
    let circuits = live.client().circuits().clone();
    let fail = || circuits.admit("a.test").expect("closed").record(Outcome::FAILED);
    fail();
    live.reload_str("client.breaker = { consecutive = 2, open = \"7s\" }").expect("good");
    live.reload_str("client.breaker = { consecutive = 0 }").expect_err("bad");
    fail();
    let open = circuits.admit("a.test").expect_err("two in a row").retry_after().expect("known");
    let tenth = Duration::from_millis(700);
    assert!((7 * SECOND - tenth..=7 * SECOND + tenth).contains(&open), "{open:?}");
}

/// What a call over that stack does: how often it was sent, and how long it took to be given up.
async fn tries<C, V>(layer: stack::ClientLayer<C, V>) -> (u32, Duration)
where
    C: Classify<Response<Body>, Lifted<io::Error>, AtEnd = Rest> + Clone + Send + Sync + 'static,
    V: LookInto<Lifted<io::Error>> + Send + Sync + 'static,
{
    let asked = Count::default();
    let count = asked.clone();
    let hangs = service_fn(move |_: Sent| {
        count.up();
        pending::<Answer>()
    });
    let started = Instant::now();
    over(layer, hangs).oneshot(get("http://a.test/")).await.expect_err("it hangs");
    (asked.get(), started.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_is_told_how_to_read_answers_and_errors_still_goes_by_the_file() {
    let live = Live::from_str("client.breaker.consecutive = 100").expect("good");
    let over_hyper = live.client().over_hyper();
    let told = live.client().never_sent(|_| false);
    let read = live.client().classify(ByStatus).over_hyper();
    live.reload_str("client = { total = \"1s\", attempt = \"900ms\", retry = { attempts = 1 } }")
        .expect("good");

    assert_eq!((over_hyper.config(), told.config()), (live.config().client, live.config().client));
    assert_eq!(tries(over_hyper).await, (1, 900 * MS));
    assert_eq!(tries(told).await, (1, 900 * MS));
    assert_eq!(tries(read).await, (1, 900 * MS));
}

#[tokio::test]
async fn a_stack_that_is_told_how_to_read_answers_keeps_circuits_slots_and_budgets() {
    let live = Live::from_str("client.budget.tokens = 7").expect("good");
    let (plain, told) = (live.client(), live.client().over_hyper().classify(ByStatus));
    let boxed = live.client().classify(ByStatus).boxed();
    plain.circuits().get("a.test").trip();
    let slot = plain.slots().try_acquire("b.test").expect("a slot");
    plain.budgets().get("c.test");
    for (circuits, slots, budgets) in
        [(told.circuits(), told.slots(), told.budgets()), (boxed.circuits(), boxed.slots(), boxed.budgets())]
    {
        assert_eq!(circuits.get("a.test").state(), State::Open);
        assert_eq!(slots.get("b.test").in_flight(), 1);
        assert!(budgets.known("c.test").is_some());
    }
    drop(slot);
}

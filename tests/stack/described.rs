//! What stacks say of themselves, and what is found in those that do harm.

use crate::SECOND;
use buttress::{
    breaker::{BreakerLayer, Circuit, KeyedBreakerLayer, Policy as Breaking},
    budget::{Budget, KeyedBudgets, Rule},
    bulkhead::{BulkheadLayer, KeyedBulkheadLayer, LiveQueue, Queue, Slots},
    fallback::FallbackLayer,
    grpc::{self, ServiceConfig},
    hedge::HedgeLayer,
    http::{
        self, BodyTimeoutLayer, DeadlineLayer, ForRetry, IdempotencyKeyLayer, IdempotencyLayer, Repeatable,
        Resend, SendDeadlineLayer, Unscoped,
    },
    idempotency::Effects,
    lift,
    retry::{Policy, RetryLayer},
    stack::{self, Describe, Description, Harm, Part, Payer, lint},
    store::memory::MemoryStore,
    telemetry::SpanLayer,
    timeout::{TimeoutLayer, TotalLayer},
};
use std::time::Duration;

fn harms(stack: &impl Describe) -> Vec<(Harm, usize, usize)> {
    lint(stack).iter().map(|found| (found.harm, found.outer, found.inner)).collect()
}

fn retry() -> RetryLayer {
    RetryLayer::new(Policy::new())
}

fn timeout(seconds: u32) -> TimeoutLayer {
    TimeoutLayer::new(SECOND * seconds)
}

fn breaker() -> BreakerLayer {
    BreakerLayer::new(&Circuit::new("x", &Breaking::new()))
}

fn bulkhead() -> BulkheadLayer {
    BulkheadLayer::new(&Slots::new("x", 5))
}

#[test]
fn the_standard_stacks_do_no_harm() {
    assert_eq!(harms(&stack::client()), []);
    assert_eq!(harms(&stack::server()), []);
    assert_eq!(harms(&(stack::client(), SendDeadlineLayer::new())), []);
}

#[test]
fn a_stack_prints_its_layers_from_the_outside_in_with_their_numbers() {
    let said = |stack: &dyn std::fmt::Display| -> Vec<String> {
        let lines = stack.to_string();
        lines.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    let client = said(&stack::client().calls_at_once(u32::MAX));
    for (line, begins) in client.iter().zip([
        "1. total 10s around all attempts",
        "2. retry 3 attempts outside the breaker",
        "3. breaker outside the bulkhead",
        "4. bulkhead no limit inside the retry",
        "5. timeout 3s inside the breaker",
    ]) {
        assert!(line.starts_with(begins), "{line}");
    }
    let server = said(&stack::server());
    for (line, begins) in server.iter().zip([
        "1. deadline in of our own, no header outside",
        "2. total 30s",
        "3. bulkhead 512 calls, 256 wait up to 500ms",
    ]) {
        assert!(line.starts_with(begins), "{line}");
    }
    assert_eq!((client.len(), server.len()), (5, 3));
}

#[test]
fn every_layer_says_what_it_is_set_to() {
    let queue = LiveQueue::new(Queue::new(7));
    let stack = (
        DeadlineLayer::new().trust_deadline(SECOND),
        TotalLayer::new(9 * SECOND),
        RetryLayer::new(Policy::new().attempts(4)),
        KeyedBreakerLayer::per_authority(9, &Breaking::new()),
        KeyedBulkheadLayer::per_authority(9, 3).queue(5).max_wait(SECOND),
        bulkhead().queue_by(queue),
        TimeoutLayer::per_request(|_: &()| SECOND),
        SendDeadlineLayer::new(),
    );
    let parts = stack.describe();
    let [deadline, total, retry, breaker, keyed, queued, timeout, out] = parts.parts() else {
        panic!("{parts}")
    };
    assert_eq!(*deadline, Part::DeadlineIn { trusted: Some(SECOND) });
    assert_eq!(*total, Part::Total { limit: Some(9 * SECOND) });
    assert!(matches!(retry, Part::Retry { attempts: 4, .. }));
    assert_eq!((*breaker, *out), (Part::Breaker, Part::DeadlineOut));
    assert_eq!(*keyed, Part::Bulkhead { limit: 3, queue: Some((5, SECOND)) });
    assert_eq!(*queued, Part::Bulkhead { limit: 5, queue: Some((7, SECOND)) });
    assert_eq!(*timeout, Part::Timeout { limit: None });
}

#[test]
fn every_layer_of_ours_may_stand_in_a_stack_that_is_looked_through() {
    let client =
        (FallbackLayer::value("none"), IdempotencyKeyLayer::new(), BodyTimeoutLayer::new(), retry(), lift());
    let server = (
        SpanLayer::new("shop"),
        http::respond(),
        IdempotencyLayer::new(MemoryStore::new(), Unscoped, Effects::Plain),
        breaker(),
    );
    let named = |name| Part::Other { name };
    assert_eq!(client.describe().parts()[..3], [named("fallback"), named("key"), named("body timeout")]);
    assert_eq!(server.describe().parts()[..], [named("span"), named("idempotency"), Part::Breaker]);
    assert!(lint(&client).is_empty() && lint(&server).is_empty());
}

#[tokio::test]
async fn calls_by_a_service_config_are_retries_and_hedges_of_one_budget() {
    let config = |timeout: &str| -> ServiceConfig {
        let text = format!(
            r#"{{"methodConfig": [
                {{"name": [{{"service": "a"}}], {timeout} "retryPolicy": {{"maxAttempts": 4, "initialBackoff": "1s",
                    "maxBackoff": "1s", "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}}}},
                {{"name": [{{"service": "b"}}], "hedgingPolicy": {{"maxAttempts": 2}}}}
            ]}}"#
        );
        text.parse().expect("good")
    };
    let calls = grpc::calls(&config(""));
    let parts = calls.describe();
    assert!(matches!(parts.parts(), [Part::Retry { attempts: 4, .. }, Part::Hedge { .. }]), "{parts}");
    assert_eq!(harms(&(calls.clone(), grpc::lift())), []);
    assert_eq!(harms(&(calls.clone(), stack::client())), [(Harm::RetryUnderRetry, 0, 3)]);
    assert_eq!(harms(&(calls, stack::client().attempts(1))), [], "as the docs of the stacks say it");
    let parts = grpc::calls(&config(r#""timeout": "1s","#)).describe();
    assert_eq!(parts.parts()[0], Part::Total { limit: None });
}

#[test]
fn an_attempt_as_long_as_the_whole_leaves_no_time_for_another() {
    let found = [(Harm::AttemptAsLongAsTotal, 0, 2)];
    assert_eq!(harms(&(timeout(3), retry(), timeout(3))), found);
    assert_eq!(harms(&(TotalLayer::new(3 * SECOND), retry(), timeout(4))), found);
    assert_eq!(harms(&(timeout(10), retry(), timeout(3))), []);
    assert_eq!(harms(&(timeout(3), timeout(3))), [], "there is no other");
    assert_eq!(harms(&(timeout(3), RetryLayer::new(Policy::new().attempts(1)), timeout(3))), []);
    assert_eq!(harms(&stack::client().attempt(10 * SECOND)), [(Harm::AttemptAsLongAsTotal, 0, 4)]);
}

#[test]
fn a_retry_around_a_hedge_is_paid_from_the_same_budget_or_does_harm() {
    let (budget, other) = (Budget::new(), Budget::new());
    let hedge = |payer| Part::Hedge { payer };
    let paid = |budget: &Budget| RetryLayer::new(Policy::new().budget(budget));
    let apart = [(Harm::RetryAndHedgePaidApart, 0, 1)];
    assert_eq!(harms(&(paid(&budget), hedge(Payer::of(&budget.clone())))), []);
    assert_eq!(harms(&(paid(&budget), hedge(Payer::of(&other)))), apart);
    assert_eq!(harms(&(paid(&budget), hedge(Payer::own()))), apart);
    assert_eq!(harms(&(retry(), hedge(Payer::own()))), apart);
    let hedging = HedgeLayer::after(SECOND).all_safe();
    assert_eq!(harms(&(paid(&budget), hedging.clone().budget(&budget))), []);
    assert_eq!(harms(&(paid(&budget), hedging.clone())), apart);
    // One for each host is the same where both have the same.
    let (hosts, others) = (KeyedBudgets::new(9, Rule::default()), KeyedBudgets::new(9, Rule::default()));
    let retry_by = |hosts| http::retry_by(Policy::new(), ForRetry::new(), Resend::new().budgets(hosts));
    let http_by = |hosts| hedging.clone().http_by(Repeatable::new().budgets(hosts));
    assert_eq!(harms(&(retry_by(&hosts), http_by(&hosts))), []);
    assert_eq!(harms(&(retry_by(&hosts), http_by(&others))), apart);
    assert_eq!(
        harms(&(retry_by(&hosts), http_by(&hosts).budget(&budget))),
        [],
        "what was named by host stays"
    );
    assert_eq!(harms(&(http::retry(Policy::new()), hedging.clone().http())), apart);
    assert_eq!(harms(&(paid(&budget), hedging.clone().http().budget(&budget))), []);
    assert_eq!(harms(&(retry_by(&hosts), hedging.clone().replay(Resend::new().budgets(&hosts)))), []);
    assert_eq!(harms(&(retry_by(&hosts), hedging.budgets(&hosts, http::per_authority()))), []);
    let client = stack::client();
    assert_eq!(harms(&(client.clone(), hedge(Payer::by_key(client.budgets())))), []);
    let others = KeyedBudgets::<String>::new(9, Rule::default());
    assert_eq!(harms(&(client, hedge(Payer::by_key(&others)))), [(Harm::RetryAndHedgePaidApart, 1, 5)]);
}

#[test]
fn a_queue_without_an_end_under_a_retry_does_harm() {
    let endless = [(Harm::EndlessQueueUnderRetry, 0, 1)];
    assert_eq!(harms(&(retry(), Part::Queue { len: None })), endless);
    assert_eq!(harms(&(retry(), bulkhead().queue(9).max_wait(Duration::MAX))), endless);
    assert_eq!(harms(&(retry(), bulkhead().queue(9).max_wait(SECOND))), []);
    assert_eq!(harms(&(retry(), Part::Queue { len: Some(9) })), []);
    assert_eq!(harms(&(Part::Queue { len: None }, retry())), [], "outside it holds each call once");
}

#[test]
fn attempts_that_multiply_are_found() {
    assert_eq!(harms(&(retry(), Part::ClientRetries)), [(Harm::ClientRetriesToo, 0, 1)]);
    assert_eq!(harms(&(stack::client(), Part::ClientRetries)), [(Harm::ClientRetriesToo, 1, 5)]);
    assert_eq!(harms(&(retry(), timeout(1), http::retry(Policy::new()))), [(Harm::RetryUnderRetry, 0, 2)]);
    assert_eq!(harms(&(timeout(9), Part::ClientRetries)), [], "it is the only one");
}

#[test]
fn what_belongs_inside_of_the_retry_is_found_outside() {
    assert_eq!(harms(&(bulkhead(), retry())), [(Harm::SlotHeldThroughRetries, 0, 1)]);
    assert_eq!(harms(&(breaker(), retry())), [(Harm::BreakerBlindToAttempts, 0, 1)]);
    assert_eq!(harms(&(retry(), breaker(), bulkhead())), []);
}

#[test]
fn a_finding_says_where_what_and_the_cure() {
    let found = lint(&(timeout(3), retry(), timeout(3)));
    assert_eq!(
        found[0].to_string(),
        "layers 1 and 3: one attempt may take as long as the whole call; give an attempt a third of the whole, or less"
    );
}

#[test]
fn what_is_not_ours_is_named_by_hand() {
    let parts = Description::new().then(Part::Other { name: "trace" }).then(Part::Timeout { limit: None });
    assert_eq!(lint(&parts), []);
    assert!(parts.to_string().starts_with(" 1. trace"));
}

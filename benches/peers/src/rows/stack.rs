//! A whole client's stack, built of layers: what all of them together cost a call that goes well.

use super::retry::ThreeAttempts;
use crate::{
    Bar, Row, calls, clones, pending_calls,
    service::{Broken, Echo, PendsOnce},
};
use buttress::{
    Lifted,
    breaker::{BreakerLayer, Circuit, Policy, Trip},
    bulkhead::{BulkheadLayer, Slots},
    over,
    retry::{self, RetryLayer},
    timeout::{TimeoutLayer, TotalLayer},
};
use recloser::{AnyError, AsyncRecloser, Recloser, RecloserFuture};
use std::{
    fmt::Debug,
    task::{Context, Poll},
    time::Duration,
};
use tower::{
    BoxError, Layer, Service, ServiceBuilder, ServiceExt,
    retry::{Retry, RetryLayer as TowerRetry},
};
use tower_resilience::{
    bulkhead::BulkheadLayer as ResilienceBulkhead,
    circuitbreaker::CircuitBreakerLayer,
    retry::{RetryBudgetBuilder, RetryLayer as ResilienceRetry},
    timelimiter::TimeLimiterLayer,
};

const TOTAL: Duration = Duration::from_secs(10);
const ATTEMPT: Duration = Duration::from_secs(3);
const AT_ONCE: usize = 100;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new("client stack: total, retry, breaker, bulkhead, attempt; inner ready")
            .floor("no layer", || calls(Echo))
            .peer("tower + recloser", || calls(tower_and_recloser(Echo)))
            .peer("tower-resilience", || calls(resilience(Echo)))
            .ours("buttress", || calls(stack(Echo)))
            .bar(bar(60.0, 350.0)),
        Row::new("client stack: total, retry, breaker, bulkhead, attempt; inner pends once")
            .floor("no layer", || pending_calls(PendsOnce))
            .peer("tower + recloser", || pending_calls(tower_and_recloser(PendsOnce)))
            .peer("tower-resilience", || pending_calls(resilience(PendsOnce)))
            .ours("buttress", || pending_calls(stack(PendsOnce)))
            .bar(bar(160.0, 1000.0)),
        Row::new("client stack, clone and oneshot, inner ready")
            .floor("no layer", || clones(Echo))
            .peer("tower + recloser", || clones(tower_and_recloser(Echo)))
            .peer("tower-resilience", || clones(resilience(Echo)))
            .ours("buttress", || clones(stack(Echo)))
            .bar(Bar { nanoseconds: Some(120.0), ..nothing_allocated() }),
    ]
}

fn bar(nanoseconds: f64, instructions: f64) -> Bar {
    Bar { nanoseconds: Some(nanoseconds), instructions: Some(instructions), ..nothing_allocated() }
}

fn nothing_allocated() -> Bar {
    Bar { allocations: Some(0.0), ..Bar::default() }
}

fn stack<S>(service: S) -> impl Service<u64, Response = u64, Error = Lifted<Broken>> + Clone
where
    S: Service<u64, Response = u64, Error = Broken> + Clone,
{
    let circuit = Circuit::new("stock", &Policy::new().trip(Trip::consecutive(5)));
    let layers = (
        TotalLayer::new(TOTAL),
        RetryLayer::new(retry::Policy::new().all_safe()),
        BreakerLayer::new(&circuit),
        BulkheadLayer::new(&Slots::new("stock", AT_ONCE as u32)),
        TimeoutLayer::new(ATTEMPT),
    );
    over(layers, service)
}

/// What is nearest of tower's own, and the breaker that costs least. Its bulkhead waits where ours refuses.
fn tower_and_recloser<S>(service: S) -> impl Service<u64, Response = u64, Error = BoxError> + Clone
where
    S: Service<u64, Response = u64, Error = Broken> + Clone,
{
    let attempt = ServiceBuilder::new().concurrency_limit(AT_ONCE).timeout(ATTEMPT).service(service);
    let recloser = Recloser::custom().closed_len(100).error_rate(0.5).build();
    let guarded = Reclosed { inner: attempt, recloser: recloser.into() }.map_err(|error| match error {
        recloser::Error::Inner(error) => error,
        recloser::Error::Rejected => BoxError::from("open"),
    });
    let retrying: Retry<ThreeAttempts, _> = TowerRetry::new(ThreeAttempts::default()).layer(guarded);
    ServiceBuilder::new().timeout(TOTAL).service(retrying)
}

/// Recloser as a service, as one writes it.
#[derive(Clone)]
struct Reclosed<S> {
    inner: S,
    recloser: AsyncRecloser,
}

impl<S: Service<u64>> Service<u64> for Reclosed<S> {
    type Response = S::Response;
    type Error = recloser::Error<S::Error>;
    type Future = RecloserFuture<S::Future, AnyError>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(recloser::Error::Inner)
    }

    #[inline]
    fn call(&mut self, number: u64) -> Self::Future {
        self.recloser.call(self.inner.call(number))
    }
}

fn resilience<S>(service: S) -> impl Service<u64, Response = u64, Error: Debug> + Clone
where
    S: Service<u64, Response = u64, Error = Broken, Future: Send> + Clone + Send + 'static,
{
    let limit = |limit| TimeLimiterLayer::builder().timeout_duration(limit).build();
    let bulkhead = ResilienceBulkhead::builder().max_concurrent_calls(AT_ONCE).reject_when_full().build();
    let breaker = CircuitBreakerLayer::builder().consecutive_failures(5).build();
    let attempt = bulkhead.expect("a valid setting").layer(limit(ATTEMPT).layer(service));
    limit(TOTAL).layer(retrying(breaker.expect("a valid setting").layer(attempt)))
}

/// The retry of tower-resilience, whose layer has to know the error.
fn retrying<S>(
    service: S,
) -> impl Service<u64, Response = u64, Error = S::Error, Future: Send> + Clone + Send + 'static
where
    S: Service<u64, Response = u64, Future: Send> + Clone + Send + 'static,
    S::Error: Debug + Send + 'static,
{
    let budget = RetryBudgetBuilder::new().token_bucket().max_tokens(100).build().expect("a valid setting");
    ResilienceRetry::<u64, u64, S::Error>::builder().max_attempts(3).budget(budget).build().layer(service)
}

//! Retries that have nothing to do: what every call pays for the one that fails.

use crate::{
    Bar, Row, calls, clones, pending_calls,
    service::{Broken, Echo, PendsOnce},
    under_deadline,
};
use buttress::{
    Lifted,
    budget::{Budget, Rule, Share, Window},
    over,
    retry::{Policy, RetryLayer},
    window::Ratio,
};
use std::{
    fmt::Debug,
    future::{Ready, ready},
    sync::Arc,
};
use tower::{
    Layer, Service,
    retry::{
        Retry,
        budget::{Budget as _, TpsBudget},
    },
};
use tower_resilience::retry::{RetryBudgetBuilder, RetryLayer as ResilienceLayer};

pub(super) fn rows() -> Vec<Row> {
    vec![
        // Tower's and tower-resilience's retries send again whatever fails; only what comes of a first success is measured.
        Row::new("retry, first try succeeds, with budget")
            .floor("no layer", || calls(Echo))
            .peer("tower", || calls(tower_retry(Echo)))
            .peer("tower-resilience", || calls(resilience(Echo)))
            .ours("buttress", || calls(ours(Rule::default(), Echo)))
            .bar(Bar {
                nanoseconds: Some(18.0),
                instructions: Some(100.0),
                allocations: Some(0.0),
                ..Bar::default()
            }),
        Row::new("retry, first try succeeds, inner pends once")
            .floor("no layer", || pending_calls(PendsOnce))
            .peer("tower", || pending_calls(tower_retry(PendsOnce)))
            .peer("tower-resilience", || pending_calls(resilience(PendsOnce)))
            .ours("buttress", || pending_calls(ours(Rule::default(), PendsOnce)))
            .bar(nothing_allocated()),
        // The peers know no deadline.
        Row::new("retry under a deadline, first try succeeds")
            .floor("no layer", || calls(Echo))
            .peer("tower, blind to it", || calls(tower_retry(Echo)))
            .ours("buttress", || under_deadline(calls(ours(Rule::default(), Echo))))
            .bar(nothing_allocated()),
        Row::new("retry, clone and oneshot, first try succeeds")
            .floor("no layer", || clones(Echo))
            .peer("tower", || clones(tower_retry(Echo)))
            .peer("tower-resilience", || clones(resilience(Echo)))
            .ours("buttress", || clones(ours(Rule::default(), Echo)))
            .bar(nothing_allocated()),
        Row::new("retry with a budget over a window, first try succeeds")
            .floor("no layer", || calls(Echo))
            .peer("tower", || calls(tower_retry(Echo)))
            .ours("buttress", || calls(ours(Window::new(0.2).into(), Echo)))
            .bar(nothing_allocated()),
        Row::new("retry with a budget by concurrency, first try succeeds")
            .floor("no layer", || calls(Echo))
            .ours("buttress", || calls(ours(Share::new(Ratio::percent(20)).into(), Echo)))
            .bar(nothing_allocated()),
    ]
}

fn nothing_allocated() -> Bar {
    Bar { allocations: Some(0.0), ..Bar::default() }
}

fn ours<S>(rule: Rule, service: S) -> impl Service<u64, Response = u64, Error = Lifted<Broken>> + Clone
where
    S: Service<u64, Response = u64, Error = Broken> + Clone,
{
    over(RetryLayer::new(Policy::new().all_safe().budget(&Budget::of(rule))), service)
}

/// The policy that everybody writes for tower: three attempts, and tower's own budget.
#[derive(Clone)]
pub(super) struct ThreeAttempts {
    left: u32,
    budget: Arc<TpsBudget>,
}

impl Default for ThreeAttempts {
    fn default() -> Self {
        Self { left: 2, budget: Arc::default() }
    }
}

impl<Res, E> tower::retry::Policy<u64, Res, E> for ThreeAttempts {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut u64, result: &mut Result<Res, E>) -> Option<Ready<()>> {
        if result.is_ok() {
            self.budget.deposit();
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        self.budget.withdraw().then(|| ready(()))
    }

    fn clone_request(&mut self, request: &u64) -> Option<u64> {
        Some(*request)
    }
}

fn tower_retry<S>(service: S) -> Retry<ThreeAttempts, S> {
    Retry::new(ThreeAttempts::default(), service)
}

fn resilience<S>(service: S) -> impl Service<u64, Response = u64, Error: Debug> + Clone
where
    S: Service<u64, Response = u64, Error = Broken, Future: Send> + Clone + Send + 'static,
{
    let budget = RetryBudgetBuilder::new().token_bucket().max_tokens(100).build().expect("a valid setting");
    let layer = ResilienceLayer::<u64, u64, Broken>::builder().max_attempts(3).budget(budget).build();
    layer.layer(service)
}

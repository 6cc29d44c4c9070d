//! The limit of a whole call over that of an attempt, and a whole client's stack: what all layers together cost a call.

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
use std::time::Duration;
use tower::{Service, timeout::Timeout};

const TOTAL: Duration = Duration::from_secs(10);
const ATTEMPT: Duration = Duration::from_secs(3);

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new("total and attempt, inner ready")
            .floor("no layer", || calls(Echo))
            .peer("tower, two timeouts", || calls(two_of_tower(Echo)))
            .peer("buttress, two timeouts", || calls(two_of_ours(Echo)))
            .ours("buttress", || calls(total(Echo)))
            .bar(nothing_allocated()),
        Row::new("total and attempt, inner pends once")
            .floor("no layer", || pending_calls(PendsOnce))
            .peer("tower, two timeouts", || pending_calls(two_of_tower(PendsOnce)))
            .peer("buttress, two timeouts", || pending_calls(two_of_ours(PendsOnce)))
            .ours("buttress", || pending_calls(total(PendsOnce)))
            .bar(nothing_allocated()),
        Row::new("client stack: total, retry, breaker, bulkhead, attempt; inner ready")
            .floor("no layer", || calls(Echo))
            .ours("buttress", || calls(stack(Echo)))
            .bar(bar(60.0, 350.0)),
        Row::new("client stack: total, retry, breaker, bulkhead, attempt; inner pends once")
            .floor("no layer", || pending_calls(PendsOnce))
            .ours("buttress", || pending_calls(stack(PendsOnce)))
            .bar(bar(160.0, 1000.0)),
        Row::new("client stack, clone and oneshot, inner ready")
            .floor("no layer", || clones(Echo))
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

fn two_of_tower<S>(service: S) -> Timeout<Timeout<S>> {
    Timeout::new(Timeout::new(service, ATTEMPT), TOTAL)
}

fn two_of_ours<S>(service: S) -> impl Service<u64, Response = u64, Error = Lifted<Broken>> + Clone
where
    S: Service<u64, Response = u64, Error = Broken> + Clone,
{
    over((TimeoutLayer::new(TOTAL), TimeoutLayer::new(ATTEMPT)), service)
}

fn total<S>(service: S) -> impl Service<u64, Response = u64, Error = Lifted<Broken>> + Clone
where
    S: Service<u64, Response = u64, Error = Broken> + Clone,
{
    over((TotalLayer::new(TOTAL), TimeoutLayer::new(ATTEMPT)), service)
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
        BulkheadLayer::new(&Slots::new("stock", 100)),
        TimeoutLayer::new(ATTEMPT),
    );
    over(layers, service)
}

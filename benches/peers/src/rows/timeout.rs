//! Timeouts that do not pass: what every call pays for the one that hangs.

use crate::{
    Bar, Row, calls, clones, pending_calls,
    service::{Broken, Echo, PendsOnce},
    under_deadline,
};
use std::time::Duration;
use tower::{Layer, Service, timeout::Timeout};
use tower_resilience::timelimiter::TimeLimiterLayer;

const LIMIT: Duration = Duration::from_secs(30);

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new("timeout, inner ready at first poll")
            .floor("no layer", || calls(Echo))
            .peer("tower", || calls(Timeout::new(Echo, LIMIT)))
            .peer("tower-resilience", || calls(resilience(Echo)))
            .ours("buttress", || calls(ours(Echo)))
            .bar(Bar {
                nanoseconds: Some(5.0),
                instructions: Some(60.0),
                allocations: Some(0.0),
                ..Bar::default()
            }),
        Row::new("timeout, inner pends once")
            .floor("no layer", || pending_calls(PendsOnce))
            .peer("tower", || pending_calls(Timeout::new(PendsOnce, LIMIT)))
            .peer("tower-resilience", || pending_calls(resilience(PendsOnce)))
            .ours("buttress", || pending_calls(ours(PendsOnce)))
            .bar(Bar { ratio: Some(1.0), allocations: Some(0.0), ..Bar::default() }),
        // Tower and tower-resilience know no deadline: they stand for the price of a plain timeout.
        Row::new("timeout under a deadline, inner ready")
            .floor("no layer", || calls(Echo))
            .peer("tower, blind to it", || calls(Timeout::new(Echo, LIMIT)))
            .peer("tower-resilience, blind to it", || calls(resilience(Echo)))
            .ours("buttress", || under_deadline(calls(ours(Echo))))
            .bar(Bar { allocations: Some(0.0), ..Bar::default() }),
        Row::new("timeout under a deadline, inner pends once")
            .floor("no layer", || pending_calls(PendsOnce))
            .peer("tower, blind to it", || pending_calls(Timeout::new(PendsOnce, LIMIT)))
            .peer("tower-resilience, blind to it", || pending_calls(resilience(PendsOnce)))
            .ours("buttress", || under_deadline(pending_calls(ours(PendsOnce))))
            .bar(Bar { allocations: Some(0.0), ..Bar::default() }),
        Row::new("timeout, clone and oneshot, inner ready")
            .floor("no layer", || clones(Echo))
            .peer("tower", || clones(Timeout::new(Echo, LIMIT)))
            .peer("tower-resilience", || clones(resilience(Echo)))
            .ours("buttress", || clones(ours(Echo)))
            .bar(Bar { allocations: Some(0.0), ..Bar::default() }),
    ]
}

fn ours<S>(service: S) -> impl Service<u64, Response = u64, Error = buttress::Lifted<Broken>> + Clone
where
    S: Service<u64, Response = u64, Error = Broken> + Clone,
{
    buttress::over(buttress::timeout::TimeoutLayer::new(LIMIT), service)
}

fn resilience<S: Clone>(
    service: S,
) -> tower_resilience::timelimiter::TimeLimiter<S, tower_resilience::timelimiter::FixedTimeout> {
    TimeLimiterLayer::builder().timeout_duration(LIMIT).build().layer(service)
}

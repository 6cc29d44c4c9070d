//! Hedges: what every call pays for the one that is slow.

use crate::{
    Bar, Row, calls, clones, pending_calls,
    service::{Broken, Echo, PendsOnce},
};
use buttress::{Lifted, over, window::Ratio};
use std::time::Duration;
use tower::{
    Layer, Service,
    hedge::{Hedge, Policy},
};
use tower_resilience::hedge::HedgeLayer as ResilienceLayer;

/// Longer than any call here takes, so that no hedge starts.
const DELAY: Duration = Duration::from_secs(30);

pub(super) fn rows() -> Vec<Row> {
    vec![
        // Tower's delay is always learnt.
        Row::new("hedge after a fixed delay, inner ready")
            .floor("no layer", || calls(Echo))
            .peer("tower", || calls(tower(Echo)))
            .peer("tower-resilience", || calls(resilience(Echo)))
            .ours("buttress", || calls(fixed(Echo)))
            .bar(Bar { nanoseconds: Some(14.0), allocations: Some(0.0), ..Bar::default() }),
        // Tower-resilience's delay is always fixed.
        Row::new("hedge after a delay that is learnt, inner ready")
            .floor("no layer", || calls(Echo))
            .peer("tower", || calls(tower(Echo)))
            .ours("buttress", || calls(learnt(Echo)))
            .bar(Bar { nanoseconds: Some(60.0), allocations: Some(0.0), ..Bar::default() }),
        // Without tower-resilience: it polls what is inside only when that has woken it, and this one asks for no waking.
        Row::new("hedge, inner pends once")
            .floor("no layer", || pending_calls(PendsOnce))
            .peer("tower", || pending_calls(tower(PendsOnce)))
            .ours("buttress, fixed", || pending_calls(fixed(PendsOnce)))
            .ours("buttress, learnt", || pending_calls(learnt(PendsOnce)))
            .bar(Bar { allocations: Some(0.0), ..Bar::default() }),
        Row::new("hedge, clone and oneshot, inner ready")
            .floor("no layer", || clones(Echo))
            .peer("tower-resilience", || clones(resilience(Echo)))
            .ours("buttress", || clones(fixed(Echo)))
            .bar(Bar { allocations: Some(0.0), ..Bar::default() }),
    ]
}

fn fixed<S>(service: S) -> impl Service<u64, Response = u64, Error = Lifted<Broken>> + Clone
where
    S: Service<u64, Response = u64, Error = Broken> + Clone,
{
    over(buttress::hedge::HedgeLayer::after(DELAY).all_safe(), service)
}

fn learnt<S>(service: S) -> impl Service<u64, Response = u64, Error = Lifted<Broken>> + Clone
where
    S: Service<u64, Response = u64, Error = Broken> + Clone,
{
    let layer = buttress::hedge::HedgeLayer::quantile(Ratio::percent(95)).between(DELAY, DELAY);
    over(layer.all_safe(), service)
}

#[derive(Clone, Copy, Debug)]
struct All;

impl Policy<u64> for All {
    fn clone_request(&self, request: &u64) -> Option<u64> {
        Some(*request)
    }

    fn can_retry(&self, _: &u64) -> bool {
        true
    }
}

/// From the first call on it knows enough.
fn tower<S>(service: S) -> Hedge<S, All>
where
    S: Service<u64, Response = u64, Error = Broken> + Clone,
{
    Hedge::new(service, All, 1, 0.95, Duration::from_secs(3600))
}

fn resilience<S>(service: S) -> impl Service<u64, Response = u64, Error: std::fmt::Debug> + Clone
where
    S: Service<u64, Response = u64, Error = Broken, Future: Send> + Clone + Send + 'static,
{
    ResilienceLayer::builder().delay(DELAY).max_hedged_attempts(2).build().layer(service)
}

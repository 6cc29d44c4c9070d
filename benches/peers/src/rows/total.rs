//! The limit of a whole call over that of an attempt.

use crate::{
    Bar, Row, calls, pending_calls,
    service::{Broken, Echo, PendsOnce},
};
use buttress::{
    Lifted, over,
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
    ]
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

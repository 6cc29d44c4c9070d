//! Fallbacks: what a call that goes well pays for the answer that it does not need, and what that answer costs.

use crate::{
    Bar, Row, calls,
    service::{Broken, Echo},
};
use buttress::{
    fallback::{Bounds, FallbackLayer},
    outcome::Class,
    over,
};
use std::{
    future::{Ready, ready},
    task::{Context, Poll},
    time::Duration,
};
use tower::{Layer, Service};
use tower_resilience::fallback::FallbackLayer as Theirs;

const AGE: Duration = Duration::from_secs(600);

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new("fallback, not needed")
            .floor("no layer", || calls(Echo))
            .peer("tower-resilience", || calls(theirs().layer(Echo)))
            .ours("buttress, a function", || calls(over(FallbackLayer::function(|_| 0), Echo)))
            .ours("buttress, a value", || calls(over(FallbackLayer::value(0), Echo)))
            // One key, kept once a second.
            .ours("buttress, last good", || {
                calls(over(FallbackLayer::last_good(Bounds::age(AGE), |_: &u64| Some(0_u64)), Echo))
            })
            // The number of the call is the key: 256 of them.
            .ours("buttress, last good by 256 keys", || {
                let layer = FallbackLayer::last_good(Bounds::age(AGE), |number: &u64| Some(number % 256));
                calls(over(layer, Echo))
            })
            .bar(Bar { allocations: Some(0.0), ..Bar::default() }),
        // What the refresh is for.
        Row::new("fallback, not needed, but each answer kept").ours("buttress, last good", || {
            let bounds = Bounds::age(AGE).refresh(Duration::ZERO);
            calls(over(FallbackLayer::last_good(bounds, |_: &u64| Some(0_u64)), Echo))
        }),
        Row::new("fallback, the call fails")
            .peer("tower-resilience", || calls(theirs().layer(Fails)))
            .ours("buttress, a function", || {
                calls(over(FallbackLayer::function(|_| 0).on([Class::Failed]), Fails))
            })
            .ours("buttress, a value", || calls(over(FallbackLayer::value(0).on([Class::Failed]), Fails))),
    ]
}

fn theirs() -> Theirs<u64, u64, Broken> {
    Theirs::value(0)
}

/// Answers at once with an error.
#[derive(Clone, Copy, Debug)]
struct Fails;

impl Service<u64> for Fails {
    type Response = u64;
    type Error = Broken;
    type Future = Ready<Result<u64, Broken>>;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, _: u64) -> Self::Future {
        ready(Err(Broken(Box::default())))
    }
}

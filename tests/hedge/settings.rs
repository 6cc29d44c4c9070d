//! Settings: every one is one that works.

use crate::{HANGS, MS, Replicas, answers, call};
use buttress::{
    hedge::HedgeLayer,
    window::{Quantile, Ratio},
};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn no_hedges_at_most_is_no_hedge_and_more_than_sixteen_are_sixteen() {
    for (max, attempts) in [(0, 1), (1, 2), (16, 17), (17, 17), (u32::MAX, 17)] {
        let replicas = Replicas::new([answers(100 * MS, 200)]);
        let budget = buttress::budget::Budget::unlimited();
        call(HedgeLayer::after(MS).max(max).budget(&budget), &replicas).await.0.expect("answered");
        assert_eq!(replicas.starts().len(), attempts, "{max}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_delay_of_nothing_sends_all_at_once_and_one_of_all_time_none() {
    let replicas = Replicas::new([answers(100 * MS, 200)]);
    call(HedgeLayer::after(Duration::ZERO).max(3), &replicas).await.0.expect("answered");
    assert_eq!(replicas.starts(), [0; 4]);
    let replicas = Replicas::new([answers(100 * MS, 200)]);
    call(HedgeLayer::after(Duration::MAX).max(3), &replicas).await.0.expect("answered");
    assert_eq!(replicas.starts(), [0]);
    // Not never, but after all there is.
    let replicas = Replicas::new([answers(100 * MS, 200)]);
    call(HedgeLayer::after(Duration::MAX - MS).max(3), &replicas).await.0.expect("answered");
    assert_eq!(replicas.starts(), [0]);
}

#[test]
fn the_delay_can_be_looked_up() {
    assert_eq!(HedgeLayer::after(5 * MS).delay(), Some(5 * MS));
    assert_eq!(HedgeLayer::after(Duration::MAX).delay(), None);
    assert_eq!(HedgeLayer::after(5 * MS).max(0).delay(), None);
    assert_eq!(HedgeLayer::quantile(Ratio::new(f64::NAN)).delay(), None);
}

#[tokio::test(start_paused = true)]
async fn any_share_and_any_bounds_are_taken() {
    for share in [Ratio::new(f64::NAN), Ratio::ZERO, Ratio::ONE] {
        for (least, most) in [
            (Duration::ZERO, Duration::ZERO),
            (Duration::MAX, Duration::ZERO),
            (Duration::MAX, Duration::MAX),
        ] {
            let layer = HedgeLayer::learning(Quantile::new(share).least(1)).between(least, most);
            let replicas = Replicas::new([answers(10 * MS, 200), HANGS, answers(MS, 201)]);
            assert_eq!(call(layer.clone(), &replicas).await, (Ok(200), 10));
            let delay = layer.delay().expect("learnt");
            assert_eq!(delay, if most.is_zero() { MS } else { Duration::MAX });
        }
    }
}

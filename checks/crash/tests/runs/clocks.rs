//! F6: clocks that are an hour off, forward on one node and back on another. The store's clock is the one that counts.

use crate::{NODE, OP, killed};
use buttress::idempotency::Effects;
use buttress_crash::{
    nodes::is_there,
    place::{LEASE, Over},
    point::{Nth, Point},
    run::{Run, all},
    single::{Single, is_done},
};
use tokio::time::Instant;

/// Over each store: one node is an hour ahead, one an hour behind, one is right; and nodes are killed.
fn off(operations: u32, turns: u32) -> [Run; 3] {
    [(Over::File, Effects::SameTx), (Over::Postgres, Effects::SameTx), (Over::Redis, Effects::Keyed)].map(
        |(over, effects)| Run { over, effects, clocks: &["+1h", "-1h"], operations, ..killed(turns, 400) },
    )
}

/// Said aloud, where there is nothing to set a clock by.
fn can_be_set() -> bool {
    let can = is_there("faketime");
    if !can {
        println!("skipped: there is no faketime");
    }
    can
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_are_an_hour_off_change_nothing() {
    if !can_be_set() {
        return;
    }
    for (_, came) in all(off(50, 4)).await {
        came.whole();
        assert_eq!(came.report.unknown, 0);
    }
}

/// A node that is an hour ahead dies at work. Its lease is a second, for those who are not ahead, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_from_the_future_is_no_longer_than_any_other() {
    if !can_be_set() {
        return;
    }
    for over in [Over::File, Over::Postgres, Over::Redis] {
        let change = |orders: &mut buttress_crash::orders::Orders| {
            orders.clock = Some("+1h");
            orders.faults.ends = Some(Nth { point: Point::ClaimAcked, time: 1 });
        };
        let Some(mut single) = Single::new(NODE, over, Effects::Keyed, change).await else { continue };
        single.dies_of(0, OP, "").await;
        let died = Instant::now();
        assert!(is_done(&single.send(1, OP, "").await), "{over:?}");
        assert!(died.elapsed() < LEASE * 5, "{over:?}: {:?}", died.elapsed());
        single.check().await.whole();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "ten thousand requests on each store"]
async fn full_size_clocks() {
    if !can_be_set() {
        return;
    }
    for run in off(2_000, 40) {
        let Some(came) = run.go().await else { continue };
        came.whole();
        assert_eq!(came.report.unknown, 0);
    }
}

//! F7: handlers that take about as long as their lease, or three times that, over stores that are slow or hear no sign of life.

use crate::{NODE, OP, calm};
use buttress::idempotency::Effects;
use buttress_crash::{
    client::Told,
    orders::{Faults, Orders},
    place::{LEASE, Over},
    run::{Run, all},
    single::Single,
};
use std::time::Duration;

const LONG: &[&str] = &["long=9", "long=11", "long=30", ""];

/// Where signs of life arrive, a handler may take as long as it likes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_outlasts_its_lease_keeps_it_by_signs_of_life() {
    let faults = Faults { slow: Duration::from_millis(50), ..Faults::default() };
    let run = Run { hows: LONG, faults, operations: 10, at_once: 60, ..calm() };
    let runs =
        [(Over::File, Effects::Plain), (Over::Postgres, Effects::SameTx), (Over::Redis, Effects::Keyed)];
    for (_, came) in all(runs.map(|(over, effects)| Run { over, effects, ..run })).await {
        came.whole();
        assert_eq!((came.report.unknown, came.report.reran), (0, 0), "nobody was taken for dead");
    }
}

/// What is said meanwhile and in the end, where the first node's signs of life get lost and its handler takes that long.
async fn unheard(
    over: Over,
    effects: Effects,
    how: &'static str,
    lease: Duration,
) -> Option<(Told, Told, (u32, u32))> {
    let change = |orders: &mut Orders| {
        orders.lease = lease;
        orders.faults.no_renewals = true;
    };
    let mut single = Single::new(NODE, over, effects, change).await?;
    let first = single.sending(0, OP, how, lease * 10);
    single.until_running(1).await;
    let meanwhile = single.send(1, OP, how).await.told;
    single.hear(OP, first).await;
    let in_the_end = single.send(1, OP, how).await.told;
    single.check().await.whole();
    Some((meanwhile, in_the_end, single.place.happened().await.of(OP)))
}

/// That length of a handler over one store with one kind of effects.
async fn length(over: Over, effects: Effects, how: &'static str, lease: Duration) {
    let Some((meanwhile, in_the_end, happened)) = unheard(over, effects, how, lease).await else { return };
    let outlasts = how != "long=9";
    let at = format!("{over:?}, {effects:?}, {how}: {meanwhile:?}, then {in_the_end:?}");
    assert!(matches!(in_the_end, Told::Done(_)), "{at}");
    if effects == Effects::Plain {
        // Its owner comes back, and knows.
        assert_eq!(meanwhile == Told::Unknown, outlasts, "{at}");
    } else {
        assert_eq!(meanwhile, in_the_end, "{at}");
    }
    // With child keys the late one has run for nothing; in one transaction it is rolled back.
    let runs = 1 + u32::from(outlasts && effects == Effects::Keyed);
    assert_eq!(happened, (1, runs), "{at}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_whose_signs_of_life_get_lost_is_parked_or_taken_over_when_it_outlasts_its_lease() {
    let mut going = Vec::new();
    for over in [Over::File, Over::Postgres, Over::Redis] {
        for effects in [Effects::SameTx, Effects::Keyed, Effects::Plain] {
            if (over, effects) == (Over::Redis, Effects::SameTx) {
                continue;
            }
            // A tenth of a lease has to be more than a busy machine may be late.
            for (how, lease) in [("long=9", LEASE * 8), ("long=11", LEASE * 8), ("long=30", LEASE)] {
                going.push(tokio::spawn(length(over, effects, how, lease)));
            }
        }
    }
    for going in going {
        going.await.expect("as it should be");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "ten thousand requests, most of them longer than a lease"]
async fn full_size_leases() {
    const HOWS: &[&str] = &["long=9", "long=11", "", "", "", "", "", "", "", ""];
    for effects in [Effects::SameTx, Effects::Keyed, Effects::Plain] {
        for no_renewals in [false, true] {
            let faults = Faults { no_renewals, slow: Duration::from_millis(20), ..Faults::default() };
            let run = Run {
                over: Over::Postgres,
                effects,
                hows: HOWS,
                faults,
                operations: 700,
                at_once: 128,
                ..calm()
            };
            let Some(came) = run.go().await else { return };
            came.whole();
        }
    }
}

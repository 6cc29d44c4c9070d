//! What retries add to the load of a server that fails: the model of Brooker's "Fixing retries with token buckets and circuit
//! breakers" (2022), through the real layers, against its figures as they were computed by somebody else.
//!
//! Clients send ten calls a second for ten seconds; the server fails each attempt by itself with the same probability,
//! whatever its load; nobody waits. The load is what arrives, as a multiple of the calls.

use buttress::{
    backoff::{Backoff, Random, Rng},
    budget::{Bucket, Budget},
    over,
    retry::{Policy, RetryLayer},
    window::Ratio,
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use tower::{ServiceExt, service_fn};

#[derive(Clone, Copy, Debug, Default)]
struct Share {
    /// Per cent.
    success: f64,
    load: f64,
}

/// So many clients, each with `calls` calls and a layer of its own, whose budget is what `budget` gives.
async fn storm(
    clients: u32,
    calls: u32,
    fails: f64,
    attempts: u32,
    seed: u64,
    budget: impl Fn() -> Budget,
) -> Share {
    let (rng, arrived) = (Rc::new(RefCell::new(Rng::seeded(seed))), Rc::new(Cell::new(0)));
    let seen = Rc::clone(&arrived);
    let server = service_fn(move |()| {
        arrived.set(arrived.get() + 1);
        let bad = rng.borrow_mut().unit() < fails;
        async move { if bad { Err(std::io::Error::other("down")) } else { Ok(()) } }
    });
    let mut answered = 0;
    for _ in 0..clients {
        let policy =
            Policy::new().all_safe().attempts(attempts).backoff(Backoff::constant(std::time::Duration::ZERO));
        let client = over(RetryLayer::new(policy.budget(&budget())), server.clone());
        for _ in 0..calls {
            answered += u32::from(client.clone().oneshot(()).await.is_ok());
        }
    }
    let sent = f64::from(clients * calls);
    Share { success: 100.0 * f64::from(answered) / sent, load: f64::from(seen.get()) / sent }
}

fn bucket() -> Budget {
    Budget::of(Bucket::new().capacity(5).deposit(Ratio::percent(10)))
}

async fn mean(
    seeds: u64,
    clients: u32,
    calls: u32,
    fails: f64,
    attempts: u32,
    budget: impl Fn() -> Budget,
) -> Share {
    let mut sum = Share::default();
    for seed in 0..seeds {
        let one = storm(clients, calls, fails, attempts, seed, &budget).await;
        sum = Share { success: sum.success + one.success, load: sum.load + one.load };
    }
    Share { success: sum.success / seeds as f64, load: sum.load / seeds as f64 }
}

/// How likely an attempt fails; then success and load without retries, with three, and with a bucket of five tokens a client.
const TABLE: [(f64, [(f64, f64); 3]); 6] = [
    (0.01, [(99.0, 1.00), (100.0, 1.01), (100.0, 1.01)]),
    (0.05, [(95.1, 1.00), (100.0, 1.05), (99.96, 1.05)]),
    (0.1, [(90.0, 1.00), (99.99, 1.11), (99.3, 1.10)]),
    (0.2, [(80.6, 1.00), (99.8, 1.25), (90.4, 1.14)]),
    (0.5, [(51.1, 1.00), (94.0, 1.87), (57.5, 1.14)]),
    (1.0, [(0.0, 1.00), (0.0, 4.00), (0.0, 1.14)]),
];

/// Each cell within so many points of success, and so much load.
async fn agrees(seeds: u64, points: f64, load: f64) {
    for (fails, [none, three, with_bucket]) in TABLE {
        let got = [
            (mean(seeds, 100, 100, fails, 1, Budget::unlimited).await, none),
            (mean(seeds, 100, 100, fails, 4, Budget::unlimited).await, three),
            (mean(seeds, 100, 100, fails, 4, bucket).await, with_bucket),
        ];
        for (got, table) in got {
            let near = (got.success - table.0).abs() <= points && (got.load - table.1).abs() <= load;
            assert!(near, "{fails}: {got:?} against {table:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn success_and_load_are_those_of_the_table() {
    agrees(1, 2.0, 0.04).await;
}

#[tokio::test(start_paused = true)]
#[ignore = "full size: thirty seeds"]
async fn success_and_load_are_those_of_the_table_full_size() {
    agrees(30, 1.5, 0.02).await;
}

/// While few fail, the bucket costs nothing; when all do, it adds a tenth, and what was in it.
#[tokio::test(start_paused = true)]
async fn a_bucket_is_as_good_as_three_retries_while_few_fail_and_adds_its_share_when_many_do() {
    for (fails, _) in TABLE {
        let free = mean(1, 100, 100, fails, 4, Budget::unlimited).await;
        let paid = mean(1, 100, 100, fails, 4, bucket).await;
        assert!(fails > 0.05 || paid.success >= free.success - 1.0, "{fails}: {paid:?}, {free:?}");
        // Five tokens for each hundred calls of a client, and a tenth.
        assert!(paid.load <= 1.15 && paid.load <= free.load + 0.03, "{fails}: {paid:?}, {free:?}");
    }
}

/// A bucket a client: the more clients, the more full buckets there are, until each retries as it likes.
#[tokio::test(start_paused = true)]
async fn buckets_of_their_own_add_up_with_the_clients() {
    for (clients, success, load) in [(10, 88.7, 1.10), (100, 91.2, 1.13), (1000, 98.9, 1.25)] {
        let got = mean(2, clients, 10_000 / clients, 0.2, 4, bucket).await;
        let near = (got.success - success).abs() <= 2.0 && (got.load - load).abs() <= 0.03;
        assert!(near, "{clients} clients: {got:?} against {success} {load}");
    }
}

/// One handle for all of them, and it makes no difference how many there are.
#[tokio::test(start_paused = true)]
async fn one_bucket_for_all_clients_does_not_grow_with_them() {
    for fails in [0.2, 0.5, 1.0] {
        let mut loads = Vec::new();
        for clients in [1, 10, 100, 1000] {
            let budget = bucket();
            loads.push(storm(clients, 10_000 / clients, fails, 4, 7, || budget.clone()).await.load);
        }
        assert!(loads.iter().all(|load| *load == loads[0]), "{fails}: {loads:?}");
        assert!(loads[0] <= 1.1 + 5.0 / 10_000.0, "{fails}: {loads:?}");
    }
}

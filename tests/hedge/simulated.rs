//! Ten thousands of calls to a service with a long tail, through the layer itself: what a hedge is worth, and what it costs.
//!
//! The service is that of "The Tail at Scale" as it is often drawn: 99 calls of 100 are lognormal with a median of 5 ms and a
//! sigma of 0.4, one takes anything from 100 to 1000 ms; replicas are independent, and load does not slow them. What is
//! expected was computed from that model apart from this library, with 400 000 calls. Here a millisecond of the model is a
//! hundred, so that the grain of the timer does not show.

use buttress::{
    backoff::{Random, Rng},
    budget::Budget,
    hedge::HedgeLayer,
    over,
    window::Ratio,
};
use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tower::{Service, ServiceExt, service_fn};

const SCALE: f64 = 100.0;

/// A time of the model, in milliseconds.
fn model(millis: f64) -> Duration {
    Duration::from_secs_f64(millis * SCALE / 1000.0)
}

/// How long the next call takes, in milliseconds of the model.
fn takes(rng: &mut Rng) -> f64 {
    if rng.unit() < 0.01 {
        return 100.0 + 900.0 * rng.unit();
    }
    let normal = (-2.0 * (1.0 - rng.unit()).ln()).sqrt() * (std::f64::consts::TAU * rng.unit()).cos();
    5.0 * (0.4 * normal).exp()
}

/// What came of many calls, one after the other.
struct Found {
    /// In milliseconds of the model.
    times: Vec<f64>,
    /// Attempts beyond one a call, as a share of the calls.
    extra: f64,
}

impl Found {
    fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.times.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[(share * sorted.len() as f64).ceil() as usize - 1]
    }

    /// The half of those who wait for the slowest of a hundred calls wait no longer.
    fn median_of_a_hundred(&self) -> f64 {
        let slowest = self.times.chunks_exact(100).map(|calls| calls.iter().copied().fold(0.0, f64::max));
        Self { times: slowest.collect(), extra: 0.0 }.quantile(0.5)
    }
}

struct Replicas {
    attempts: Arc<AtomicU32>,
    /// They all take so many times as long.
    slower: Arc<AtomicU32>,
}

impl Replicas {
    fn new() -> Self {
        Self { attempts: Arc::default(), slower: Arc::new(AtomicU32::new(1)) }
    }

    fn service(
        &self,
        seed: u64,
    ) -> impl Service<(), Response = (), Error = Infallible, Future: Send> + Clone + use<> {
        let rng = Arc::new(Mutex::new(Rng::seeded(seed)));
        let (attempts, slower) = (Arc::clone(&self.attempts), Arc::clone(&self.slower));
        service_fn(move |()| {
            attempts.fetch_add(1, Relaxed);
            let time = takes(&mut rng.lock().expect("not poisoned")) * f64::from(slower.load(Relaxed));
            async move {
                sleep(model(time)).await;
                Ok(())
            }
        })
    }
}

async fn run<S>(client: S, replicas: &Replicas, calls: u32) -> Found
where
    S: Service<(), Response = ()> + Clone,
    S::Error: std::fmt::Debug,
{
    let before = replicas.attempts.load(Relaxed);
    let mut times = Vec::new();
    for _ in 0..calls {
        let start = Instant::now();
        client.clone().oneshot(()).await.expect("it never fails");
        times.push(start.elapsed().as_secs_f64() * 1000.0 / SCALE);
    }
    let attempts = replicas.attempts.load(Relaxed) - before;
    Found { times, extra: f64::from(attempts) / f64::from(calls) - 1.0 }
}

#[track_caller]
fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found / expected - 1.0).abs() <= tolerance, "{found}, not {expected}");
}

const CALLS: u32 = 40_000;

#[tokio::test(start_paused = true)]
async fn never_hedged_the_tail_is_what_it_is() {
    let replicas = Replicas::new();
    let found = run(replicas.service(1), &replicas, CALLS).await;
    near(found.quantile(0.99), 111.0, 0.25);
    near(found.quantile(0.999), 908.0, 0.05);
    near(found.median_of_a_hundred(), 380.0, 0.15);
    assert_eq!(found.extra, 0.0);
}

#[tokio::test(start_paused = true)]
async fn hedged_after_a_fixed_delay_the_tail_is_cut_forty_times_for_two_hundredths_of_the_load() {
    for (delay, extra, p99, p999, of_a_hundred) in
        [(10.1, 0.050, 14.3, 18.9, 15.0), (12.7, 0.020, 16.0, 21.5, 17.2), (17.5, 0.011, 20.0, 26.2, 21.7)]
    {
        let replicas = Replicas::new();
        let layer = HedgeLayer::after(model(delay)).all_safe();
        let found = run(over(layer, replicas.service(2)), &replicas, CALLS).await;
        near(found.extra, extra, 0.1);
        near(found.quantile(0.99), p99, 0.05);
        near(found.quantile(0.999), p999, 0.15);
        near(found.median_of_a_hundred(), of_a_hundred, 0.05);
        if delay > 12.0 {
            assert!(found.extra <= 0.022 && 908.0 / found.quantile(0.999) > 30.0);
        }
    }
}

/// What is learnt is never less than the quantile and at most a sixteenth more, so the load is a little less.
#[tokio::test(start_paused = true)]
async fn hedged_by_a_quantile_that_it_learns_it_adds_the_share_that_was_asked_for() {
    for (share, extra, p99, p999) in [(95, 0.050, 14.3, 18.9), (98, 0.020, 16.0, 21.5)] {
        let replicas = Replicas::new();
        let layer = HedgeLayer::quantile(Ratio::percent(share)).all_safe();
        let client = over(layer, replicas.service(3));
        run(client.clone(), &replicas, 1000).await;
        let found = run(client, &replicas, CALLS).await;
        assert!(found.extra <= extra * 1.1 && found.extra >= extra * 0.7, "{}", found.extra);
        near(found.quantile(0.99), p99, 0.05);
        near(found.quantile(0.999), p999, 0.15);
    }
}

/// All replicas turn ten times as slow. Without a budget every call is made twice.
#[tokio::test(start_paused = true)]
async fn where_all_replicas_slow_down_the_budget_holds_the_load() {
    let slow_down = async |layer: HedgeLayer| {
        let replicas = Replicas::new();
        let client = over(layer.all_safe(), replicas.service(4));
        run(client.clone(), &replicas, 2000).await;
        replicas.slower.store(10, Relaxed);
        run(client, &replicas, 2000).await.extra
    };
    let p98 = || HedgeLayer::after(model(12.7));
    let unpaid = slow_down(p98().budget(&Budget::unlimited())).await;
    assert!(unpaid > 0.95, "{unpaid}");
    let paid = slow_down(p98()).await;
    assert!(paid > 0.05 && paid <= 0.1 + 10.0 / 2000.0, "{paid}");
    // A delay that is learnt adapts: by the end it is the new quantile, and the budget is hardly needed.
    let learnt = slow_down(HedgeLayer::quantile(Ratio::percent(98))).await;
    assert!(learnt <= 0.1 + 10.0 / 2000.0, "{learnt}");
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_comes_to_the_same_times() {
    let run = async || {
        let replicas = Replicas::new();
        let client = over(HedgeLayer::quantile(Ratio::percent(95)).all_safe(), replicas.service(5));
        run(client, &replicas, 1000).await.times
    };
    assert_eq!(run().await, run().await);
}

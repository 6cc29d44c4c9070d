//! What two threads pay that share one breaker: `cargo bench -p buttress-bench --bench threads`. Needs two cores to itself.
//!
//! One thread and two threads run in turn, some dozen rounds; the median of each. "Scales" is how much more two threads get
//! done than one in the same time: two is the best there is.

use buttress::{
    breaker::{BreakerLayer, Circuit, Circuits, KeyedBreakerLayer, Policy, Trip},
    over,
};
use buttress_bench::{
    Batch, batch, calls, plain, runtime,
    service::{Broken, Echo},
};
use failsafe::{CircuitBreaker as _, backoff, failure_policy};
use recloser::{AsyncRecloser, Recloser};
use std::{
    borrow::Cow,
    collections::HashMap,
    future::ready,
    hint::black_box,
    sync::{Arc, Barrier, RwLock},
    time::{Duration, Instant},
};

const ROUNDS: usize = 31;
const CALLS: u64 = 400_000;
const HOST: &str = "orders.example.com";

/// Makes one thread's share of the work, over state that all of them share.
type Make<'a> = &'a (dyn Fn() -> Batch + Sync);

fn main() {
    println!(
        "| one breaker, closed, shared by | one thread, ns a call | two threads, CPU ns a call | scales |"
    );
    println!("|---|--:|--:|--:|");
    measure("no layer at all", &|| calls(Echo));
    for (name, trip) in [
        ("buttress, failures in a row", Trip::consecutive(5)),
        ("buttress, count window of 100", Trip::over_calls(100)),
        ("buttress, time window of 10 s", Trip::over_time(Duration::from_secs(10))),
    ] {
        let circuit = Circuit::new("bench", &Policy::new().trip(trip));
        measure(name, &|| calls(over(BreakerLayer::new(&circuit), Echo)));
    }
    // What the machine allows where nothing is shared.
    measure("buttress, failures in a row, a breaker for each thread", &|| {
        let circuit = Circuit::new("bench", &Policy::new().trip(Trip::consecutive(5)));
        calls(over(BreakerLayer::new(&circuit), Echo))
    });
    measure("buttress by key, one host", &{
        let circuits = Circuits::new(100, &Policy::new().trip(Trip::consecutive(5)));
        move || {
            let by_host = KeyedBreakerLayer::new(&circuits, |_: &u64| Some(Cow::Borrowed(black_box(HOST))));
            calls(over(by_host, Echo))
        }
    });
    let shared = Arc::new(RwLock::new(HashMap::from([(HOST.to_owned(), Arc::new(0_u64))])));
    measure("only a lookup, RwLock<HashMap>, Arc cloned", &|| {
        let shared = Arc::clone(&shared);
        plain(move |_| drop(black_box(shared.read().map(|map| map.get(black_box(HOST)).cloned()))))
    });
    let ring = AsyncRecloser::from(Recloser::custom().closed_len(100).build());
    measure("recloser, count window of 100", &|| {
        let ring = ring.clone();
        batch(async move |number| buttress_bench::answer(ring.call(ready(Ok::<_, Broken>(number))).await))
    });
    let policy = failure_policy::consecutive_failures(5, backoff::constant(Duration::from_secs(60)));
    let breaker = failsafe::Config::new().failure_policy(policy).build();
    measure("failsafe, failures in a row", &|| {
        let breaker = breaker.clone();
        plain(move |number| buttress_bench::answer(breaker.call(|| Ok::<_, Broken>(number))))
    });
}

fn measure(name: &str, make: Make<'_>) {
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        one.push(round(1, make));
        two.push(round(2, make));
    }
    let (one, two) = (median(one), median(two));
    println!("| {name} | {one:.1} | {two:.1} | {:.2}x |", 2.0 * one / two);
}

/// Nanoseconds from the first start to the last end, a call of one thread.
#[expect(clippy::disallowed_methods, reason = "measures real time; nothing here is ever paused")]
fn round(threads: usize, make: Make<'_>) -> f64 {
    let barrier = Barrier::new(threads);
    let spans: Vec<(Instant, Instant)> = std::thread::scope(|scope| {
        let work = || {
            let runtime = runtime();
            let mut batch = {
                let _inside = runtime.enter();
                make()
            };
            batch(&runtime, 1000);
            barrier.wait();
            let start = Instant::now();
            batch(&runtime, CALLS);
            (start, Instant::now())
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().map(|thread| thread.join().expect("no contender panics")).collect()
    });
    let start = spans.iter().map(|span| span.0).min().expect("a thread");
    let end = spans.iter().map(|span| span.1).max().expect("a thread");
    (end - start).as_nanos() as f64 / CALLS as f64
}

fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

//! Loads whose memory is measured: more keys than a store may hold, and more callers of one key than may wait.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::Request,
    routing::post,
};
use buttress::{
    http::{IdempotencyLayer, Unscoped},
    idempotency::Effects,
    store::memory::MemoryStore,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep},
};
use tower::ServiceExt;

/// What a load has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Calls that were answered by the handler, or as it has.
    pub answered: usize,
    /// Calls that were refused.
    pub refused: usize,
    /// How often the handler ran.
    pub runs: usize,
    /// By how many KiB the process has grown at most.
    pub kib: usize,
    /// How long it took, in milliseconds.
    pub millis: usize,
}

impl Load {
    /// For the test that has started the process.
    pub fn say(&self) {
        let Self { answered, refused, runs, kib, millis } = self;
        println!("{answered} {refused} {runs} {kib} {millis}");
    }

    /// What was said.
    ///
    /// # Panics
    /// Where it is something else.
    #[must_use]
    pub fn heard(said: &str) -> Self {
        let numbers: Vec<usize> =
            said.split_whitespace().map(|word| word.parse().expect("a number")).collect();
        let [answered, refused, runs, kib, millis] = numbers[..] else { panic!("five numbers: {said}") };
        Self { answered, refused, runs, kib, millis }
    }
}

/// Calls under way at once, where each has a key of its own.
const AT_ONCE: usize = 64;

/// So many calls, each with a key of its own, to a store of at most so many records. `passing`: each is forgotten soon.
///
/// # Panics
/// Never.
pub async fn keys(keys: usize, records: usize, passing: bool) -> Load {
    let runs = Arc::new(AtomicUsize::new(0));
    let store = MemoryStore::new().max_records(records);
    let mut layer = IdempotencyLayer::new(store, Unscoped, Effects::Plain).required();
    if passing {
        // A record leaves a lease after its time to live.
        layer = layer.ttl(Duration::from_millis(1)).lease(Duration::from_millis(20));
    }
    let count = |State(runs): State<Arc<AtomicUsize>>| async move {
        runs.fetch_add(1, Relaxed);
        "done"
    };
    let app = Router::new().route("/", post(count)).layer(layer).with_state(Arc::clone(&runs));
    let (before, began) = (resident("VmRSS"), Instant::now());
    let next = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (app, next) = (app.clone(), Arc::clone(&next));
        callers.spawn(async move {
            let mut load = Load::default();
            loop {
                let key = next.fetch_add(1, Relaxed);
                if key >= keys {
                    return load;
                }
                let is_answered = ask(app.clone(), &format!("key-{key}")).await;
                load.answered += usize::from(is_answered);
                load.refused += usize::from(!is_answered);
                // A full store that forgets has room again in a moment.
                if passing && !is_answered {
                    sleep(Duration::from_millis(1)).await; // real: the memory of a process
                }
            }
        });
    }
    sum(callers, &runs, before, began).await
}

/// So many callers of one key wait for its one run; a tenth more than may.
///
/// # Panics
/// Never.
pub async fn hot(waiters: usize) -> Load {
    let (runs, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let layer = IdempotencyLayer::new(MemoryStore::new(), Unscoped, Effects::Plain)
        .required()
        .wait(Duration::from_secs(60))
        .max_waiting(waiters, waiters);
    let slow = |State((runs, go)): State<(Arc<AtomicUsize>, Arc<Notify>)>| async move {
        runs.fetch_add(1, Relaxed);
        go.notified().await;
        "done"
    };
    let state = (Arc::clone(&runs), Arc::clone(&go));
    let app = Router::new().route("/", post(slow)).layer(layer).with_state(state);
    let (before, began) = (resident("VmRSS"), Instant::now());
    let mut callers = JoinSet::new();
    for _ in 0..=waiters + waiters / 10 {
        let app = app.clone();
        callers.spawn(async move {
            let is_answered = ask(app, "hot").await;
            Load { answered: is_answered.into(), refused: (!is_answered).into(), ..Load::default() }
        });
    }
    // Those who may not wait are told at once; then all the others are waiting.
    let mut all = Load::default();
    for _ in 0..waiters / 10 {
        let told = callers.join_next().await.expect("a caller").expect("no panic");
        all.refused += told.refused;
    }
    go.notify_one();
    let rest = sum(callers, &runs, before, began).await;
    Load { refused: all.refused + rest.refused, ..rest }
}

async fn ask(app: Router, key: &str) -> bool {
    let request = Request::post("/").header("idempotency-key", key).body(Body::from("pay"));
    let answer = app.oneshot(request.expect("a request")).await.expect("it answers");
    let is_good = answer.status().is_success();
    let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    is_good && body == "done"
}

async fn sum(mut callers: JoinSet<Load>, runs: &AtomicUsize, before: usize, began: Instant) -> Load {
    let mut all = Load::default();
    while let Some(load) = callers.join_next().await {
        let load = load.expect("no panic");
        all.answered += load.answered;
        all.refused += load.refused;
    }
    let millis = usize::try_from(began.elapsed().as_millis()).unwrap_or(usize::MAX);
    Load { runs: runs.load(Relaxed), kib: resident("VmHWM").saturating_sub(before), millis, ..all }
}

/// How many KiB the process has, or has had at most, as Linux counts.
fn resident(line: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let number = status.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':'));
    number.and_then(|number| number.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0)
}

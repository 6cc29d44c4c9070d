//! Operations a second, claimed and finished, at 1, 16 and 64 clients at once: `cargo bench -p buttress-bench-stores`.
//!
//! Beside each store stands the bare statement that a table of keys would need at the least, over the same connections and with
//! the same durability: it remembers that a key was there, and nothing else. `BUTTRESS_TEST_POSTGRES` and
//! `BUTTRESS_TEST_REDIS` name the servers; what is not named is skipped, and said so. With `--seconds 5` each number is
//! taken over five seconds instead of two.

mod bare;
mod claims;
mod postgres;
mod redis;
mod sqlite;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::runtime::{Builder, Runtime};

const CLIENTS: [usize; 3] = [1, 16, 64];

/// One client: makes one operation, and tells when it is done.
pub(crate) trait Client: Send + 'static {
    fn operate(&mut self) -> impl Future<Output = ()> + Send;
}

/// What is measured, at each number of clients; every client has its own part of `make`.
pub(crate) struct Bench {
    runtime: Runtime,
    time: Duration,
}

impl Bench {
    pub(crate) fn block_on<F: Future>(&self, work: F) -> F::Output {
        self.runtime.block_on(work)
    }

    /// A line of the table.
    pub(crate) fn row<C: Client>(&self, name: &str, mut make: impl FnMut() -> C) {
        let cells = CLIENTS.map(|clients| {
            let clients: Vec<C> = (0..clients).map(|_| make()).collect();
            let (rate, median) = self.measure(clients);
            format!("{rate:.0} ({:.2})", median.as_secs_f64() * 1e3)
        });
        println!("| {name} | {} |", cells.join(" | "));
    }

    /// Operations a second, and how long the one in the middle took.
    fn measure<C: Client>(&self, clients: Vec<C>) -> (f64, Duration) {
        self.runtime.block_on(async {
            let (begun, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
            let tasks: Vec<_> = clients
                .into_iter()
                .map(|client| tokio::spawn(run(client, Arc::clone(&begun), Arc::clone(&over))))
                .collect();
            // Connections are made and plans prepared before anything is counted.
            tokio::time::sleep(self.time / 4).await;
            begun.store(true, Relaxed);
            let start = now();
            tokio::time::sleep(self.time).await;
            over.store(true, Relaxed);
            let counted = start.elapsed();
            let mut took = Vec::new();
            for task in tasks {
                took.extend(task.await.expect("no client panics"));
            }
            took.sort_unstable();
            let median = took.get(took.len() / 2).copied().unwrap_or_default();
            (took.len() as f64 / counted.as_secs_f64(), median)
        })
    }
}

async fn run<C: Client>(mut client: C, begun: Arc<AtomicBool>, over: Arc<AtomicBool>) -> Vec<Duration> {
    let mut took = Vec::new();
    loop {
        let start = now();
        client.operate().await;
        // What ends after the time is not of it.
        if over.load(Relaxed) {
            return took;
        }
        if begun.load(Relaxed) {
            took.push(start.elapsed());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "measures real time; nothing here is ever paused")]
fn now() -> Instant {
    Instant::now()
}

fn main() {
    let seconds = std::env::args().skip_while(|arg| arg != "--seconds").nth(1);
    let seconds = seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or(2);
    let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let bench = Bench { runtime, time: Duration::from_secs(seconds) };
    println!("| operations a second (median milliseconds of one), by clients | 1 | 16 | 64 |");
    println!("|---|--:|--:|--:|");
    sqlite::measure(&bench);
    postgres::measure(&bench);
    redis::measure(&bench);
}

//! Nanoseconds a call, by interleaved batches: A B C A B C .., several hundred rounds, the median of each.
//!
//! What disturbs the machine disturbs neighbours in time alike, so a ratio is taken within a round, and the median of
//! the rounds is told. `cargo bench -p buttress-bench --bench time -- timeout` measures the rows whose name has the word.

use buttress_bench::{
    Batch, Role, Row, rows, runtime,
    table::{Line, Time},
};
use std::time::{Duration, Instant};
use tokio::{runtime::Runtime, task::yield_now};

const ROUNDS: usize = 400;
/// Long against a read of the clock and an entry of the runtime, short against a slice of the scheduler.
const BATCH: Duration = Duration::from_micros(100);

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let runtime = runtime();
    for row in rows::all() {
        if wanted.is_empty() || wanted.iter().any(|word| row.name.contains(word.as_str())) {
            for line in measure(&row, &runtime) {
                println!("{}", line.print());
            }
        }
    }
}

struct Lane {
    batch: Batch,
    calls: u64,
    /// Nanoseconds a call, by round.
    rounds: Vec<f64>,
}

fn measure(row: &Row, runtime: &Runtime) -> Vec<Line> {
    let mut lanes: Vec<Lane> = {
        let _inside = runtime.enter();
        row.contenders.iter().map(|contender| Lane::new(contender.make())).collect()
    };
    for lane in &mut lanes {
        lane.calibrate(runtime);
    }
    for _ in 0..ROUNDS {
        for lane in &mut lanes {
            let nanoseconds = lane.run(runtime).as_secs_f64() * 1e9;
            lane.rounds.push(nanoseconds / lane.calls as f64);
        }
    }

    let peers = || row.contenders.iter().zip(&lanes).filter(|(contender, _)| contender.role == Role::Peer);
    let best = peers().map(|(_, lane)| lane).min_by(|a, b| median(&a.rounds).total_cmp(&median(&b.rounds)));
    let tower = peers().find(|(contender, _)| contender.is_tower()).map(|(_, lane)| lane);
    row.contenders
        .iter()
        .zip(&lanes)
        .map(|(contender, lane)| {
            let sorted = sorted(&lane.rounds);
            let at = |part: f64| sorted[((sorted.len() - 1) as f64 * part) as usize];
            let time = Time {
                median: at(0.5),
                low_quartile: at(0.25),
                high_quartile: at(0.75),
                to_best: ratio(lane, best),
                to_tower: ratio(lane, tower),
            };
            Line::new(row.name, contender.name, &time.values())
        })
        .collect()
}

impl Lane {
    fn new(batch: Batch) -> Self {
        Self { batch, calls: 1, rounds: Vec::with_capacity(ROUNDS) }
    }

    /// Finds how many calls fill a batch, and warms up on the way.
    fn calibrate(&mut self, runtime: &Runtime) {
        while self.run(runtime) < BATCH {
            self.calls *= 2;
        }
        let best = (0..9).map(|_| self.run(runtime)).min().unwrap_or(BATCH);
        self.calls = ((self.calls as f64 * BATCH.as_secs_f64() / best.as_secs_f64()) as u64).max(1);
    }

    fn run(&mut self, runtime: &Runtime) -> Duration {
        // The timer wheel turns between batches, as it does in a server; it is not measured.
        runtime.block_on(yield_now());
        let start = now();
        (self.batch)(runtime, self.calls);
        now() - start
    }
}

fn ratio(lane: &Lane, to: Option<&Lane>) -> f64 {
    to.map_or(f64::NAN, |to| {
        let ratios: Vec<f64> = lane.rounds.iter().zip(&to.rounds).map(|(a, b)| a / b).collect();
        median(&ratios)
    })
}

fn median(values: &[f64]) -> f64 {
    sorted(values)[(values.len() - 1) / 2]
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[expect(clippy::disallowed_methods, reason = "measures real time; nothing here is ever paused")]
fn now() -> Instant {
    Instant::now()
}

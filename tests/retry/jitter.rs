//! What jitter is good for: the model of the AWS Architecture Blog's "Exponential Backoff And Jitter" (2015), over our own
//! delays, against its figures as they were computed by somebody else.
//!
//! Clients contend for one row: each reads its version, writes, and is refused if another has written meanwhile; then it waits
//! and reads again. A message takes |N(10, 2)| ms. Each client writes once.

use buttress::backoff::{Backoff, Delays, Jitter, Random, Rng};
use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

const MS: Duration = Duration::from_millis(1);
const CAP: Duration = Duration::from_secs(2);

/// A message of a client on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Message {
    Read,
    Version(u32),
    Write(u32),
    Done(bool),
}

/// The time until the last one is done, in milliseconds, and the writes that were sent.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    millis: f64,
    writes: f64,
}

struct Model {
    rng: Rng,
    /// When, for whom, what.
    coming: BinaryHeap<Reverse<(Duration, usize, Message)>>,
}

impl Model {
    /// Two uniform numbers make a normal one (Box and Muller).
    fn network(&mut self) -> Duration {
        let (one, two) = (1.0 - self.rng.unit(), self.rng.unit());
        let normal = (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * two).cos();
        Duration::from_secs_f64((10.0 + 2.0 * normal).abs() / 1000.0)
    }

    fn send(&mut self, at: Duration, who: usize, message: Message) {
        let arrives = at + self.network();
        self.coming.push(Reverse((arrives, who, message)));
    }

    fn run(seed: u64, clients: usize, backoff: Option<Backoff>) -> Cost {
        let mut model = Self { rng: Rng::seeded(seed), coming: BinaryHeap::new() };
        let mut delays: Vec<Option<Delays>> = vec![backoff.map(Backoff::start); clients];
        (0..clients).for_each(|who| model.send(Duration::ZERO, who, Message::Read));
        let (mut version, mut cost) = (0, Cost::default());
        while let Some(Reverse((now, who, message))) = model.coming.pop() {
            match message {
                Message::Read => model.send(now, who, Message::Version(version)),
                Message::Version(seen) => {
                    cost.writes += 1.0;
                    model.send(now, who, Message::Write(seen));
                }
                Message::Write(seen) => {
                    let good = seen == version;
                    version += u32::from(good);
                    model.send(now, who, Message::Done(good));
                }
                Message::Done(true) => cost.millis = now.as_secs_f64() * 1000.0,
                Message::Done(false) => {
                    let wait = delays[who].as_mut().map(|delays| delays.next(&mut model.rng));
                    model.send(now + wait.unwrap_or_default(), who, Message::Read);
                }
            }
        }
        cost
    }
}

fn mean(runs: u64, clients: usize, backoff: Option<Backoff>) -> Cost {
    let costs = (0..runs).map(|seed| Model::run(seed, clients, backoff));
    let sum = costs.fold(Cost::default(), |sum, cost| Cost {
        millis: sum.millis + cost.millis,
        writes: sum.writes + cost.writes,
    });
    Cost { millis: sum.millis / runs as f64, writes: sum.writes / runs as f64 }
}

/// The base is doubled before the first wait there; decorrelated delays begin at the base itself.
fn kinds() -> [Option<Backoff>; 5] {
    let doubled = Backoff::exponential(10 * MS).cap(CAP);
    let decorrelated = Backoff::exponential(5 * MS).cap(CAP).jitter(Jitter::Decorrelated);
    [
        None,
        Some(doubled.jitter(Jitter::None)),
        Some(doubled.jitter(Jitter::Equal)),
        Some(doubled.jitter(Jitter::Full)),
        Some(decorrelated),
    ]
}

const FULL: usize = 3;

/// Clients; then, for none, exponential, equal, full and decorrelated, milliseconds and writes: means of 30 runs.
const TABLE: [(usize, [(f64, f64); 5]); 3] = [
    (10, [(371.0, 50.0), (3294.0, 50.0), (742.0, 43.0), (462.0, 39.0), (454.0, 38.0)]),
    (50, [(1140.0, 689.0), (36_652.0, 623.0), (4399.0, 346.0), (2774.0, 331.0), (2127.0, 373.0)]),
    (100, [(2044.0, 2429.0), (64_671.0, 1877.0), (6719.0, 814.0), (4895.0, 794.0), (4786.0, 1000.0)]),
];

/// How far each cell may be from the table, in time and in writes.
fn agrees(runs: u64, within: f64) {
    let far = |got: f64, table: f64| (got - table).abs() > within * table + 1.0;
    for (clients, row) in TABLE {
        for (backoff, (millis, writes)) in kinds().into_iter().zip(row) {
            let cost = mean(runs, clients, backoff);
            assert!(
                !far(cost.millis, millis) && !far(cost.writes, writes),
                "{clients} clients, {backoff:?}: {cost:?} against {millis} ms, {writes} writes"
            );
        }
    }
}

/// The table is a mean of 30 runs itself, and so carries an error of a few per cent.
#[test]
fn the_figures_are_those_of_the_table() {
    agrees(30, 0.15);
}

#[test]
#[ignore = "full size: a thousand runs of each cell"]
fn the_figures_are_those_of_the_table_full_size() {
    agrees(1000, 0.05);
}

#[test]
fn without_jitter_it_takes_longest_and_without_delays_it_costs_most() {
    let costs = kinds().map(|backoff| mean(5, 100, backoff));
    for (kind, cost) in costs.iter().enumerate() {
        assert!(kind == 1 || cost.millis < costs[1].millis / 5.0, "{costs:?}");
        assert!(kind == 0 || cost.writes < costs[0].writes, "{costs:?}");
        assert!(kind == FULL || cost.writes > costs[FULL].writes, "full jitter is the least work: {costs:?}");
    }
}

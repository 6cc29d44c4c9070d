//! F4: a server that ends itself at each named point of an operation, over each store and with each kind of effects; what the next
//! server makes of it, as a table.
//!
//! In every cell the server has done one operation well before, and dies of its second; a third server is asked what has become of
//! that one.

use crate::NODE;
use buttress::idempotency::Effects;
use buttress_crash::{
    Op,
    client::{Heard, Told},
    nodes::Node,
    orders::{Faults, Orders, word},
    place::{Over, Place},
    point::{Nth, Point},
    single::Single,
};
use std::{collections::BTreeMap, fmt};

const STORES: [(&str, Over); 3] =
    [("sqlite", Over::File), ("postgres", Over::Postgres), ("redis", Over::Redis)];

/// What has become of an operation whose server died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Becomes {
    /// The next server ran it, as the so many-th attempt.
    RanBy(u64),
    /// The record had its answer, of the so many-th attempt.
    Replayed(u64),
    /// Nobody knows, and nobody runs it.
    Parked,
}

/// And how often it has happened, of how many runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    becomes: Becomes,
    effects: u32,
    runs: u32,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.becomes {
            Becomes::RanBy(attempt) => write!(f, "attempt {attempt} runs"),
            Becomes::Replayed(attempt) => write!(f, "attempt {attempt} replayed"),
            Becomes::Parked => write!(f, "parked"),
        }?;
        write!(f, ", {} of {}", self.effects, self.runs)
    }
}

/// What the documentation promises.
fn promised(point: Point, effects: Effects) -> Cell {
    use Becomes::{Parked, RanBy, Replayed};
    // It may be run again, and in one transaction the first run has left nothing.
    let first_run = u32::from(effects != Effects::SameTx);
    let again = |runs_before: u32| Cell { becomes: RanBy(2), effects: 1, runs: 1 + runs_before };
    match (point, effects) {
        // The store has never heard of it.
        (Point::ClaimSent, _) => Cell { becomes: RanBy(1), effects: 1, runs: 1 },
        (Point::ClaimAcked | Point::RenewSent | Point::RenewAcked, Effects::Plain) => {
            Cell { becomes: Parked, effects: 0, runs: 0 }
        }
        (Point::ClaimAcked | Point::RenewSent | Point::RenewAcked, _) => again(0),
        (Point::EffectDone | Point::FinishSent, Effects::Plain) => {
            Cell { becomes: Parked, effects: 1, runs: 1 }
        }
        (Point::EffectDone | Point::FinishSent, _) => again(first_run),
        (Point::FinishAcked, _) => Cell { becomes: Replayed(1), effects: 1, runs: 1 },
    }
}

/// All points of one store and one kind of effects.
async fn column(over: Over, effects: Effects) -> Option<Vec<Cell>> {
    let place = Place::new(NODE, over).await?;
    // The heir is of the same orders, without an end of its own.
    let mut single = Single::at(place, effects, |_| {}).await;
    let mut cells = Vec::new();
    for (at, point) in Point::ALL.into_iter().enumerate() {
        let number = u32::try_from(at).expect("seven") * 2;
        let (before, op) = (Op { tenant: 0, number }, Op { tenant: 0, number: number + 1 });
        let renews = matches!(point, Point::RenewSent | Point::RenewAcked);
        let ends = Some(Nth { point, time: 2 });
        let orders = single.place.orders(effects);
        single.nodes[0] =
            Node::start(NODE, Orders { faults: Faults { ends, ..orders.faults }, ..orders }).await;

        // The second sign of life comes at two thirds of a lease.
        let (short, how) = ("", if renews { "long=12" } else { "" });
        single.send(0, before, short).await;
        single.dies_of(0, op, how).await;
        let heard = single.send(1, op, how).await;
        let (count, runs) = single.place.happened().await.of(op);
        cells.push(Cell { becomes: becomes(&heard), effects: count, runs });
        // Whoever is told so is told nothing else later.
        let once_more = single.send(1, op, how).await;
        assert_eq!(once_more.told, heard.told, "{point:?}");
    }
    single.check().await.whole();
    Some(cells)
}

fn becomes(heard: &Heard) -> Becomes {
    match &heard.told {
        Told::Unknown => Becomes::Parked,
        Told::Done(body) => {
            let mut words = body.split(' ').skip_while(|word| *word != "attempt").skip(1);
            let attempt = words.next().and_then(|number| number.parse().ok()).expect("an attempt");
            if heard.replayed { Becomes::Replayed(attempt) } else { Becomes::RanBy(attempt) }
        }
        other => panic!("nothing final: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_dies_at_any_named_point_leaves_what_is_promised() {
    let kinds = [Effects::SameTx, Effects::Keyed, Effects::Plain];
    let mut columns = BTreeMap::new();
    let mut tasks = Vec::new();
    for (store, over) in STORES {
        for effects in kinds {
            // By its type this store takes part in no transaction.
            if (over, effects) != (Over::Redis, Effects::SameTx) {
                tasks.push((store, effects, tokio::spawn(column(over, effects))));
            }
        }
    }
    for (store, effects, task) in tasks {
        if let Some(cells) = task.await.expect("no panic") {
            columns.insert((word(effects), store), cells);
        }
    }

    println!("effects of runs, after a death at that point and one more request");
    println!("{:<9} {:<13} {:<27} {:<27} redis", "effects", "point", "sqlite", "postgres");
    let mut wrong = Vec::new();
    for effects in kinds {
        for (at, point) in Point::ALL.into_iter().enumerate() {
            let promise = promised(point, effects);
            let mut line = format!("{:<9} {:<13}", word(effects), point.name());
            for (store, _) in STORES {
                let cell = columns.get(&(word(effects), store)).map(|cells| cells[at]);
                let text = cell.map_or_else(|| "-".to_owned(), |cell| cell.to_string());
                line.push_str(&format!(" {text:<27}"));
                if cell.is_some_and(|cell| cell != promise) {
                    wrong.push(format!("{store}, {effects:?}, {}: {text}, not {promise}", point.name()));
                }
            }
            println!("{}", line.trim_end());
        }
    }
    assert!(columns.contains_key(&("plain", "sqlite")), "a file is always there");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! Payments that are sent several times, by a client that hears nothing, to a server that is killed in the middle: each is made
//! once, and what nobody can know is said and settled by hand.
//!
//! Run it with `cargo run --example idempotent_payments`. It starts itself again as the server, and as what an operator uses:
//! `-- list FILE` shows the payments of which nobody knows, `-- resolve FILE ID done|not-done` settles one.

mod client;
mod ledger;
mod operator;
mod server;

use client::{Client, Heard};
use ledger::Ledger;
use server::Server;
use std::{path::PathBuf, time::Duration};
use tokio::time::sleep;

/// So long a payment belongs to a server that gives no sign of life.
const LEASE: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => demo().await,
        ["serve", dir] => server::serve(&PathBuf::from(dir)).await,
        ["list", file] => operator::list(file).await.map(drop),
        ["resolve", file, id, word] => operator::resolve(file, id, word).await,
        _ => Err("usage: idempotent_payments [list FILE | resolve FILE ID done|not-done]".into()),
    }
}

async fn demo() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join(format!("buttress-payments-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let ended = story(&dir).await;
    std::fs::remove_dir_all(&dir)?;
    ended
}

async fn story(dir: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let (records, ledger) = (dir.join("records.db"), Ledger::at(dir));
    let records = records.to_str().ok_or("a path of text")?;

    println!("Four payments, each sent three times at once, with one key each.");
    let server = Server::start(dir).await?;
    let client = Client::new(server.address);
    for order in ["tea", "milk", "cups", "pots"] {
        let (a, b, c) = tokio::join!(client.pay(order), client.pay(order), client.pay(order));
        let paid = [a, b, c].into_iter().filter(|heard| matches!(heard, Heard::Paid)).count();
        println!("  {order}: one ran, {} were told to wait or got its answer", 3 - paid);
        assert_eq!(paid, 1);
        assert_eq!(client.pay(order).await, Heard::Replayed, "the answer is kept");
    }

    println!("Two more, and the server is killed while it is at them: one has been written, one has not.");
    let (beans, bread) = (client.pay("beans, then hang"), client.pay("hang, then bread"));
    let kill = async {
        while !ledger.read().contains(&"beans".to_owned()) || server.began() < 2 {
            sleep(Duration::from_millis(10)).await; // real: another process
        }
        server.kill();
    };
    let (beans, bread, ()) = tokio::join!(beans, bread, kill);
    assert_eq!((beans, bread), (Heard::Nothing, Heard::Nothing));

    println!("The server is back, and the client sends all six again.");
    let server = Server::start(dir).await?;
    let client = Client::new(server.address);
    assert!(matches!(client.pay("beans, then hang").await, Heard::Wait | Heard::NobodyKnows));
    sleep(LEASE + Duration::from_millis(200)).await; // real: the lease of a dead server
    for order in ["tea", "milk", "cups", "pots"] {
        assert_eq!(client.pay(order).await, Heard::Replayed);
    }
    for order in ["beans, then hang", "hang, then bread"] {
        let heard = client.pay(order).await;
        println!("  {order}: {heard:?}");
        assert_eq!(heard, Heard::NobodyKnows, "running it again could charge twice");
    }

    println!("An operator lists them, looks into the ledger, and settles them.");
    let parked = operator::list(records).await?;
    assert_eq!(parked.len(), 2);
    for id in parked {
        // What the ledger says is what has happened.
        let beans = client.id_of("beans, then hang") == id;
        operator::resolve(records, &id, if beans { "done" } else { "not-done" }).await?;
    }
    assert_eq!(client.pay("beans, then hang").await, Heard::Replayed);
    assert_eq!(client.pay("hang, then bread").await, Heard::Paid, "now it may run, and does not hang");
    server.kill();

    println!("The ledger:");
    let mut paid = ledger.read();
    paid.iter().for_each(|order| println!("  paid: {order}"));
    paid.sort();
    assert_eq!(paid, ["beans", "bread", "cups", "milk", "pots", "tea"], "each once");
    Ok(())
}

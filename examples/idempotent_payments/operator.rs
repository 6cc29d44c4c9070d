//! What an operator has in hand: the payments of which nobody knows, and the word that settles one.

use buttress::{
    idempotency::{Body, KeyStore, Resolution, Stored},
    store::SqliteStore,
};
use std::time::{Duration, SystemTime};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Prints them, and gives their ids.
pub(super) async fn list(file: &str) -> Outcome<Vec<String>> {
    let parked = SqliteStore::open(file)?.parked(None, 100).await?;
    for record in &parked {
        println!("  {}: attempt {}, last heard of {:.1?} ago", record.id, record.token, record.age);
    }
    Ok(parked.iter().map(|record| record.id.to_string()).collect())
}

/// Settles one by the front of its id.
pub(super) async fn resolve(file: &str, id: &str, word: &str) -> Outcome<()> {
    let store = SqliteStore::open(file)?;
    let parked = store.parked(None, 100).await?;
    let record =
        parked.iter().find(|record| record.id.to_string() == id).ok_or("there is none of that id")?;
    let resolution = match word {
        // The answer that the client gets, now and whenever it asks again.
        "done" => {
            let body = Body::Kept(b"paid, as found in the ledger");
            let plain = [("content-type", "text/plain")];
            Resolution::Done(Stored::encode(201, SystemTime::now(), plain, body, [("", ""); 0]))
        }
        "not-done" => Resolution::NotDone,
        _ => return Err("it is done or not-done".into()),
    };
    store.resolve(record.id, record.token, resolution, Duration::from_secs(86_400)).await?;
    println!("  {id}: {word}");
    Ok(())
}

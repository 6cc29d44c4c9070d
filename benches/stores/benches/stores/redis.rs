//! Redis: one connection that all clients share, as the store has it.

use crate::{
    Bench,
    bare::{Bare, fresh},
    claims::{ANSWER, Claims},
};
use buttress::{key::Key, store::RedisStore};
use redis::{Client, aio::ConnectionManager};

pub(crate) fn measure(bench: &Bench) {
    let Ok(url) = std::env::var("BUTTRESS_TEST_REDIS") else {
        println!("| Redis: skipped, BUTTRESS_TEST_REDIS is not set | | | |");
        return;
    };
    // Keys of this run's own, which are gone a few seconds after it.
    let prefix = format!("bench:{}", Key::random().as_str());
    let store = bench.block_on(RedisStore::connect(&url)).expect("the server answers").prefix(&prefix);
    bench.row("Redis: buttress", || Claims::over(store.clone()));

    let client = Client::open(url).expect("an address");
    let connection = bench.block_on(ConnectionManager::new(client)).expect("the server answers");
    bench.row("Redis: bare `SET NX EX`; no end", || {
        let (connection, prefix) = (connection.clone(), prefix.clone());
        Bare(move || set(connection.clone(), prefix.clone()))
    });
}

async fn set(mut connection: ConnectionManager, prefix: String) {
    let mut key = prefix.into_bytes();
    key.extend(fresh());
    let mut set = redis::cmd("SET");
    set.arg(key).arg(&ANSWER[..]).arg("NX").arg("EX").arg(10);
    let () = set.query_async(&mut connection).await.expect("written");
}

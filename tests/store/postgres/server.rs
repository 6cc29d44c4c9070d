//! The tables, races over many connections, and a server that is away.

use super::{pool, store};
use crate::common::{DAY, answer, attempt, fresh, one_winner_a_round, won};
use buttress::{
    idempotency::{Claim, Ending, KeyStore, Trouble},
    store::PgStore,
};
use deadpool_postgres::{Manager, Pool};
use futures_util::future::join_all;
use tokio_postgres::NoTls;

#[tokio::test]
async fn nodes_that_start_at_once_make_the_tables_once() {
    let Some(pool) = pool(8).await else { return };
    let nodes: Vec<_> = (0..8)
        .map(|_| {
            let store = PgStore::new(pool.clone());
            tokio::spawn(async move { store.migrate().await })
        })
        .collect();
    for node in nodes {
        node.await.expect("no panic").expect("made, or there");
    }
    won(&PgStore::new(pool), fresh(), attempt()).await;
}

/// Where a role or a database has another default, who waits for its turn must not look with old eyes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_start_at_once_make_the_tables_once_under_any_isolation() {
    for level in ["repeatable read", "serializable"] {
        let Some(pool) = pool(16).await else { return };
        let held = join_all((0..16).map(|_| pool.get())).await;
        for client in &held {
            let client = client.as_ref().expect("a connection");
            let set = format!("SET default_transaction_isolation = '{level}'");
            client.batch_execute(&set).await.expect("set");
        }
        drop(held);
        let nodes = (0..16).map(|_| {
            let store = PgStore::new(pool.clone());
            tokio::spawn(async move { store.migrate().await })
        });
        for node in join_all(nodes.collect::<Vec<_>>()).await {
            node.expect("no panic").expect("made, or there");
        }
    }
}

#[tokio::test]
async fn tables_of_a_newer_version_are_refused_and_left_alone() {
    let Some((store, pool)) = store(1).await else { return };
    let hold = won(&store, fresh(), attempt()).await;
    let client = pool.get().await.expect("a connection");
    client.execute("UPDATE buttress_meta SET version = 99", &[]).await.expect("written");
    drop(client);
    let refused = store.migrate().await.expect_err("they are newer");
    assert_eq!(refused.trouble(), Trouble::Unreadable);
    let client = pool.get().await.expect("a connection");
    let row = client.query_one("SELECT version FROM buttress_meta", &[]).await.expect("there");
    assert_eq!(row.get::<_, i32>(0), 99);
    drop(client);
    store.finish(hold, Ending::Released, DAY).await.expect("untouched");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_wins_of_sixteen_over_sixteen_connections() {
    let Some((store, _)) = store(16).await else { return };
    one_winner_a_round(&[store], 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "400 rounds"]
async fn full_size_one_wins_of_sixteen_on_postgres() {
    let Some((store, _)) = store(16).await else { return };
    one_winner_a_round(&[store], 400).await;
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable() {
    let config = "host=127.0.0.1 port=1 user=nobody connect_timeout=1".parse().expect("a connection string");
    let store = PgStore::new(Pool::builder(Manager::new(config, NoTls)).build().expect("a pool"));
    let error = store.claim(fresh(), attempt()).await.expect_err("nobody listens there");
    assert_eq!(error.trouble(), Trouble::Unavailable);
}

/// What the server restarts with: the connection is gone, and the next step gets another.
#[tokio::test]
async fn a_connection_that_was_cut_is_replaced() {
    let Some((store, pool)) = store(1).await else { return };
    let hold = won(&store, fresh(), attempt()).await;
    let client = pool.get().await.expect("a connection");
    let cut = client.query_one("SELECT pg_terminate_backend(pg_backend_pid())", &[]).await;
    assert!(cut.is_err(), "it was ours");
    // The pool looks at this when it is given back.
    while !client.is_closed() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await; // real: the end of a socket comes when it comes
    }
    drop(client);
    store.finish(hold, Ending::Done(answer(b"x")), DAY).await.expect("over another connection");
    assert!(matches!(store.claim(hold.id, attempt()).await, Ok(Claim::Done(_))));
}

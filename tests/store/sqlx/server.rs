//! The tables, races over many connections, a server that is away, and nodes that speak to it by another crate.

use super::{pool, run, store};
use crate::common::{DAY, answer, attempt, fresh, one_winner_a_round, won};
use buttress::{
    idempotency::{Claim, Ending, KeyStore, Trouble},
    store::SqlxStore,
};
use futures_util::future::join_all;
use sqlx::{Postgres, QueryBuilder, postgres::PgPoolOptions};
use std::time::Duration;

#[tokio::test]
async fn nodes_that_start_at_once_make_the_tables_once() {
    let Some(pool) = pool(8).await else { return };
    let nodes: Vec<_> = (0..8)
        .map(|_| {
            let store = SqlxStore::new(pool.clone());
            tokio::spawn(async move { store.migrate().await })
        })
        .collect();
    for node in nodes {
        node.await.expect("no panic").expect("made, or there");
    }
    won(&SqlxStore::new(pool), fresh(), attempt()).await;
}

/// Where a role or a database has another default, who waits for its turn must not look with old eyes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_start_at_once_make_the_tables_once_under_any_isolation() {
    for level in ["repeatable read", "serializable"] {
        let Some(pool) = pool(16).await else { return };
        let held = join_all((0..16).map(|_| pool.acquire())).await;
        for client in held {
            let mut client = client.expect("a connection");
            let set = format!("SET default_transaction_isolation = '{level}'");
            QueryBuilder::<Postgres>::new(set).build().execute(&mut *client).await.expect("set");
        }
        let nodes = (0..16).map(|_| {
            let store = SqlxStore::new(pool.clone());
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
    run(&pool, "UPDATE buttress_meta SET version = 99".to_owned()).await;
    let refused = store.migrate().await.expect_err("they are newer");
    assert_eq!(refused.trouble(), Trouble::Unreadable);
    let version: i32 =
        sqlx::query_scalar("SELECT version FROM buttress_meta").fetch_one(&pool).await.expect("there");
    assert_eq!(version, 99);
    store.finish(hold, Ending::Released, DAY).await.expect("untouched");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_wins_of_sixteen_over_sixteen_connections() {
    let Some((store, _)) = store(16).await else { return };
    one_winner_a_round(&[store], 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "400 rounds"]
async fn full_size_one_wins_of_sixteen_by_sqlx() {
    let Some((store, _)) = store(16).await else { return };
    one_winner_a_round(&[store], 400).await;
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable() {
    let options = PgPoolOptions::new().acquire_timeout(Duration::from_secs(1));
    let pool = options.connect_lazy("postgres://nobody@127.0.0.1:1/").expect("a connection string");
    let error = SqlxStore::new(pool).claim(fresh(), attempt()).await.expect_err("nobody listens there");
    assert_eq!(error.trouble(), Trouble::Unavailable);
}

/// What the server restarts with: the connection is gone, and the next step gets another.
#[tokio::test]
async fn a_connection_that_was_cut_is_replaced() {
    let Some((store, pool)) = store(1).await else { return };
    let hold = won(&store, fresh(), attempt()).await;
    let cut = sqlx::query("SELECT pg_terminate_backend(pg_backend_pid())").execute(&pool).await;
    assert!(cut.is_err(), "it was ours");
    store.finish(hold, Ending::Done(answer(b"x")), DAY).await.expect("over another connection");
    assert!(matches!(store.claim(hold.id, attempt()).await, Ok(Claim::Done(_))));
}

/// One table, two crates: what one node has begun by sqlx, another ends by tokio-postgres, and the other way round.
#[cfg(feature = "postgres")]
#[tokio::test]
async fn nodes_by_either_crate_share_one_table() {
    use buttress::store::PgStore;
    use deadpool_postgres::{Manager, Pool};

    let Some((by_sqlx, pool)) = store(2).await else { return };
    let schema: String =
        sqlx::query_scalar("SELECT current_schema()::text").fetch_one(&pool).await.expect("it answers");
    let url = std::env::var("BUTTRESS_TEST_POSTGRES").expect("it is set");
    let mut config: tokio_postgres::Config = url.parse().expect("a connection string");
    config.options(format!("-c search_path={schema}"));
    let pool =
        Pool::builder(Manager::new(config, tokio_postgres::NoTls)).max_size(2).build().expect("a pool");
    let plain = PgStore::new(pool);
    plain.migrate().await.expect("they are there");

    let hold = won(&by_sqlx, fresh(), attempt()).await;
    assert!(matches!(plain.claim(hold.id, attempt()).await, Ok(Claim::Busy { .. })));
    plain.finish(hold, Ending::Done(answer(b"tea")), DAY).await.expect("it is that one's");
    assert!(
        matches!(by_sqlx.claim(hold.id, attempt()).await, Ok(Claim::Done(told)) if told == answer(b"tea"))
    );

    let hold = won(&plain, fresh(), attempt()).await;
    assert!(matches!(by_sqlx.claim(hold.id, attempt()).await, Ok(Claim::Busy { .. })));
    by_sqlx.renew(hold, DAY).await.expect("it is that one's");
    by_sqlx.finish(hold, Ending::Done(answer(b"milk")), DAY).await.expect("it is that one's");
    assert!(
        matches!(plain.claim(hold.id, attempt()).await, Ok(Claim::Done(told)) if told == answer(b"milk"))
    );
}

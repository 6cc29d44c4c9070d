//! What is true of every store, over PostgreSQL by sqlx; and what its transactions add.

use buttress::{store::SqlxStore, testing::key_store::Stage};
use sqlx::{
    PgPool, Postgres, QueryBuilder,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

mod handler;
mod in_tx;
mod server;

const UNIT: Duration = Duration::from_millis(150);

/// Tables of this test's own, on the server that the environment names; `None`, said aloud, where it names none.
pub(crate) async fn pool(connections: u32) -> Option<PgPool> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Ok(url) = std::env::var("BUTTRESS_TEST_POSTGRES") else {
        println!("skipped: BUTTRESS_TEST_POSTGRES is not set");
        return None;
    };
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let schema = format!("store_sqlx_{}_{number}", std::process::id());
    let options: PgConnectOptions = url.parse().expect("a connection string");
    let options = options.options([("search_path", &schema)]);
    let pool = PgPoolOptions::new().max_connections(connections).connect_with(options).await;
    let pool = pool.expect("the server answers");
    run(&pool, format!("CREATE SCHEMA {schema}")).await;
    Some(pool)
}

pub(crate) async fn store(connections: u32) -> Option<(SqlxStore, PgPool)> {
    let pool = pool(connections).await?;
    let store = SqlxStore::new(pool.clone());
    store.migrate().await.expect("the tables are made");
    Some((store, pool))
}

/// What the application says for itself.
pub(crate) async fn run(pool: &PgPool, sql: String) {
    QueryBuilder::<Postgres>::new(sql).build().execute(pool).await.expect("it is run");
}

mod facts {
    use super::*;

    async fn server() -> Option<Stage<SqlxStore>> {
        Some(Stage::new(store(4).await?.0, UNIT))
    }

    buttress::key_store_facts!(server, #[tokio::test(flavor = "multi_thread", worker_threads = 2)]);
}

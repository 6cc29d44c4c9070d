//! What is true of every store, over PostgreSQL; and what its transactions add.

use buttress::{store::PgStore, testing::key_store::Stage};
use deadpool_postgres::{Manager, Pool};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio_postgres::{Config, NoTls};

mod in_tx;
mod server;

const UNIT: Duration = Duration::from_millis(150);

/// Tables of this test's own, on the server that the environment names; `None`, said aloud, where it names none.
pub(crate) async fn pool(connections: usize) -> Option<Pool> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Ok(url) = std::env::var("BUTTRESS_TEST_POSTGRES") else {
        println!("skipped: BUTTRESS_TEST_POSTGRES is not set");
        return None;
    };
    let mut config: Config = url.parse().expect("a connection string");
    let (client, connection) = config.connect(NoTls).await.expect("the server answers");
    tokio::spawn(connection);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let schema = format!("store_{}_{number}", std::process::id());
    client.batch_execute(&format!("CREATE SCHEMA {schema}")).await.expect("made");
    config.options(format!("-c search_path={schema}"));
    Some(Pool::builder(Manager::new(config, NoTls)).max_size(connections).build().expect("a pool"))
}

pub(crate) async fn store(connections: usize) -> Option<(PgStore, Pool)> {
    let pool = pool(connections).await?;
    let store = PgStore::new(pool.clone());
    store.migrate().await.expect("the tables are made");
    Some((store, pool))
}

mod facts {
    use super::*;

    async fn server() -> Option<Stage<PgStore>> {
        Some(Stage::new(store(4).await?.0, UNIT))
    }

    buttress::key_store_facts!(server, #[tokio::test(flavor = "multi_thread", worker_threads = 2)]);
}

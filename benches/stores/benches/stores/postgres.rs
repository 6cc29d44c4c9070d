//! PostgreSQL: as durable as the server is set up to be, for both.

use crate::{
    Bench,
    bare::{Bare, fresh},
    claims::{ANSWER, Claims},
};
use buttress::store::PgStore;
use deadpool_postgres::{Manager, Pool};
use tokio_postgres::{Client, Config, NoTls};

/// Connections, however many clients there are: as a service would have them.
const CONNECTIONS: usize = 16;

pub(crate) fn measure(bench: &Bench) {
    let Ok(url) = std::env::var("BUTTRESS_TEST_POSTGRES") else {
        println!("| PostgreSQL: skipped, BUTTRESS_TEST_POSTGRES is not set | | | |");
        return;
    };
    let config: Config = url.parse().expect("a connection string");
    let schema = format!("bench_{}", std::process::id());
    let (owner, pool) = bench.block_on(prepare(config, &schema));

    let store = PgStore::new(pool.clone());
    bench.block_on(store.migrate()).expect("the tables are made");
    bench.row(&format!("PostgreSQL, {CONNECTIONS} connections: buttress"), || Claims::over(store.clone()));

    bench
        .block_on(owner.batch_execute("CREATE TABLE keys (key bytea PRIMARY KEY, answer bytea)"))
        .expect("a table");
    bench.row(
        &format!("PostgreSQL, {CONNECTIONS} connections: bare `INSERT .. ON CONFLICT`; no end"),
        || {
            let pool = pool.clone();
            Bare(move || {
                let pool = pool.clone();
                async move { insert(&pool).await }
            })
        },
    );
    bench.block_on(owner.batch_execute(&format!("DROP SCHEMA {schema} CASCADE"))).expect("gone");
}

/// Tables of this run's own.
async fn prepare(mut config: Config, schema: &str) -> (Client, Pool) {
    let make = |config: Config| async move {
        let (client, connection) = config.connect(NoTls).await.expect("the server answers");
        tokio::spawn(connection);
        client
    };
    make(config.clone()).await.batch_execute(&format!("CREATE SCHEMA {schema}")).await.expect("made");
    config.options(format!("-c search_path={schema}"));
    let owner = make(config.clone()).await;
    let pool = Pool::builder(Manager::new(config, NoTls)).max_size(CONNECTIONS).build();
    (owner, pool.expect("a pool"))
}

async fn insert(pool: &Pool) {
    let db = pool.get().await.expect("a connection");
    let statement = db
        .prepare_cached("INSERT INTO keys VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .await
        .expect("a statement");
    let written = db.execute(&statement, &[&fresh().as_slice(), &ANSWER.as_slice()]).await;
    assert_eq!(written.expect("written"), 1);
}

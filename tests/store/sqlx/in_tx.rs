//! Effects and record in one transaction of sqlx: finished there, or claimed there as well.

use super::{run, store};
use crate::common::{DAY, answer, attempt, fresh, leased, won};
use buttress::idempotency::{Claim, Ending, Hold, InTx, KeyStore, Lost, Recovery};
use sqlx::{Connection, PgConnection, PgPool};
use std::time::Duration;

const ORDER: &str = "INSERT INTO orders (what) VALUES ('tea')";

async fn shop(pool: &PgPool) {
    run(pool, "CREATE TABLE orders (id serial PRIMARY KEY, what text)".to_owned()).await;
}

async fn orders(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(pool).await.expect("it answers")
}

#[tokio::test]
async fn effect_and_record_commit_together_or_not_at_all() {
    let Some((store, pool)) = store(4).await else { return };
    shop(&pool).await;
    for commits in [false, true] {
        let hold = won(&store, fresh(), attempt()).await;
        let mut tx = pool.begin().await.expect("begun");
        sqlx::query(ORDER).execute(&mut *tx).await.expect("written");
        store.set_recovery_in(&mut tx, hold, Recovery::new("ordered", *b"tea")).await.expect("it is ours");
        store.finish_in(&mut tx, hold, Ending::Done(answer(b"tea")), DAY).await.expect("it is ours");
        if commits { tx.commit().await } else { tx.rollback().await }.expect("ended");
        assert_eq!(orders(&pool).await, i64::from(commits));
        let found = store.claim(hold.id, attempt()).await.expect("it answers");
        assert!(if commits { matches!(found, Claim::Done(_)) } else { matches!(found, Claim::Busy { .. }) });
    }
}

/// Over a bare connection, whose transaction was begun by hand.
#[tokio::test]
async fn a_fenced_owner_is_told_before_it_commits() {
    let Some((store, pool)) = store(4).await else { return };
    shop(&pool).await;
    let id = fresh();
    let late = won(&store, id, leased(Duration::from_millis(1))).await;
    // real: the server's clock runs
    tokio::time::sleep(Duration::from_millis(30)).await;
    let heir = won(&store, id, attempt()).await;
    assert_eq!((late.token, heir.token), (1, 2));

    let mut lent = pool.acquire().await.expect("a connection");
    let connection: &mut PgConnection = &mut lent;
    for (hold, is_fenced) in [(late, true), (heir, false)] {
        sqlx::query("BEGIN").execute(&mut *connection).await.expect("begun");
        sqlx::query(ORDER).execute(&mut *connection).await.expect("written");
        let said = store.finish_in(connection, hold, Ending::Done(answer(b"tea")), DAY).await;
        assert_eq!(matches!(said, Err(Lost::Fenced)), is_fenced, "{said:?}");
        let ends = if said.is_ok() { "COMMIT" } else { "ROLLBACK" };
        sqlx::query(ends).execute(&mut *connection).await.expect("ended");
        assert_eq!(orders(&pool).await, i64::from(!is_fenced));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_in_a_transaction_holds_others_until_it_ends() {
    let Some((store, pool)) = store(4).await else { return };
    for commits in [false, true] {
        let id = fresh();
        let mut tx = pool.begin().await.expect("begun");
        let mine = attempt();
        let Claim::Mine { token, .. } = store.claim_in(&mut tx, id, mine).await.expect("it answers") else {
            panic!("nobody has it")
        };
        let other = tokio::spawn({
            let store = store.clone();
            async move { store.claim(id, attempt()).await }
        });
        // real: it waits at the server, which no clock of ours moves
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!other.is_finished(), "it waits for the transaction");
        let hold = Hold { id, token, nonce: mine.nonce };
        store.finish_in(&mut tx, hold, Ending::Done(answer(b"tea")), DAY).await.expect("it is ours");
        if commits { tx.commit().await } else { tx.rollback().await }.expect("ended");
        let found = other.await.expect("no panic").expect("it answers");
        assert!(if commits {
            matches!(found, Claim::Done(_))
        } else {
            matches!(found, Claim::Mine { token: 1, .. })
        });
    }
}

#[tokio::test]
async fn whoever_will_not_wait_for_a_transaction_says_so_by_lock_timeout() {
    let Some((store, pool)) = store(4).await else { return };
    let id = fresh();
    let mut held = pool.begin().await.expect("begun");
    store.claim_in(&mut held, id, attempt()).await.expect("it answers");

    let mut tx = pool.begin().await.expect("begun");
    sqlx::query("SET LOCAL lock_timeout = '20ms'").execute(&mut *tx).await.expect("set");
    let found = store.claim_in(&mut tx, id, attempt()).await.expect("it answers");
    assert!(matches!(found, Claim::Busy { remaining: Duration::ZERO, .. }), "{found:?}");
}

/// A savepoint is a transaction in a transaction, and is rolled back alone.
#[tokio::test]
async fn an_end_in_a_savepoint_goes_with_it() {
    let Some((store, pool)) = store(4).await else { return };
    let hold = won(&store, fresh(), attempt()).await;
    let mut tx = pool.begin().await.expect("begun");
    let mut within = tx.begin().await.expect("begun");
    store.finish_in(&mut within, hold, Ending::Done(answer(b"tea")), DAY).await.expect("it is ours");
    within.rollback().await.expect("ended");
    tx.commit().await.expect("ended");
    let found = store.claim(hold.id, attempt()).await.expect("it answers");
    assert!(matches!(found, Claim::Busy { .. }), "{found:?}");
}

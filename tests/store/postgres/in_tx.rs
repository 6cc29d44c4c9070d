//! Effects and record in one transaction: finished there, or claimed there as well.

use super::store;
use crate::common::{DAY, answer, attempt, fresh, leased, won};
use buttress::idempotency::{Claim, Ending, Hold, InTx, KeyStore, Lost, Recovery};
use deadpool_postgres::Pool;
use std::time::Duration;
use tokio_postgres::IsolationLevel;

async fn shop(pool: &Pool) {
    let client = pool.get().await.expect("a connection");
    client.batch_execute("CREATE TABLE orders (id serial PRIMARY KEY, what text)").await.expect("made");
}

async fn orders(pool: &Pool) -> i64 {
    let client = pool.get().await.expect("a connection");
    client.query_one("SELECT count(*) FROM orders", &[]).await.expect("it answers").get(0)
}

#[tokio::test]
async fn effect_and_record_commit_together_or_not_at_all() {
    let Some((store, pool)) = store(4).await else { return };
    shop(&pool).await;
    for commits in [false, true] {
        let hold = won(&store, fresh(), attempt()).await;
        let mut client = pool.get().await.expect("a connection");
        let mut tx = client.transaction().await.expect("begun");
        tx.execute("INSERT INTO orders (what) VALUES ('tea')", &[]).await.expect("written");
        store.set_recovery_in(&mut tx, hold, Recovery::new("ordered", *b"tea")).await.expect("it is ours");
        store.finish_in(&mut tx, hold, Ending::Done(answer(b"tea")), DAY).await.expect("it is ours");
        if commits { tx.commit().await } else { tx.rollback().await }.expect("ended");
        assert_eq!(orders(&pool).await, i64::from(commits));
        let found = store.claim(hold.id, attempt()).await.expect("it answers");
        assert!(if commits { matches!(found, Claim::Done(_)) } else { matches!(found, Claim::Busy { .. }) });
    }
}

#[tokio::test]
async fn a_transaction_that_a_renewal_has_overtaken_is_made_again() {
    let Some((store, pool)) = store(4).await else { return };
    shop(&pool).await;
    let hold = won(&store, fresh(), attempt()).await;
    let mut client = pool.get().await.expect("a connection");
    for overtaken in [true, false] {
        let serializable = client.build_transaction().isolation_level(IsolationLevel::Serializable);
        let mut tx = serializable.start().await.expect("begun");
        tx.execute("INSERT INTO orders (what) VALUES ('tea')", &[]).await.expect("written");
        if overtaken {
            store.renew(hold, DAY).await.expect("it is ours");
        }
        let said = store.finish_in(&mut tx, hold, Ending::Done(answer(b"tea")), DAY).await;
        if overtaken {
            assert!(matches!(said, Err(Lost::Store(_))), "not fenced, and not done: {said:?}");
            tx.rollback().await.expect("rolled back");
        } else {
            said.expect("it is ours");
            tx.commit().await.expect("committed");
        }
    }
    drop(client);
    assert_eq!(orders(&pool).await, 1);
    assert!(matches!(store.claim(hold.id, attempt()).await, Ok(Claim::Done(_))));
}

/// The same over a transaction of `tokio-postgres` itself, for those who have no pool of this kind.
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

    let mut client = pool.get().await.expect("a connection");
    let plain: &mut tokio_postgres::Client = &mut client;
    let mut tx = plain.transaction().await.expect("begun");
    tx.execute("INSERT INTO orders (what) VALUES ('tea')", &[]).await.expect("written");
    let said = store.finish_in(&mut tx, late, Ending::Done(answer(b"tea")), DAY).await;
    assert!(matches!(said, Err(Lost::Fenced)), "{said:?}");
    tx.rollback().await.expect("rolled back");
    assert_eq!(orders(&pool).await, 0);

    let mut tx = plain.transaction().await.expect("begun");
    tx.execute("INSERT INTO orders (what) VALUES ('tea')", &[]).await.expect("written");
    store.finish_in(&mut tx, heir, Ending::Done(answer(b"tea")), DAY).await.expect("it is the heir's");
    tx.commit().await.expect("committed");
    drop(client);
    assert_eq!(orders(&pool).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_in_a_transaction_holds_others_until_it_ends() {
    let Some((store, pool)) = store(4).await else { return };
    for commits in [false, true] {
        let id = fresh();
        let mut client = pool.get().await.expect("a connection");
        let mut tx = client.transaction().await.expect("begun");
        let mine = attempt();
        let Claim::Mine { token, .. } = store.claim_in(&tx, id, mine).await.expect("it answers") else {
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
    let mut first = pool.get().await.expect("a connection");
    let held = first.transaction().await.expect("begun");
    store.claim_in(&held, id, attempt()).await.expect("it answers");

    let mut second = pool.get().await.expect("a connection");
    let tx = second.transaction().await.expect("begun");
    tx.batch_execute("SET LOCAL lock_timeout = '20ms'").await.expect("set");
    let found = store.claim_in(&tx, id, attempt()).await.expect("it answers");
    assert!(matches!(found, Claim::Busy { remaining: Duration::ZERO, .. }), "{found:?}");
}

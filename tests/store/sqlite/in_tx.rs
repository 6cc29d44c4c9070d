//! Effects and record in one transaction of the application's own file.

use super::Dir;
use crate::common::{DAY, answer, attempt, fresh, leased, won};
use buttress::{
    idempotency::{Claim, Ending, InTx, KeyStore, Lost, Recovery},
    store::SqliteStore,
};
use rusqlite::{Connection, TransactionBehavior};
use std::time::Duration;

struct Shop {
    store: SqliteStore,
    db: Connection,
    _dir: Dir,
}

fn shop() -> Shop {
    let dir = Dir::new();
    let store = SqliteStore::open(dir.path()).expect("it opens");
    let db = Connection::open(dir.path()).expect("it opens");
    db.execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY, what TEXT)").expect("made");
    Shop { store, db, _dir: dir }
}

fn orders(db: &Connection) -> u32 {
    db.query_row("SELECT count(*) FROM orders", [], |row| row.get(0)).expect("it answers")
}

#[tokio::test]
async fn effect_and_record_commit_together() {
    let Shop { store, mut db, _dir } = shop();
    let hold = won(&store, fresh(), attempt()).await;
    let mut tx = db.transaction_with_behavior(TransactionBehavior::Immediate).expect("begun");
    tx.execute("INSERT INTO orders (what) VALUES ('tea')", []).expect("written");
    store.set_recovery_in(&mut tx, hold, Recovery::new("ordered", *b"tea")).await.expect("it is ours");
    store.finish_in(&mut tx, hold, Ending::Done(answer(b"tea")), DAY).await.expect("it is ours");
    tx.commit().expect("committed");
    assert_eq!(orders(&db), 1);
    assert!(matches!(store.claim(hold.id, attempt()).await, Ok(Claim::Done(_))));
}

#[tokio::test]
async fn what_is_rolled_back_has_neither() {
    let Shop { store, mut db, _dir } = shop();
    let hold = won(&store, fresh(), attempt()).await;
    let mut tx = db.transaction_with_behavior(TransactionBehavior::Immediate).expect("begun");
    tx.execute("INSERT INTO orders (what) VALUES ('tea')", []).expect("written");
    store.finish_in(&mut tx, hold, Ending::Done(answer(b"tea")), DAY).await.expect("it is ours");
    drop(tx);
    assert_eq!(orders(&db), 0);
    assert!(matches!(store.claim(hold.id, attempt()).await, Ok(Claim::Busy { .. })));
}

#[tokio::test]
async fn a_fenced_owner_is_told_before_it_commits() {
    let Shop { store, mut db, _dir } = shop();
    let id = fresh();
    let late = won(&store, id, leased(Duration::from_millis(1))).await;
    // real: the clock of a file runs
    tokio::time::sleep(Duration::from_millis(20)).await;
    let heir = won(&store, id, attempt()).await;
    assert_eq!((late.token, heir.token), (1, 2));

    let mut tx = db.transaction_with_behavior(TransactionBehavior::Immediate).expect("begun");
    tx.execute("INSERT INTO orders (what) VALUES ('tea')", []).expect("written");
    let said = store.finish_in(&mut tx, late, Ending::Done(answer(b"tea")), DAY).await;
    assert!(matches!(said, Err(Lost::Fenced)), "{said:?}");
    tx.rollback().expect("rolled back");
    assert_eq!(orders(&db), 0);
}

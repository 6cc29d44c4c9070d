//! The file itself: opened again, full, damaged, of another version, shared.

use super::Dir;
use crate::common::{DAY, answer, attempt, fresh, leased, one_winner_a_round, won};
use buttress::{
    idempotency::{Claim, Ending, KeyStore, Lost, Trouble},
    store::{SqliteStore, sqlite::Durability},
};
use rusqlite::Connection;
use std::{fs, time::Duration};

#[tokio::test]
async fn an_answer_outlives_the_store_that_has_taken_it() {
    let dir = Dir::new();
    let id = fresh();
    for durability in [Durability::Host, Durability::Process] {
        let store = SqliteStore::options().durability(durability).open(dir.path()).expect("it opens");
        if durability == Durability::Host {
            let hold = won(&store, id, attempt()).await;
            store.finish(hold, Ending::Done(answer(b"charged")), DAY).await.expect("it is ours");
        }
        match store.claim(id, attempt()).await.expect("it answers") {
            Claim::Done(stored) => assert_eq!(stored, answer(b"charged")),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused_and_left_as_it_is() {
    let dir = Dir::new();
    drop(SqliteStore::open(dir.path()).expect("it opens"));
    let db = rusqlite::Connection::open(dir.path()).expect("it opens");
    while db.pragma_update(None, "journal_mode", "DELETE").is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await; // real: the store's thread lets go of the file in its own time
    }
    db.execute("UPDATE buttress_meta SET value = 99 WHERE name = 'version'", []).expect("written");
    drop(db);

    let before = fs::read(dir.path()).expect("there");
    let refused = SqliteStore::open(dir.path()).expect_err("it is newer");
    assert_eq!(refused.trouble(), Trouble::Unreadable);
    assert_eq!(
        std::error::Error::source(&refused).map(ToString::to_string).as_deref(),
        Some("the file is of version 99, and 1 is the newest that is known here")
    );
    assert!(fs::read(dir.path()).expect("there") == before, "not a byte was written");
}

#[tokio::test]
async fn a_file_that_has_seen_the_future_goes_on_from_there() {
    let dir = Dir::new();
    let id = fresh();
    drop(SqliteStore::open(dir.path()).expect("it opens"));
    // As a host writes it whose clock is an hour ahead, and is set right after.
    let db = Connection::open(dir.path()).expect("it opens");
    let an_hour_ahead =
        "UPDATE buttress_meta SET value = (unixepoch() + 3600) * 1000000 WHERE name = 'clock'";
    assert_eq!(db.execute(an_hour_ahead, []).expect("written"), 1);

    let store = SqliteStore::open(dir.path()).expect("it opens");
    let short = || leased(Duration::from_millis(50));
    won(&store, id, short()).await;
    // real: the clock of a file runs
    tokio::time::sleep(Duration::from_millis(200)).await;
    let claimed = store.claim(id, short()).await;
    assert!(matches!(claimed, Ok(Claim::Mine { token: 2, .. })), "the lease is over: {claimed:?}");
}

#[test]
fn what_is_no_database_is_refused_and_left_as_it_is() {
    let dir = Dir::new();
    fs::write(dir.path(), [7; 8192]).expect("written");
    let refused = SqliteStore::open(dir.path()).expect_err("it is no database");
    assert_eq!(refused.trouble(), Trouble::Unreadable);
    assert_eq!(fs::read(dir.path()).expect("there"), [7; 8192]);
}

#[test]
fn a_directory_that_is_not_there_is_said_at_once() {
    let dir = Dir::new();
    let gone = dir.path();
    drop(dir);
    let refused = SqliteStore::open(gone).expect_err("the directory is gone");
    assert_eq!(refused.trouble(), Trouble::Unavailable);
}

/// At the start, and not by every request from then on.
#[test]
fn a_file_that_can_only_be_read_is_refused() {
    let dir = Dir::new();
    drop(SqliteStore::open(dir.path()).expect("it opens"));
    let refused = SqliteStore::open(format!("file:{}?mode=ro", dir.path().display())).expect_err("read-only");
    assert_eq!(refused.trouble(), Trouble::Unavailable);
    let why = std::error::Error::source(&refused).map(ToString::to_string);
    assert_eq!(why.as_deref(), Some("the file can only be read"));
}

/// It would be gone with the process, and the type says otherwise.
#[test]
fn what_is_no_file_is_refused() {
    for path in [":memory:", "", "file::memory:?cache=shared", "file:shared?mode=memory"] {
        let refused = SqliteStore::open(path).expect_err("it is in memory");
        assert_eq!(refused.trouble(), Trouble::Unavailable, "{path:?}");
    }
}

#[tokio::test]
async fn a_full_file_takes_no_new_record_and_keeps_what_it_has() {
    let dir = Dir::new();
    let store = SqliteStore::options().max_bytes(256 << 10).open(dir.path()).expect("it opens");
    let mut done = Vec::new();
    let full = loop {
        let id = fresh();
        let claimed = store.claim(id, attempt()).await;
        let Ok(Claim::Mine { token, .. }) = claimed else { break claimed };
        let nonce = attempt().nonce;
        // Of another nonce: nobody's.
        let hold = buttress::idempotency::Hold { id, token, nonce };
        assert!(matches!(store.renew(hold, DAY).await, Err(Lost::Fenced)));
        done.push(id);
        assert!(done.len() < 10_000, "256 KiB do not hold so many");
    };
    assert_eq!(full.expect_err("it is full").trouble(), Trouble::Full);
    assert!(done.len() > 100, "{} records in 256 KiB", done.len());
    // All that it has taken is there, and whoever asks for it is told.
    for id in done {
        assert!(matches!(store.claim(id, attempt()).await, Ok(Claim::Busy { .. })));
    }
}

#[tokio::test]
async fn one_that_does_not_fit_spoils_nothing_for_those_beside_it() {
    let dir = Dir::new();
    let store = SqliteStore::options().max_bytes(256 << 10).open(dir.path()).expect("it opens");
    let (large, small) = (won(&store, fresh(), attempt()).await, won(&store, fresh(), attempt()).await);
    let (large, small) = tokio::join!(
        store.finish(large, Ending::Done(answer(&vec![0; 1 << 20])), DAY),
        store.finish(small, Ending::Done(answer(b"small")), DAY),
    );
    assert!(matches!(large, Err(Lost::Store(error)) if error.trouble() == Trouble::Full));
    small.expect("it fits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_wins_of_sixteen_over_two_handles_of_one_file() {
    let dir = Dir::new();
    let open = || SqliteStore::open(dir.path()).expect("it opens");
    one_winner_a_round(&[open(), open()], 25).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "400 rounds"]
async fn full_size_one_wins_of_sixteen_in_a_file() {
    let dir = Dir::new();
    let open = || SqliteStore::open(dir.path()).expect("it opens");
    one_winner_a_round(&[open(), open()], 400).await;
}

#[tokio::test]
async fn a_file_that_another_keeps_busy_is_waited_for_once_by_all_who_wait() {
    let dir = Dir::new();
    let wait = std::time::Duration::from_millis(100);
    let store = SqliteStore::options().busy(wait).open(dir.path()).expect("it opens");
    let other = rusqlite::Connection::open(dir.path()).expect("it opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
    let start = tokio::time::Instant::now();
    let claims: Vec<_> = (0..50)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.claim(fresh(), attempt()).await })
        })
        .collect();
    for claim in claims {
        let busy = claim.await.expect("no panic").expect_err("somebody else writes");
        assert_eq!(busy.trouble(), Trouble::Unavailable);
    }
    assert!(start.elapsed() < 20 * wait, "not one after the other: {:?}", start.elapsed());
    other.execute_batch("COMMIT").expect("it was ours");
    won(&store, fresh(), attempt()).await;
}

#[tokio::test]
async fn a_step_that_was_given_up_before_its_turn_is_not_done() {
    let dir = Dir::new();
    let store = SqliteStore::open(dir.path()).expect("it opens");
    // Somebody else writes, so that every step waits.
    let other = rusqlite::Connection::open(dir.path()).expect("it opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
    let id = fresh();
    let first = tokio::spawn({
        let store = store.clone();
        async move { store.claim(fresh(), attempt()).await }
    });
    tokio::task::yield_now().await;
    // Dropped while it waits behind the first.
    drop(futures_util::poll!(std::pin::pin!(store.claim(id, attempt()))));
    other.execute_batch("COMMIT").expect("it was ours");
    first.await.expect("no panic").expect("it answers");
    won(&store, id, attempt()).await;
}

//! A process that is killed while it writes: what it has been told is there.

use super::Dir;
use crate::common::{DAY, answer, attempt, won};
use buttress::{
    idempotency::{Claim, Ending, KeyStore, RecordId, Scope},
    key::Key,
    store::SqliteStore,
};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

const FILE: &str = "BUTTRESS_TEST_CRASH_FILE";

fn record(number: u64) -> RecordId {
    RecordId::new(Scope::unscoped("crash"), &Key::new(format!("key-{number}")).expect("it is one"))
}

/// Not a test: what the child does until it is killed. It says which records it has been told are done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child of the test below"]
async fn child_that_is_killed() {
    let Some(file) = std::env::var_os(FILE) else { return };
    let store = SqliteStore::open(file).expect("it opens");
    let mut tasks = Vec::new();
    for task in 0..8_u64 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            for number in (task..).step_by(8) {
                let hold = won(&store, record(number), attempt()).await;
                store
                    .finish(hold, Ending::Done(answer(&number.to_be_bytes())), DAY)
                    .await
                    .expect("it is ours");
                let mut out = std::io::stdout().lock();
                writeln!(out, "done {number}").expect("the parent listens");
            }
        }));
    }
    for task in tasks {
        task.await.expect("it ends by being killed");
    }
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_kill() {
    for round in 0..4_usize {
        let dir = Dir::new();
        let mut child = Command::new(std::env::current_exe().expect("this one"))
            .args(["--ignored", "--exact", "sqlite::crash::child_that_is_killed", "--nocapture"])
            .env(FILE, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let mut told = Vec::new();
        for line in out.lines() {
            let line = line.expect("text");
            told.extend(line.rsplit_once("done ").and_then(|(_, number)| number.parse::<u64>().ok()));
            if told.len() == 100 + 37 * round {
                child.kill().expect("it runs");
            }
        }
        child.wait().expect("it has ended");
        assert!(told.len() >= 100 + 37 * round, "it was killed at work");

        let store = SqliteStore::open(dir.path()).expect("it opens");
        for number in told {
            match store.claim(record(number), attempt()).await.expect("it answers") {
                Claim::Done(stored) => assert_eq!(stored, answer(&number.to_be_bytes())),
                other => panic!("record {number} was done, and is {other:?}"),
            }
        }
    }
}

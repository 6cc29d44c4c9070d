//! What is true of every store, over Redis; and what Redis does not promise.

use crate::common::{DAY, answer, attempt, fresh, one_winner_a_round, won};
use buttress::{
    idempotency::{
        Attempt, Claim, Ending, Fingerprint, KeyStore, Lost, OnLeaseOver, Quota, RecordId, Scope, Terms,
        Trouble,
    },
    key::Key,
    store::RedisStore,
    testing::key_store::Stage,
};
use std::time::Duration;

const UNIT: Duration = Duration::from_millis(100);

/// Keys of this test's own, on the server that the environment names; `None`, said aloud, where it names none.
async fn store() -> Option<RedisStore> {
    let Ok(url) = std::env::var("BUTTRESS_TEST_REDIS") else {
        println!("skipped: BUTTRESS_TEST_REDIS is not set");
        return None;
    };
    let store = RedisStore::connect(&url).await.expect("the server answers");
    Some(store.prefix(&format!("test:{}", Key::random().as_str())))
}

mod facts {
    use super::*;

    async fn server() -> Option<Stage<RedisStore>> {
        Some(Stage::new(store().await?, UNIT))
    }

    buttress::key_store_facts!(server, #[tokio::test(flavor = "multi_thread", worker_threads = 2)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_wins_of_sixteen_on_redis() {
    let Some(store) = store().await else { return };
    one_winner_a_round(&[store], 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "400 rounds"]
async fn full_size_one_wins_of_sixteen_on_redis() {
    let Some(store) = store().await else { return };
    one_winner_a_round(&[store], 400).await;
}

#[tokio::test]
async fn a_record_that_the_server_has_lost_is_gone_and_not_fenced() {
    let Some(store) = store().await else { return };
    let prefix = format!("test:{}", Key::random().as_str());
    let store = store.prefix(&prefix);
    let hold = won(&store, fresh(), attempt()).await;
    let client = redis::Client::open(std::env::var("BUTTRESS_TEST_REDIS").expect("set")).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("it answers");
    let keys: Vec<String> =
        redis::cmd("KEYS").arg(format!("{prefix}:*")).query_async(&mut connection).await.expect("it answers");
    assert_eq!(keys.len(), 1, "one key a record: {keys:?}");
    let () = redis::cmd("DEL").arg(keys).query_async(&mut connection).await.expect("it answers");
    let said = store.finish(hold, Ending::Done(answer(b"x")), DAY).await;
    assert!(matches!(said, Err(Lost::Gone)), "{said:?}");
}

#[tokio::test]
async fn a_record_vanishes_by_itself() {
    let Some(store) = store().await else { return };
    let prefix = format!("test:{}", Key::random().as_str());
    let store = store.prefix(&prefix);
    let hold = won(&store, fresh(), crate::common::leased(Duration::from_millis(50))).await;
    store.finish(hold, Ending::Done(answer(b"x")), Duration::from_millis(50)).await.expect("it is ours");
    let client = redis::Client::open(std::env::var("BUTTRESS_TEST_REDIS").expect("set")).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("it answers");
    // real: the server's clock runs
    tokio::time::sleep(Duration::from_millis(200)).await;
    let keys: Vec<String> =
        redis::cmd("KEYS").arg(format!("{prefix}:*")).query_async(&mut connection).await.expect("it answers");
    assert_eq!(keys, Vec::<String>::new());
}

async fn keys(prefix: &str) -> Vec<String> {
    let client = redis::Client::open(std::env::var("BUTTRESS_TEST_REDIS").expect("set")).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("it answers");
    redis::cmd("KEYS").arg(format!("{prefix}:*")).query_async(&mut connection).await.expect("it answers")
}

/// Else each tenant that ever had a quota would leave one for ever.
#[tokio::test]
async fn the_list_of_a_tenants_records_vanishes_behind_the_last_of_them() {
    let Some(store) = store().await else { return };
    let prefix = format!("test:{}", Key::random().as_str());
    let store = store.prefix(&prefix);
    let scope = Scope::new("stores", Key::random().as_str());
    let brief = Duration::from_millis(50);
    let claim = || {
        let terms = Terms::new(brief, brief, OnLeaseOver::Takeover).quota(Quota { records: 2, bytes: 9_999 });
        won(&store, RecordId::new(scope, &Key::random()), Attempt::new(Fingerprint::of(["x"]), terms))
    };
    let (stays, goes) = (claim().await, claim().await);
    let a_while = Duration::from_secs(2);
    store.finish(stays, Ending::Done(answer(b"x")), a_while).await.expect("it is ours");
    store.finish(goes, Ending::Done(answer(b"x")), brief).await.expect("it is ours");
    // real: the server's clock runs
    tokio::time::sleep(Duration::from_millis(400)).await;
    let there = keys(&prefix).await;
    assert_eq!(there.len(), 2, "what stays, and the list that names it: {there:?}");
    // real: the server's clock runs
    tokio::time::sleep(a_while).await;
    assert_eq!(keys(&prefix).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_record_of_before_there_was_a_quota_counts_once_it_is_claimed_under_it() {
    let Some(store) = store().await else { return };
    let scope = Scope::new("stores", Key::random().as_str());
    let old = won(&store, RecordId::new(scope, &Key::random()), attempt()).await;
    let within = || {
        let terms = attempt().terms.quota(Quota { records: 1, bytes: 9_999 });
        Attempt::new(attempt().fingerprint, terms)
    };
    assert!(matches!(store.claim(old.id, within()).await, Ok(Claim::Busy { .. })));
    let over = store.claim(RecordId::new(scope, &Key::random()), within()).await;
    assert!(matches!(&over, Err(error) if error.trouble() == Trouble::Quota), "{over:?}");
}

#[tokio::test]
async fn parked_records_are_found_behind_any_prefix() {
    let Some(store) = store().await else { return };
    for odd in ["app[1]", "a*b", "a?", "back\\slash", "[^a]", "sp ace"] {
        let store = store.clone().prefix(&format!("test:{}:{odd}", Key::random().as_str()));
        let hold = won(&store, fresh(), attempt()).await;
        store.finish(hold, Ending::Unknown, Duration::from_secs(60)).await.expect("it is ours");
        let parked = store.parked(None, 9).await.expect("it answers");
        assert_eq!(parked.iter().map(|parked| parked.id).collect::<Vec<_>>(), [hold.id], "{odd}");
    }
}

#[tokio::test]
async fn a_server_that_throws_out_records_is_refused() {
    let Ok(url) = std::env::var("BUTTRESS_TEST_REDIS") else {
        println!("skipped: BUTTRESS_TEST_REDIS is not set");
        return;
    };
    let Some(port) = url.trim_end_matches('/').rsplit_once(':').map(|(_, port)| port.to_owned()) else {
        return;
    };
    // A server of this test's own, since its policy is for all who use it.
    let own: u16 = port.parse::<u16>().expect("a port").wrapping_add(1).max(1024);
    let dir = std::env::temp_dir();
    let mut server = std::process::Command::new("redis-server")
        .args([
            "--port",
            &own.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--maxmemory-policy",
            "allkeys-lru",
        ])
        .current_dir(dir)
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("redis-server is installed where the variable is set");
    let url = format!("redis://127.0.0.1:{own}/");
    let mut refused = None;
    for _ in 0..100 {
        match RedisStore::connect(&url).await {
            Err(error)
                if std::error::Error::source(&error)
                    .is_some_and(|it| it.to_string().contains("noeviction")) =>
            {
                refused = Some(error);
                break;
            }
            // real: it is starting
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    server.kill().expect("it runs");
    server.wait().expect("it has ended");
    assert_eq!(refused.expect("it evicts").trouble(), Trouble::Unavailable);
}

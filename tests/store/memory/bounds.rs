//! How much there may be, and what happens there.

use buttress::{
    idempotency::{
        Attempt, Body, Claim, Ending, Fingerprint, Hold, KeyStore, OnLeaseOver, Quota, RecordId, Recovery,
        Scope, Stored, Terms, Trouble,
    },
    key::Key,
    store::memory::{MemoryStore, RECORD_BYTES},
};
use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::{Duration, SystemTime},
};
use tokio::time::advance;

const LEASE: Duration = Duration::from_secs(30);
const TTL: Duration = Duration::from_secs(600);

fn id(number: usize) -> RecordId {
    RecordId::new(Scope::unscoped("bounds"), &Key::new(number.to_string()).expect("digits"))
}

fn attempt() -> Attempt {
    Attempt::new(Fingerprint::ANY, Terms::new(LEASE, TTL, OnLeaseOver::Takeover))
}

async fn begin(store: &MemoryStore, number: usize) -> Result<Hold, Trouble> {
    let attempt = attempt();
    match store.claim(id(number), attempt).await {
        Ok(Claim::Mine { token, .. }) => Ok(Hold { id: id(number), token, nonce: attempt.nonce }),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.trouble()),
    }
}

async fn done(store: &MemoryStore, hold: Hold, bytes: usize) {
    let body = vec![b'x'; bytes];
    let none = [("", ""); 0];
    let stored = Stored::encode(200, SystemTime::UNIX_EPOCH, none, Body::Kept(&body), none);
    store.finish(hold, Ending::Done(stored), TTL).await.expect("it is ours");
}

#[tokio::test(start_paused = true)]
async fn at_the_bound_a_new_operation_is_refused_and_nothing_leaves_for_it() {
    let store = MemoryStore::new().max_records(10);
    for number in 0..10 {
        let hold = begin(&store, number).await.expect("there is room");
        if number % 2 == 0 {
            done(&store, hold, 10).await;
        }
    }
    assert_eq!(begin(&store, 10).await, Err(Trouble::Full));
    assert_eq!(store.len(), 10);
    for number in 0..10 {
        let claim = store.claim(id(number), attempt()).await.expect("it is there");
        match claim {
            Claim::Done(_) => assert_eq!(number % 2, 0),
            Claim::Busy { .. } => assert_eq!(number % 2, 1),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_makes_room_without_a_purge() {
    let store = MemoryStore::new().max_records(3);
    for number in 0..3 {
        let hold = begin(&store, number).await.expect("there is room");
        done(&store, hold, 10).await;
    }
    advance(TTL + LEASE - Duration::from_secs(1)).await;
    assert_eq!(begin(&store, 3).await, Err(Trouble::Full), "not gone for as long as a lease");
    advance(Duration::from_secs(1)).await;
    assert!(begin(&store, 3).await.is_ok());
    assert_eq!(store.len(), 1);
    assert!(store.bytes() >= RECORD_BYTES);
}

#[tokio::test(start_paused = true)]
async fn over_its_bytes_nothing_new_begins_but_what_runs_may_store_its_answer() {
    let store = MemoryStore::new().max_bytes(4 * RECORD_BYTES);
    let hold = begin(&store, 0).await.expect("there is room");
    done(&store, hold, 100_000).await;
    assert!(store.bytes() > 100_000);
    assert_eq!(begin(&store, 1).await, Err(Trouble::Full));
    assert!(matches!(store.claim(id(0), attempt()).await, Ok(Claim::Done(_))));
    advance(TTL + LEASE).await;
    assert!(begin(&store, 1).await.is_ok());
    assert_eq!(store.bytes(), RECORD_BYTES);
}

#[tokio::test(start_paused = true)]
async fn bounds_of_nothing_hold_one() {
    let store = MemoryStore::new().max_records(0).max_bytes(0);
    assert!(begin(&store, 0).await.is_ok());
    assert_eq!(begin(&store, 1).await, Err(Trouble::Full));
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_short_operations_leave_nothing_behind() {
    let store = MemoryStore::new();
    for number in 0..10_000 {
        let hold = begin(&store, number).await.expect("there is room");
        store.finish(hold, Ending::Released, Duration::from_secs(1)).await.expect("it is ours");
    }
    assert_eq!(store.len(), 10_000);
    advance(LEASE + Duration::from_secs(1)).await;
    assert_eq!(store.purge(10).await.expect("in memory"), 10);
    assert_eq!(store.purge(usize::MAX).await.expect("in memory"), 9_990);
    assert_eq!((store.len(), store.bytes()), (0, 0));
    assert_eq!(store.purge(usize::MAX).await.expect("in memory"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_quota_counts_bytes_of_answers_and_gives_them_back() {
    let store = MemoryStore::new();
    let quota = Quota { records: u64::MAX, bytes: (RECORD_BYTES * 2) as u64 };
    let attempt = || {
        let terms = Terms::new(LEASE, TTL, OnLeaseOver::Takeover).quota(quota);
        Attempt::new(Fingerprint::ANY, terms)
    };
    let first = attempt();
    let Ok(Claim::Mine { token, .. }) = store.claim(id(0), first).await else { panic!("there is room") };
    done(&store, Hold { id: id(0), token, nonce: first.nonce }, RECORD_BYTES * 2).await;
    let over = store.claim(id(1), attempt()).await.expect_err("over the quota");
    assert_eq!(over.trouble(), Trouble::Quota);
    assert_eq!(store.len(), 1, "a refused record takes no place");
    advance(TTL + LEASE).await;
    store.purge(10).await.expect("in memory");
    assert!(matches!(store.claim(id(1), attempt()).await, Ok(Claim::Mine { .. })));
}

#[tokio::test(start_paused = true)]
async fn an_answer_as_long_as_the_recovery_point_that_it_replaces_counts_in_the_quota() {
    let store = MemoryStore::new();
    let attempt = || {
        let terms = Terms::new(LEASE, TTL, OnLeaseOver::Takeover).quota(Quota { records: 10, bytes: 1_000 });
        Attempt::new(Fingerprint::ANY, terms)
    };
    let none = [("", ""); 0];
    let stored = Stored::encode(200, SystemTime::UNIX_EPOCH, none, Body::Kept(&[b'x'; 2_000]), none);
    let first = attempt();
    let Ok(Claim::Mine { token, .. }) = store.claim(id(0), first).await else { panic!("there is room") };
    let hold = Hold { id: id(0), token, nonce: first.nonce };
    let point = Recovery::new("", vec![0; stored.as_bytes().len()]);
    store.set_recovery(hold, point).await.expect("it is ours");
    let before = store.bytes();
    store.finish(hold, Ending::Done(stored), TTL).await.expect("it is ours");
    assert_eq!(store.bytes(), before);
    let over = store.claim(id(1), attempt()).await.expect_err("over the quota");
    assert_eq!(over.trouble(), Trouble::Quota);
}

/// Also while many are refused at once.
#[test]
fn the_totals_are_never_over_their_bounds() {
    let store = MemoryStore::new().max_records(10);
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (store, done) = (&store, &done);
            scope.spawn(move || {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("made");
                runtime.block_on(async {
                    for number in 0..5_000 {
                        let claimed = begin(store, 1 + thread * 5_000 + number).await;
                        assert!(matches!(claimed, Ok(_) | Err(Trouble::Full)));
                    }
                });
                done.fetch_add(1, Relaxed);
            });
        }
        while done.load(Relaxed) < 4 {
            assert!(store.len() <= 10 && store.bytes() <= 10 * RECORD_BYTES);
        }
    });
    assert_eq!(store.len(), 10);
}

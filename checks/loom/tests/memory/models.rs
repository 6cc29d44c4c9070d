//! The models. `Real` composes shards as the handle of the library does: a lock around each, and what is counted over all of them
//! beside. Each model is shown to bite by a twin that makes one mistake.

#[allow(dead_code)] // of each file the tests use what they are about
#[path = "../../../../src/store/memory/bell.rs"]
mod bell;
#[allow(dead_code)] // as above
#[path = "../../../../src/store/memory/found.rs"]
mod found;
#[path = "../../../../src/store/memory/room.rs"]
mod room;
#[allow(dead_code)] // as above
#[path = "../../../../src/store/memory/shard.rs"]
mod shard;
#[path = "../../../../src/store/memory/sync.rs"]
mod sync;
#[allow(dead_code)] // as above
#[path = "../../../../src/store/memory/tenants.rs"]
mod tenants;

use crate::idempotency::{
    Attempt, Body, Claim, Fingerprint, Hold, Lost, Moment, OnClaim, OnLeaseOver, Record, RecordId, Scope,
    State, Stored, Terms, Trouble,
};
use bell::Bell;
use found::{Found, Secret};
use loom::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};
use room::Room;
use shard::{Counts, Shard};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Wake, Waker},
    time::{Duration, SystemTime},
};
use tenants::Tenants;

const LEASE: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_secs(86_400);

fn id(number: u8) -> RecordId {
    RecordId::from_parts(Scope::from_bytes([1; 32]), [number; 32])
}

fn attempt() -> Attempt {
    Attempt::new(Fingerprint::ANY, Terms::new(LEASE, DAY, OnLeaseOver::Takeover))
}

fn answer(number: u16) -> Stored {
    Stored::encode(number, SystemTime::UNIX_EPOCH, [("", ""); 0], Body::Kept(b""), [("", ""); 0])
}

fn hold(attempt: &Attempt, claim: &Claim) -> Option<Hold> {
    match claim {
        Claim::Mine { token, .. } => Some(Hold { id: id(1), token: *token, nonce: attempt.nonce }),
        _ => None,
    }
}

/// What the models ask of a store: steps about the record of `id(1)`.
trait Store: Send + Sync + 'static {
    fn new() -> Self;
    fn claim(&self, now: Moment, attempt: &Attempt) -> Claim;
    fn finish(&self, now: Moment, hold: &Hold, answer: Stored) -> Result<(), Lost>;
}

struct Real {
    shards: [Mutex<Shard>; 2],
    counts: Counts,
    secret: Secret,
}

impl Real {
    fn with_room(records: usize) -> Self {
        let counts = Counts { room: Room::new(records, 1 << 20), tenants: Tenants::default() };
        Self { shards: [Mutex::default(), Mutex::default()], counts, secret: Secret::new() }
    }

    /// In a shard of the model's choice: which one a secret would choose is no matter here.
    fn claim_in(&self, shard: usize, id: RecordId, attempt: &Attempt) -> Result<Claim, Trouble> {
        let found = Found::new(&self.secret, id);
        let mut shard = self.shards[shard].lock().expect("no panic");
        shard.claim(found, Moment::default(), attempt, &self.counts)
    }

    fn listen(&self, now: Moment) -> Option<Bell> {
        let found = Found::new(&self.secret, id(1));
        self.shards[0].lock().expect("no panic").listen(&found, now).map(|(bell, _)| bell)
    }
}

impl Store for Real {
    fn new() -> Self {
        Self::with_room(9)
    }

    fn claim(&self, now: Moment, attempt: &Attempt) -> Claim {
        let found = Found::new(&self.secret, id(1));
        let mut shard = self.shards[0].lock().expect("no panic");
        shard.claim(found, now, attempt, &self.counts).expect("there is room")
    }

    fn finish(&self, now: Moment, hold: &Hold, answer: Stored) -> Result<(), Lost> {
        let found = Found::new(&self.secret, id(1));
        let word = |record: &Record| record.finish(now, hold, State::Done, DAY);
        let mut shard = self.shards[0].lock().expect("no panic");
        shard.change(found, now, &self.counts, word, |stored| *stored = Some(answer))
    }
}

/// Lets go of the lock between the look and the write, and asks nobody whether it may finish.
struct LookThenWrite(Mutex<(Option<Record>, Option<Stored>)>);

impl Store for LookThenWrite {
    fn new() -> Self {
        Self(Mutex::default())
    }

    fn claim(&self, now: Moment, attempt: &Attempt) -> Claim {
        let (record, stored) = self.0.lock().expect("no panic").clone();
        match Record::claim(record.as_ref(), now, attempt) {
            OnClaim::Begin(record) | OnClaim::Resume(record) => {
                self.0.lock().expect("no panic").0 = Some(record);
                Claim::mine(record.token, None)
            }
            OnClaim::Done => Claim::Done(stored.expect("it is done")),
            _ => Claim::Unknown,
        }
    }

    fn finish(&self, _: Moment, _: &Hold, answer: Stored) -> Result<(), Lost> {
        let mut kept = self.0.lock().expect("no panic");
        kept.0 = kept.0.map(|record| Record { state: State::Done, ..record });
        kept.1 = Some(answer);
        Ok(())
    }
}

fn one_of_two_claims_is_mine<S: Store>() {
    loom::model(|| {
        let store = Arc::new(S::new());
        let claim = |store: &S| {
            let attempt = attempt();
            hold(&attempt, &store.claim(Moment::default(), &attempt)).is_some()
        };
        let other = thread::spawn({
            let store = Arc::clone(&store);
            move || claim(&store)
        });
        let one = claim(&store);
        assert_eq!(u8::from(one) + u8::from(other.join().expect("no panic")), 1);
    });
}

#[test]
fn two_claims_of_one_key_are_one_attempt() {
    one_of_two_claims_is_mine::<Real>();
}

#[test]
#[should_panic(expected = "left")]
fn one_that_looks_and_then_writes_makes_two() {
    one_of_two_claims_is_mine::<LookThenWrite>();
}

/// The lease is over, its owner comes back with an answer, and somebody else claims.
fn who_is_late_is_fenced_or_was_not_late<S: Store>() {
    loom::model(|| {
        let store = Arc::new(S::new());
        let first = attempt();
        let late = hold(&first, &store.claim(Moment::default(), &first)).expect("the first");
        let after = Moment::default().after(LEASE);
        let owner = thread::spawn({
            let store = Arc::clone(&store);
            move || store.finish(after, &late, answer(1)).is_ok()
        });
        let second = attempt();
        let claim = store.claim(after, &second);
        let taken_over = hold(&second, &claim);
        let kept = owner.join().expect("no panic");
        // Either its answer counts, and nobody ran again, or the other's does.
        assert_ne!(kept, taken_over.is_some(), "both have run to an end, or neither");
        let expected = match taken_over {
            Some(hold) => {
                assert!(store.finish(after, &hold, answer(2)).is_ok());
                answer(2)
            }
            None => answer(1),
        };
        match store.claim(after, &attempt()) {
            Claim::Done(stored) => assert_eq!(stored.as_bytes(), expected.as_bytes()),
            _ => panic!("it is done"),
        }
    });
}

#[test]
fn a_late_end_and_a_takeover_are_never_both() {
    who_is_late_is_fenced_or_was_not_late::<Real>();
}

#[test]
#[should_panic(expected = "both have run")]
fn without_a_comparison_they_are() {
    who_is_late_is_fenced_or_was_not_late::<LookThenWrite>();
}

/// How often it was woken.
struct Woken(std::sync::atomic::AtomicUsize);

impl Wake for Woken {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// One who waits: polled once, it has heard the end at once, or will have been woken by it.
fn waits_once(mut heard: impl Future<Output = ()> + Unpin + 'static) -> impl FnOnce() {
    let woken = std::sync::Arc::new(Woken(std::sync::atomic::AtomicUsize::new(0)));
    let waker = Waker::from(std::sync::Arc::clone(&woken));
    let at_once = Pin::new(&mut heard).poll(&mut Context::from_waker(&waker)).is_ready();
    move || {
        assert!(at_once || woken.0.load(SeqCst) > 0, "nobody has woken it");
        let again = Pin::new(&mut heard).poll(&mut Context::from_waker(Waker::noop()));
        assert!(again.is_ready(), "woken, and told to wait on");
    }
}

#[test]
fn the_end_wakes_all_who_wait_and_whoever_left_is_nobodys_harm() {
    loom::model(|| {
        let store = Arc::new(Real::new());
        let first = attempt();
        let owner = hold(&first, &store.claim(Moment::default(), &first)).expect("the first");
        // One who listens already, and leaves while the end comes.
        let mut leaves = store.listen(Moment::default()).expect("it runs").heard();
        assert!(Pin::new(&mut leaves).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let told = waits_once(store.listen(Moment::default()).expect("it runs").heard());
        let end = thread::spawn({
            let store = Arc::clone(&store);
            move || store.finish(Moment::default(), &owner, answer(1)).expect("it is its own")
        });
        // One who looks while the end comes: it finds nothing to wait for, or is told.
        let late = store.listen(Moment::default()).map(|bell| waits_once(bell.heard()));
        drop(leaves);
        end.join().expect("no panic");
        told();
        late.into_iter().for_each(|told| told());
    });
}

/// A bell that does not stay rung, and a look before it.
#[derive(Default)]
struct Forgets(Mutex<Vec<Waker>>, AtomicUsize);

#[test]
#[should_panic(expected = "nobody has woken it")]
fn a_bell_that_does_not_stay_rung_is_missed() {
    loom::model(|| {
        let bell = Arc::new(Forgets::default());
        let rings = thread::spawn({
            let bell = Arc::clone(&bell);
            move || {
                bell.1.store(1, SeqCst);
                let wakers = std::mem::take(&mut *bell.0.lock().expect("no panic"));
                wakers.into_iter().for_each(Waker::wake);
            }
        });
        let is_over = bell.1.load(SeqCst) == 1;
        let told = (!is_over).then(|| {
            let bell = Arc::clone(&bell);
            let mut listens = false;
            waits_once(std::future::poll_fn(move |cx| {
                if std::mem::replace(&mut listens, true) {
                    return Poll::Ready(());
                }
                bell.0.lock().expect("no panic").push(cx.waker().clone());
                Poll::Pending
            }))
        });
        rings.join().expect("no panic");
        told.into_iter().for_each(|told| told());
    });
}

#[test]
fn the_last_room_is_given_once_over_all_shards() {
    loom::model(|| {
        let store = Arc::new(Real::with_room(1));
        let other = thread::spawn({
            let store = Arc::clone(&store);
            move || store.claim_in(1, id(2), &attempt()).is_ok()
        });
        let one = store.claim_in(0, id(1), &attempt()).is_ok();
        assert_eq!(u8::from(one) + u8::from(other.join().expect("no panic")), 1);
        assert_eq!(store.counts.room.records.load(SeqCst), 1);
        assert_eq!(store.counts.room.bytes.load(SeqCst), room::RECORD_BYTES);
    });
}

/// Counts first and looks then, as the room does; or looks first and counts then.
fn looks_first(records: &AtomicUsize) -> bool {
    let has_room = records.load(SeqCst) < 1;
    if has_room {
        records.fetch_add(1, SeqCst);
    }
    has_room
}

#[test]
#[should_panic(expected = "left")]
fn one_that_looks_and_then_counts_gives_it_twice() {
    loom::model(|| {
        let records = Arc::new(AtomicUsize::new(0));
        let other = thread::spawn({
            let records = Arc::clone(&records);
            move || looks_first(&records)
        });
        let one = looks_first(&records);
        assert_eq!(u8::from(one) + u8::from(other.join().expect("no panic")), 1);
    });
}

//! How attempts end, and what the next one finds.

use super::super::stage::{Stage, answer, fresh};
use crate::idempotency::{
    Attempt, Body, Claim, Ending, Fingerprint, KeyStore, Lost, OnLeaseOver, Recovery, Stored, Terms,
};
use std::time::SystemTime;

/// Every byte, and none, and many.
pub async fn an_answer_comes_back_byte_for_byte<S: KeyStore>(stage: &Stage<S>) {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    let headers = [("x-bytes", &all[..])];
    let encode = |body| Stored::encode(599, SystemTime::UNIX_EPOCH, headers, body, headers);
    for stored in [
        encode(Body::Kept(&all)),
        encode(Body::Kept(&all.repeat(1_000))),
        encode(Body::TooLarge { len: u64::MAX, digest: [7; 32] }),
        answer(""),
        // Sealed, or of a later version: a store does not look inside.
        Stored::from_bytes(vec![200, 0, 255]),
    ] {
        let id = fresh();
        let (hold, _) = stage.won(id, stage.attempt()).await;
        stage.end(hold, Ending::Done(stored.clone())).await;
        for _ in 0..3 {
            match stage.claim(id, stage.attempt()).await {
                Claim::Done(replayed) => assert_eq!(replayed.as_bytes(), stored.as_bytes()),
                other => panic!("it is done, and the answer is {other:?}"),
            }
        }
    }
}

/// At once, without waiting for a lease.
pub async fn what_was_released_runs_again_under_a_higher_token<S: KeyStore>(stage: &Stage<S>) {
    let id = fresh();
    let (first, _) = stage.won(id, stage.attempt()).await;
    stage.end(first, Ending::Released).await;
    let (second, _) = stage.won(id, stage.attempt()).await;
    assert!(second.token > first.token);
    let late = stage.store().finish(first, Ending::Done(answer("late")), stage.units(9)).await;
    assert!(matches!(late, Err(Lost::Fenced)), "{late:?}");
    stage.done(second, "second").await;
}

/// Nobody runs it, whoever asks and however long after.
pub async fn what_is_unknown_stays_unknown<S: KeyStore>(stage: &Stage<S>) {
    let id = fresh();
    let (hold, _) = stage.won(id, stage.attempt()).await;
    stage.end(hold, Ending::Unknown).await;
    for _ in 0..2 {
        assert!(matches!(stage.claim(id, stage.attempt()).await, Claim::Unknown));
        assert!(matches!(stage.claim(id, stage.parking()).await, Claim::Unknown));
        stage.wait(6).await;
    }
}

/// Its answer was lost, so it is sent again.
pub async fn an_end_said_again_is_the_same_end<S: KeyStore>(stage: &Stage<S>) {
    for ending in [Ending::Done(answer("once")), Ending::Released, Ending::Unknown] {
        let (hold, _) = stage.won(fresh(), stage.attempt()).await;
        for _ in 0..3 {
            stage.end(hold, ending.clone()).await;
        }
    }
}

/// What is done stays done, what is released stays released. Only what was unknown can be said to have been one or the
/// other, by whoever owned it.
pub async fn an_end_is_not_turned_into_another<S: KeyStore>(stage: &Stage<S>) {
    let ttl = stage.units(1_000);
    for (first, second) in [
        (Ending::Done(answer("first")), Ending::Released),
        (Ending::Done(answer("first")), Ending::Unknown),
        (Ending::Released, Ending::Done(answer("second"))),
        (Ending::Released, Ending::Unknown),
    ] {
        let (hold, _) = stage.won(fresh(), stage.attempt()).await;
        stage.end(hold, first.clone()).await;
        let said = stage.store().finish(hold, second.clone(), ttl).await;
        assert!(matches!(said, Err(Lost::Fenced)), "{first:?} then {second:?}: {said:?}");
    }
    let id = fresh();
    let (hold, _) = stage.won(id, stage.attempt()).await;
    stage.end(hold, Ending::Unknown).await;
    stage.done(hold, "after all").await;
    assert!(matches!(stage.claim(id, stage.attempt()).await, Claim::Done(_)));
}

/// No sign of life, and no recovery point.
pub async fn nothing_is_owned_after_its_end<S: KeyStore>(stage: &Stage<S>) {
    for ending in [Ending::Done(answer("over")), Ending::Released, Ending::Unknown] {
        let (hold, _) = stage.won(fresh(), stage.attempt()).await;
        stage.end(hold, ending).await;
        let renewed = stage.store().renew(hold, stage.lease()).await;
        assert!(matches!(renewed, Err(Lost::Fenced)), "{renewed:?}");
        let set = stage.store().set_recovery(hold, Recovery::new("x", [1])).await;
        assert!(matches!(set, Err(Lost::Fenced)), "{set:?}");
    }
}

/// After a release, and after a lease that ran out; any bytes, and none.
pub async fn the_last_recovery_point_is_found_by_the_next_attempt<S: KeyStore>(stage: &Stage<S>) {
    let id = fresh();
    let all: Vec<u8> = (0..=u8::MAX).collect();
    let points = [Recovery::new("begun", []), Recovery::new("charged \"twice\" \u{1F4B3}", all)];
    let (mut hold, found) = stage.won(id, stage.attempt()).await;
    assert!(found.is_none());
    for point in &points {
        stage.store().set_recovery(hold, point.clone()).await.expect("it is ours");
    }
    for released in [true, false] {
        if released {
            stage.end(hold, Ending::Released).await;
        } else {
            stage.wait(5).await;
        }
        let (next, found) = stage.won(id, stage.attempt()).await;
        assert_eq!(found.as_ref(), Some(&points[1]), "released: {released}");
        let late = stage.store().set_recovery(hold, points[0].clone()).await;
        assert!(matches!(late, Err(Lost::Fenced)), "{late:?}");
        hold = next;
    }
}

/// What an operation of before has left behind is none of its business.
pub async fn a_new_life_has_no_recovery_point<S: KeyStore>(stage: &Stage<S>) {
    let id = fresh();
    let terms = Terms::new(stage.lease(), stage.units(2), OnLeaseOver::Takeover);
    let (hold, _) = stage.won(id, Attempt::new(Fingerprint::ANY, terms)).await;
    stage.store().set_recovery(hold, Recovery::new("old", [1])).await.expect("it is ours");
    stage.store().finish(hold, Ending::Released, stage.units(2)).await.expect("it is ours");
    stage.wait(3).await;
    let (_, found) = stage.won(id, stage.attempt()).await;
    assert_eq!(found, None);
}

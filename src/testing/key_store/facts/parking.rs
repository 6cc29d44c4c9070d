//! Records whose outcome nobody knows.

use super::super::stage::{Stage, answer, fresh, tenant};
use crate::{
    idempotency::{Claim, Ending, KeyStore, Lost, Parked, RecordId, Recovery, Resolution},
    key::Key,
};

/// Everything that is parked, read page by page.
async fn parked<S: KeyStore>(stage: &Stage<S>, page: usize) -> Vec<Parked> {
    let mut all: Vec<Parked> = Vec::new();
    loop {
        let last = all.last().map(|parked| parked.id);
        let more = stage.store().parked(last, page).await.expect("the store answers");
        assert!(more.len() <= page);
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

async fn is_parked<S: KeyStore>(stage: &Stage<S>, id: RecordId) -> bool {
    parked(stage, 100).await.iter().any(|parked| parked.id == id)
}

/// That of the attempt that was left, and that of the one that would go on.
pub async fn a_record_left_alone_is_parked_by_either_word<S: KeyStore>(stage: &Stage<S>) {
    for (first, second) in [
        (stage.parking(), stage.attempt()),
        (stage.attempt(), stage.parking()),
        (stage.parking(), stage.parking()),
    ] {
        let id = fresh();
        stage.won(id, first).await;
        stage.wait(5).await;
        assert!(matches!(stage.claim(id, second).await, Claim::Unknown));
        // And stays so, whatever the next one says.
        assert!(matches!(stage.claim(id, stage.attempt()).await, Claim::Unknown));
        assert!(is_parked(stage, id).await);
    }
}

/// Not while its lease lives; and not what may be taken over.
pub async fn what_was_left_is_listed_before_anybody_asks<S: KeyStore>(stage: &Stage<S>) {
    let (id, free) = (fresh(), fresh());
    let (hold, _) = stage.won(id, stage.parking()).await;
    stage.store().set_recovery(hold, Recovery::new("charged", [7])).await.expect("it is ours");
    stage.won(free, stage.attempt()).await;
    assert!(!is_parked(stage, id).await);
    stage.wait(6).await;
    let all = parked(stage, 100).await;
    let found = all.iter().find(|parked| parked.id == id).expect("its owner has left");
    assert_eq!(found.token, hold.token);
    assert_eq!(found.recovery, Some(Recovery::new("charged", [7])));
    // Since its last word, and not since the end of its lease.
    assert!(found.age >= stage.units(5) && found.age < stage.units(100), "{:?}", found.age);
    assert!(!all.iter().any(|parked| parked.id == free));
}

/// It alone knows what has happened.
pub async fn an_owner_that_comes_back_to_a_parked_record_settles_it<S: KeyStore>(stage: &Stage<S>) {
    for ending in [Ending::Done(answer("late")), Ending::Released] {
        let id = fresh();
        let (hold, _) = stage.won(id, stage.parking()).await;
        stage.wait(5).await;
        assert!(matches!(stage.claim(id, stage.parking()).await, Claim::Unknown));
        // It is parked, so it is no longer held; but it can be settled.
        assert!(matches!(stage.store().renew(hold, stage.lease()).await, Err(Lost::Fenced)));
        stage.end(hold, ending.clone()).await;
        let next = stage.claim(id, stage.parking()).await;
        match ending {
            Ending::Done(_) => assert!(matches!(next, Claim::Done(_)), "{next:?}"),
            _ => assert!(matches!(next, Claim::Mine { .. }), "{next:?}"),
        }
        assert!(!is_parked(stage, id).await);
    }
}

/// Each once, by rising id, whatever the size of a page.
pub async fn parked_records_are_listed_page_by_page<S: KeyStore>(stage: &Stage<S>) {
    let scope = tenant();
    let mut ids: Vec<_> = (0..7).map(|_| RecordId::new(scope, &Key::random())).collect();
    for id in &ids {
        let (hold, _) = stage.won(*id, stage.attempt()).await;
        stage.end(hold, Ending::Unknown).await;
    }
    ids.sort_unstable();
    for page in [1, 3, 100] {
        let all = parked(stage, page).await;
        assert!(all.is_sorted_by_key(|parked| parked.id));
        let own: Vec<_> = all.iter().map(|parked| parked.id).filter(|id| *id.scope() == scope).collect();
        assert_eq!(own, ids, "by pages of {page}");
    }
    assert!(stage.store().parked(None, 0).await.expect("the store answers").is_empty());
}

/// Everybody who asks gets that answer, and its owner is fenced.
pub async fn a_parked_record_is_resolved_as_done<S: KeyStore>(stage: &Stage<S>) {
    let id = fresh();
    let (hold, _) = stage.won(id, stage.attempt()).await;
    stage.end(hold, Ending::Unknown).await;
    for _ in 0..2 {
        let done = Resolution::Done(answer("by hand"));
        stage.store().resolve(id, hold.token, done, stage.units(9)).await.expect("it is parked");
    }
    match stage.claim(id, stage.attempt()).await {
        Claim::Done(stored) => assert_eq!(stored, answer("by hand")),
        other => panic!("{other:?}"),
    }
    assert!(!is_parked(stage, id).await);
    let late = stage.store().finish(hold, Ending::Done(answer("late")), stage.units(9)).await;
    assert!(matches!(late, Err(Lost::Fenced)), "{late:?}");
}

/// The next attempt runs. Also where its owner has vanished and nobody has asked since.
pub async fn a_parked_record_is_resolved_as_not_done<S: KeyStore>(stage: &Stage<S>) {
    for left in [false, true] {
        let id = fresh();
        let (hold, _) = stage.won(id, stage.parking()).await;
        if left {
            stage.wait(5).await;
        } else {
            stage.end(hold, Ending::Unknown).await;
        }
        for _ in 0..2 {
            let resolved = stage.store().resolve(id, hold.token, Resolution::NotDone, stage.units(9)).await;
            resolved.expect("it is parked");
        }
        let late = stage.store().finish(hold, Ending::Done(answer("late")), stage.units(9)).await;
        assert!(matches!(late, Err(Lost::Fenced)), "{late:?}");
        let (next, _) = stage.won(id, stage.parking()).await;
        assert!(next.token > hold.token);
        stage.done(next, "again").await;
    }
}

/// Not a running one, not one that is settled, not another attempt at it.
pub async fn only_the_parked_attempt_itself_is_resolved<S: KeyStore>(stage: &Stage<S>) {
    let store = stage.store();
    let refused = async |id, token| {
        for resolution in [Resolution::NotDone, Resolution::Done(answer("by hand"))] {
            let said = store.resolve(id, token, resolution, stage.units(9)).await;
            assert!(matches!(said, Err(Lost::Fenced)), "{said:?}");
        }
    };
    let id = fresh();
    let (hold, _) = stage.won(id, stage.parking()).await;
    refused(id, hold.token).await;
    stage.end(hold, Ending::Unknown).await;
    refused(id, hold.token + 1).await;
    refused(id, hold.token - 1).await;
    store.resolve(id, hold.token, Resolution::NotDone, stage.units(900)).await.expect("it is parked");
    let (next, _) = stage.won(id, stage.parking()).await;
    refused(id, hold.token).await;
    stage.done(next, "done").await;
    refused(id, next.token).await;
    assert!(matches!(stage.claim(id, stage.parking()).await, Claim::Done(_)));
}

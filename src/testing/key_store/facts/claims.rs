//! Who gets what for an answer to a claim.

use super::super::stage::{Stage, answer, fresh, tenant};
use crate::{
    idempotency::{
        Attempt, Claim, Ending, Fingerprint, Hold, KeyStore, Lost, OnLeaseOver, Quota, RecordId, Recovery,
        Terms, Trouble,
    },
    key::Key,
};

/// Its answer was lost, so it is sent again: it is ours, under the same token.
pub async fn a_claim_again_by_its_nonce_is_the_same_claim<S: KeyStore>(stage: &Stage<S>) {
    let (id, attempt) = (fresh(), stage.attempt());
    let (first, _) = stage.won(id, attempt).await;
    let (again, _) = stage.won(id, attempt).await;
    assert_eq!(first, again);
    stage.done(again, "once").await;
    // Later still, it learns what came of it.
    assert!(matches!(stage.claim(id, attempt).await, Claim::Done(_)));
}

/// As long as the lease has left, and no longer.
pub async fn somebody_else_is_told_how_long_to_wait<S: KeyStore>(stage: &Stage<S>) {
    let id = fresh();
    stage.won(id, stage.attempt()).await;
    match stage.claim(id, stage.attempt()).await {
        Claim::Busy { remaining } => {
            assert!(!remaining.is_zero() && remaining <= stage.lease(), "{remaining:?}");
        }
        other => panic!("somebody runs it, and the answer is {other:?}"),
    }
    stage.wait(2).await;
    match stage.claim(id, stage.attempt()).await {
        Claim::Busy { remaining } => assert!(remaining <= stage.units(2), "{remaining:?}"),
        other => panic!("somebody runs it, and the answer is {other:?}"),
    }
}

/// While it runs, once it is done, released or unknown; also where its lease is over. Nothing else is told of it, and nothing is
/// changed.
pub async fn another_request_is_a_mismatch_in_every_state<S: KeyStore>(stage: &Stage<S>) {
    for (state, ending) in [
        ("running", None),
        ("done", Some(Ending::Done(answer("secret")))),
        ("released", Some(Ending::Released)),
        ("unknown", Some(Ending::Unknown)),
    ] {
        let id = fresh();
        let (hold, _) = stage.won(id, stage.attempt()).await;
        if let Some(ending) = ending {
            stage.end(hold, ending).await;
        }
        let other = stage.claim(id, stage.another()).await;
        assert!(matches!(other, Claim::Mismatch), "{state}: {other:?}");
    }
    let id = fresh();
    let (hold, _) = stage.won(id, stage.attempt()).await;
    stage.wait(5).await;
    assert!(matches!(stage.claim(id, stage.another()).await, Claim::Mismatch));
    stage.done(hold, "nobody has taken it").await;
}

/// After an upgrade: whoever asks by another rule is told by which one it was, and may ask without a comparison.
pub async fn another_rule_is_told_and_changes_nothing<S: KeyStore>(stage: &Stage<S>) {
    let id = fresh();
    let terms = stage.terms(OnLeaseOver::Takeover);
    let old = Fingerprint::from_parts(77, [1; 32]);
    let (hold, _) = stage.won(id, Attempt::new(old, terms)).await;
    assert!(matches!(stage.claim(id, stage.attempt()).await, Claim::OtherRule(77)));
    let any = Attempt::new(Fingerprint::ANY, terms);
    assert!(matches!(stage.claim(id, any).await, Claim::Busy { .. }));
    stage.end(hold, Ending::Released).await;
    let (hold, _) = stage.won(id, any).await;
    stage.done(hold, "by any").await;
    // What was recorded is still compared.
    let other = Attempt::new(Fingerprint::from_parts(77, [2; 32]), terms);
    assert!(matches!(stage.claim(id, other).await, Claim::Mismatch));
    assert!(matches!(stage.claim(id, Attempt::new(old, terms)).await, Claim::Done(_)));
}

/// The same key means nothing to the other, in any state; not even as a mismatch.
pub async fn two_tenants_with_one_key_never_meet<S: KeyStore>(stage: &Stage<S>) {
    let key = Key::random();
    let (one, other) = (RecordId::new(tenant(), &key), RecordId::new(tenant(), &key));
    let (hold, _) = stage.won(one, stage.attempt()).await;
    let (second, recovery) = stage.won(other, stage.another()).await;
    assert!(recovery.is_none());
    stage.done(hold, "of one").await;
    assert!(matches!(stage.claim(other, stage.another()).await, Claim::Busy { .. }));
    stage.done(second, "of the other").await;
    for (id, attempt, what) in [(one, stage.attempt(), "of one"), (other, stage.another(), "of the other")] {
        match stage.claim(id, attempt).await {
            Claim::Done(stored) => assert_eq!(stored, answer(what)),
            other => panic!("{other:?}"),
        }
    }
}

/// The same key and tenant, scoped to an operation.
pub async fn an_operation_of_its_own_is_a_record_of_its_own<S: KeyStore>(stage: &Stage<S>) {
    let (scope, key) = (tenant(), Key::random());
    stage.won(RecordId::of_operation(scope, "pay", &key), stage.attempt()).await;
    stage.won(RecordId::of_operation(scope, "refund", &key), stage.another()).await;
    stage.won(RecordId::new(scope, &key), stage.another()).await;
}

/// What is there can still be asked for, and other tenants notice nothing.
pub async fn a_quota_stops_new_records_of_one_tenant_only<S: KeyStore>(stage: &Stage<S>) {
    let quota = Quota { records: 3, bytes: u64::MAX };
    let attempt = || {
        let terms = stage.terms(OnLeaseOver::Takeover).quota(quota);
        Attempt::new(Fingerprint::of(["the usual"]), terms)
    };
    let scope = tenant();
    let ids: Vec<_> = (0..4).map(|_| RecordId::new(scope, &Key::random())).collect();
    for id in &ids[..3] {
        let (hold, _) = stage.won(*id, attempt()).await;
        stage.done(hold, "within").await;
    }
    match stage.store().claim(ids[3], attempt()).await {
        Err(error) => assert_eq!(error.trouble(), Trouble::Quota),
        Ok(claim) => panic!("over the quota, and the answer is {claim:?}"),
    }
    assert!(matches!(stage.claim(ids[0], attempt()).await, Claim::Done(_)));
    stage.won(fresh(), attempt()).await;
}

/// Their answers, and not what a store needs beside them.
pub async fn a_quota_of_bytes_is_used_up_by_answers<S: KeyStore>(stage: &Stage<S>) {
    let quota = Quota { records: u64::MAX, bytes: 1_000 };
    let attempt = || {
        let terms = stage.terms(OnLeaseOver::Takeover).quota(quota);
        Attempt::new(Fingerprint::of(["the usual"]), terms)
    };
    let scope = tenant();
    let id = || RecordId::new(scope, &Key::random());
    for _ in 0..10 {
        let (hold, _) = stage.won(id(), attempt()).await;
        stage.end(hold, Ending::Released).await;
    }
    for body in ["a".repeat(300), "b".repeat(300)] {
        let (hold, _) = stage.won(id(), attempt()).await;
        stage.done(hold, &body).await;
    }
    let over = stage.store().claim(id(), attempt()).await;
    assert!(matches!(&over, Err(error) if error.trouble() == Trouble::Quota), "{over:?}");
}

/// Though nobody has purged it.
pub async fn what_has_expired_is_in_nobodys_quota<S: KeyStore>(stage: &Stage<S>) {
    let quota = Quota { records: 1, bytes: u64::MAX };
    let attempt = || {
        let terms = Terms::new(stage.lease(), stage.units(2), OnLeaseOver::Takeover).quota(quota);
        Attempt::new(Fingerprint::of(["the usual"]), terms)
    };
    let scope = tenant();
    let id = || RecordId::new(scope, &Key::random());
    let (hold, _) = stage.won(id(), attempt()).await;
    stage.store().finish(hold, Ending::Done(answer("within")), stage.units(2)).await.expect("it is ours");
    let over = stage.store().claim(id(), attempt()).await;
    assert!(matches!(&over, Err(error) if error.trouble() == Trouble::Quota), "{over:?}");
    stage.wait(8).await;
    stage.won(id(), attempt()).await;
}

/// Also where others have been counted while it counted no more.
pub async fn what_begins_anew_is_in_its_quota_again<S: KeyStore>(stage: &Stage<S>) {
    let attempt = || {
        let terms = stage.terms(OnLeaseOver::Takeover).quota(Quota { records: 2, bytes: u64::MAX });
        Attempt::new(Fingerprint::of(["the usual"]), terms)
    };
    let scope = tenant();
    let id = || RecordId::new(scope, &Key::random());
    let (hold, _) = stage.won(id(), attempt()).await;
    stage.store().finish(hold, Ending::Done(answer("brief")), stage.units(1)).await.expect("it is ours");
    stage.wait(2).await;
    stage.won(id(), attempt()).await;
    stage.won(hold.id, attempt()).await;
    let over = stage.store().claim(id(), attempt()).await;
    assert!(matches!(&over, Err(error) if error.trouble() == Trouble::Quota), "{over:?}");
}

/// Steps of an owner that nobody knows.
pub async fn nothing_is_shown_of_a_record_that_is_not_there<S: KeyStore>(stage: &Stage<S>) {
    let hold = Hold { id: fresh(), token: 1, nonce: stage.attempt().nonce };
    let (store, ttl) = (stage.store(), stage.units(1));
    let said = [
        store.renew(hold, stage.lease()).await,
        store.finish(hold, Ending::Done(answer("x")), ttl).await,
        store.set_recovery(hold, Recovery::new("x", [])).await,
        store.resolve(hold.id, 1, crate::idempotency::Resolution::NotDone, ttl).await,
    ];
    for said in said {
        assert!(matches!(said, Err(Lost::Gone)), "{said:?}");
    }
    let terms = Terms::new(stage.lease(), ttl, OnLeaseOver::Takeover);
    stage.won(hold.id, Attempt::new(Fingerprint::ANY, terms)).await;
}

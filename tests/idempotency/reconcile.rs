//! Row 67, where there is somebody who can be asked what has happened.

use super::rig::{answering, plain, post};
use axum::response::IntoResponse as _;
use buttress::{
    idempotency::{Body, Effects, KeyStore as _, Outcome, Parked, Reconciled, Resolution, Stored},
    testing::key_store::{Faults, Faulty},
    window::Ratio,
};
use std::{
    future::ready,
    sync::atomic::{AtomicU32, Ordering::SeqCst},
    time::{Duration, SystemTime},
};

fn found() -> Resolution {
    let none = [("", ""); 0];
    Resolution::Done(Stored::encode(201, SystemTime::UNIX_EPOCH, none, Body::Kept(b"found"), none))
}

fn counts(reconciled: Reconciled) -> (u64, u64) {
    (reconciled.settled, reconciled.unknown)
}

#[tokio::test]
async fn row_67_what_is_parked_is_settled_by_who_can_find_it_out() {
    let layer = plain();
    let keeper = layer.keeper().clone();
    let (app, ledger) = answering(layer, || (axum::Extension(Outcome::Unknown), "?").into_response());
    let keys: Vec<_> = (0..250).map(|at| format!("key {at}")).map(|key| format!("\"{key}\"")).collect();
    for key in &keys {
        post(&app, key, "1").await;
    }
    // A third was done, a third was not, of the rest nobody knows.
    let asked = AtomicU32::new(0);
    let find_out = |_| {
        ready(match asked.fetch_add(1, SeqCst) % 3 {
            0 => Some(found()),
            1 => Some(Resolution::NotDone),
            _ => None,
        })
    };
    assert_eq!(counts(keeper.reconcile(find_out).await.expect("in memory")), (167, 83));
    assert_eq!(keeper.store().parked(None, 999).await.expect("in memory").len(), 83);
    let mut told = [0; 3];
    for key in &keys {
        let answer = post(&app, key, "1").await;
        told[if answer.status == 409 { 2 } else { usize::from(answer.text() != "found") }] += 1;
    }
    assert_eq!((told, ledger.effects()), ([84, 83, 83], 250 + 83));
}

#[tokio::test]
async fn what_was_settled_while_somebody_was_asked_stays_as_it_was() {
    let layer = plain();
    let keeper = layer.keeper().clone();
    let (app, _) = answering(layer, || (axum::Extension(Outcome::Unknown), "?").into_response());
    post(&app, "a1", "1").await;
    let by_hand = async |parked: Parked| {
        let day = Duration::from_secs(86_400);
        keeper.store().resolve(parked.id, parked.token, found(), day).await.expect("it is parked");
        Some(Resolution::NotDone)
    };
    assert_eq!(counts(keeper.reconcile(by_hand).await.expect("in memory")), (0, 0));
    assert_eq!(post(&app, "a1", "1").await.text(), "found");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_asked_is_no_end_of_the_doubt() {
    let keeper = plain();
    let keeper = keeper.keeper();
    let down = Faulty::new(keeper.store().clone(), Faults::seeded(1).lost_requests(Ratio::percent(100)));
    let keeper = buttress::idempotency::Keeper::new(down, Effects::Plain);
    assert!(keeper.reconcile(|_| ready(None)).await.is_err());
}

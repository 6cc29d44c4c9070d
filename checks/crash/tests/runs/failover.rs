//! F5: a PostgreSQL is gone for good, and its standby takes its place. What was acknowledged is there, if the standby had to have it.

use crate::{NODE, calm};
use buttress::idempotency::Effects;
use buttress_crash::{
    Op,
    client::Told,
    place::{LEASE, Over, Server},
    run::{Run, Trouble, all},
    single::{Single, is_done},
};
use std::{ops::Range, time::Duration};
use tokio::task::block_in_place;

/// Which operations were asked for when.
const BEFORE: Range<u32> = 0..20;
const CUT_OFF: Range<u32> = 100..130;

fn op(number: u32) -> Op {
    Op { tenant: 0, number }
}

/// Every third turn is a failover.
fn failovers(effects: Effects, turns: u32, millis: u64) -> Run {
    let trouble = Trouble::Failover(Duration::from_millis(millis));
    let over = Over::PostgresPair { synchronous: true };
    Run { over, effects, turns, trouble, hows: &["", "late=3", "refuse"], lost: 10, ..calm() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_to_a_synchronous_standby_loses_nothing() {
    let kinds = [Effects::SameTx, Effects::Plain];
    for (run, came) in all(kinds.map(|effects| failovers(effects, 6, 300))).await {
        came.whole();
        assert!(came.failovers >= 2);
        assert!(run.effects == Effects::Plain || came.report.unknown == 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "twenty thousand requests and dozens of failovers, twice"]
async fn full_size_failovers_to_a_synchronous_standby() {
    let kinds = [Effects::SameTx, Effects::Plain];
    let runs = kinds.map(|effects| Run { operations: 4_000, ..failovers(effects, 120, 600) });
    for (run, came) in all(runs).await {
        came.whole();
        assert!(came.failovers >= 40 && came.sendings > 19_000);
        assert_eq!(came.report.unknown > 0, run.effects == Effects::Plain);
    }
}

/// The primary is cut off from its standby, is asked for these operations, and is gone.
async fn cut_off_and_gone(synchronous: bool) -> Option<()> {
    let over = Over::PostgresPair { synchronous };
    let mut single = Single::new(NODE, over, Effects::SameTx, |_| {}).await?;
    for number in BEFORE {
        assert!(is_done(&single.send(0, op(number), "").await));
    }
    let Server::Pair(pair) = &single.place.server else { panic!("a pair") };
    pair.until_followed().await;
    pair.cut();
    let sendings: Vec<_> = CUT_OFF.map(|number| single.sending(1, op(number), "", LEASE * 3)).collect();
    let mut acknowledged = 0;
    for (number, sending) in CUT_OFF.zip(sendings) {
        let heard = sending.await.expect("no panic");
        if heard.told == Told::Nothing {
            continue;
        }
        acknowledged += 1;
        single.told.entry(op(number)).or_default().push(heard);
    }
    // What waits for the standby is told to nobody.
    assert_eq!(acknowledged, if synchronous { 0 } else { CUT_OFF.len() });

    let Server::Pair(pair) = &mut single.place.server else { panic!("a pair") };
    block_in_place(|| pair.fail_over(true));
    if synchronous {
        pair.follow().await;
        for number in CUT_OFF {
            assert!(is_done(&single.send(1, op(number), "").await));
        }
    }
    let report = single.check().await;
    println!(
        "PostgreSQL, synchronous {synchronous}: of {} operations asked for while the standby was cut off, {acknowledged} were \
         acknowledged, and of these {} lost; of {} before it, none",
        CUT_OFF.len(),
        report.lost,
        BEFORE.len()
    );
    let lost: Vec<_> = CUT_OFF.map(op).filter(|_| !synchronous).collect();
    assert_eq!(report.broken.iter().map(|(op, _)| *op).collect::<Vec<_>>(), lost);
    assert!(report.broken.iter().all(|(_, broken)| broken.starts_with("I2")), "{:?}", report.broken);
    assert_eq!(report.unknown, 0);
    Some(())
}

/// The proof that a run finds what a failover has lost; and that it is the standby's word that keeps it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_loses_what_an_asynchronous_standby_had_not_got_and_nothing_else() {
    tokio::join!(cut_off_and_gone(false), cut_off_and_gone(true));
}

//! F5: the power goes, for all nodes and for the disk under a file of SQLite, which loses what was not synced.

use crate::{NODE, OP, calm};
use buttress::idempotency::Effects;
use buttress_crash::{
    Op,
    check::Report,
    nodes::Node,
    orders::Orders,
    place::{Over, Server},
    run::{Run, Trouble, all},
    single::{Single, is_done},
    wrong::Wrong,
};
use fastrand::Rng;
use std::time::Duration;

/// So often at least, one about every so many milliseconds; somebody is at work there, and behind an effect now and then.
fn dark(over: Over, effects: Effects, turns: u32, millis: u64) -> Run {
    let trouble = Trouble::Power(Duration::from_millis(millis));
    Run { over, effects, turns, trouble, hows: &["", "late=1", "refuse"], lost: 10, ..calm() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_on_a_disk_without_power_has_lost_nothing() {
    let kinds = [Effects::SameTx, Effects::Plain];
    let runs = kinds.map(|effects| Run { operations: 60, ..dark(Over::Disk, effects, 10, 300) });
    let all = all(runs).await;
    let unsynced: usize = all.iter().map(|(_, came)| came.unsynced).sum();
    for (run, came) in &all {
        came.whole();
        assert!(came.killed >= run.turns);
        assert!(unsynced > 0, "the disks have lost nothing, so this shows nothing");
        assert!(run.effects == Effects::Plain || came.report.unknown == 0);
    }
}

/// The proof that a run finds what a disk has lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_lies_is_found_out() {
    let Some(came) = dark(Over::LyingDisk, Effects::SameTx, 3, 500).go().await else { return };
    came.report.breaks("I2");
    assert!(came.report.lost > 0);
}

/// What is done before the disk begins to lie, and what is done then.
async fn power_cut(lies: bool, before: u32, then: u32) -> Option<Report> {
    let mut single = Single::new(NODE, Over::Disk, Effects::SameTx, |_| {}).await?;
    for number in 0..before + then {
        let Server::Disk(disk) = &single.place.server else { panic!("a disk") };
        if lies && number == before {
            disk.lie();
        }
        assert!(is_done(&single.send(0, Op { number, ..OP }, "").await));
    }
    let Server::Disk(disk) = &mut single.place.server else { panic!("a disk") };
    tokio::task::block_in_place(|| disk.power_cut(&mut Rng::with_seed(7), &mut single.nodes));
    let report = single.check().await;
    println!(
        "a disk that {}: of {then} operations acknowledged by then {} are lost, and of {before} before it none",
        if lies { "lies" } else { "says the truth" },
        report.lost
    );
    Some(report)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_loses_what_a_disk_has_lied_about_and_nothing_else() {
    for lies in [true, false] {
        let Some(report) = power_cut(lies, 10, 20).await else { return };
        let lost: Vec<_> = (10..30).map(|number| Op { number, ..OP }).filter(|_| lies).collect();
        assert_eq!(report.broken.iter().map(|(op, _)| *op).collect::<Vec<_>>(), lost);
        assert!(report.broken.iter().all(|(_, broken)| broken.starts_with("I2")), "{:?}", report.broken);
    }
}

/// The same of a store that does not sync: `Durability::Process`, which says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_synced_is_found_out() {
    for (wrong, is_found) in [(Some(Wrong::SkipsSync), true), (None, false)] {
        let change = |orders: &mut Orders| orders.faults.wrong = wrong;
        let Some(mut single) = Single::new(NODE, Over::Disk, Effects::Plain, change).await else { return };
        for number in 0..20 {
            assert!(is_done(&single.send(0, Op { number, ..OP }, "").await));
        }
        let Server::Disk(disk) = &mut single.place.server else { panic!("a disk") };
        tokio::task::block_in_place(|| {
            disk.power_cut(&mut Rng::with_seed(7), &mut single.nodes);
            single.nodes.iter_mut().for_each(Node::restart);
        });
        for number in 0..20 {
            assert!(is_done(&single.send(0, Op { number, ..OP }, "").await));
        }
        let report = single.check().await;
        println!("{wrong:?}: {} of {} have happened twice", report.duplicates, report.ops);
        if is_found { report.breaks("I1") } else { report.whole() }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "twenty thousand requests and hundreds of power cuts, on each kind of effects"]
async fn full_size_power_cuts_under_a_file() {
    let kinds = [Effects::SameTx, Effects::Keyed, Effects::Plain];
    let runs = kinds.map(|effects| Run { operations: 4_000, ..dark(Over::Disk, effects, 200, 400) });
    for (run, came) in all(runs).await {
        came.whole();
        assert!(came.killed >= 200 && came.sendings > 19_000 && came.unsynced > 0);
        assert_eq!(came.report.unknown > 0, run.effects == Effects::Plain);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "five thousand requests"]
async fn full_size_a_disk_that_lies() {
    let run = Run { operations: 1_000, ..dark(Over::LyingDisk, Effects::SameTx, 20, 1_000) };
    let Some(came) = run.go().await else { return };
    came.report.breaks("I2");
    assert!(came.report.lost > 0 && came.sendings > 4_000);
}

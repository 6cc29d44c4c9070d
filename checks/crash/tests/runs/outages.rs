//! F5: servers of records that end at once and come back, connections that are cut, disks that are full.

use crate::{NODE, OP, calm};
use buttress::idempotency::Effects;
use buttress_crash::{
    Op,
    place::{LEASE, Over, Place, Server},
    run::{Run, Trouble},
    servers::is_root,
    single::{Single, is_done},
};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

const OWN: Over = Over::OwnPostgres(&[]);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_ends_at_once_and_comes_back_has_lost_nothing() {
    let trouble = Trouble::Server(Duration::from_millis(600));
    let hows = &[""];
    let run = Run { over: OWN, effects: Effects::SameTx, hows, operations: 40, turns: 3, trouble, ..calm() };
    let Some(came) = run.go().await else { return };
    came.whole();
    assert!(came.killed >= run.turns);
    assert_eq!((came.report.unknown, came.report.unstored), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "twenty thousand requests, twice, and a server that restarts all along"]
async fn full_size_restarts_of_postgres() {
    for effects in [Effects::SameTx, Effects::Plain] {
        let trouble = Trouble::Server(Duration::from_millis(1500));
        let run = Run { over: OWN, effects, operations: 4_000, turns: 60, trouble, ..calm() };
        let Some(came) = run.go().await else { return };
        came.whole();
        assert!(came.killed >= 60 && came.sendings > 19_000);
    }
}

/// The proof that a run finds a server that acknowledges before it has written: `synchronous_commit = off`, which nobody should set
/// for records.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_commits_before_it_has_written_is_found_out() {
    let careless = Over::OwnPostgres(&["synchronous_commit=off", "wal_writer_delay=10s"]);
    for (over, is_found) in [(careless, true), (OWN, false)] {
        let Some(mut single) = Single::new(NODE, over, Effects::SameTx, |_| {}).await else { return };
        for number in 0..20 {
            assert!(is_done(&single.send(0, Op { number, ..OP }, "").await));
        }
        let Server::Postgres(server) = &mut single.place.server else { panic!("its own") };
        tokio::task::block_in_place(|| {
            server.stop_at_once();
            server.restart();
        });
        let report = single.check().await;
        if is_found { report.breaks("I2") } else { report.whole() }
    }
}

/// A small disk of its own, until it is dropped.
struct Disk(PathBuf);

impl Disk {
    /// `None`, said aloud, where nobody may mount one.
    fn new(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a directory");
        let options = format!("size={size}");
        let mounted = is_root()
            && Command::new("mount")
                .args(["-t", "tmpfs", "-o", &options, "buttress-crash"])
                .arg(at)
                .status()
                .is_ok_and(|mounted| mounted.success());
        if !mounted {
            println!("skipped: no disk can be mounted here");
            return None;
        }
        Some(Self(at.to_owned()))
    }

    /// Takes all the room that is left, and says where.
    fn fill(&self) -> PathBuf {
        let filler = self.0.join("filler");
        let mut file = std::fs::File::create(&filler).expect("made");
        let page = [0_u8; 512];
        while std::io::Write::write_all(&mut file, &page).is_ok() {}
        filler
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// One that runs when the disk gets full, those that come while it is, and all of them again when there is room.
async fn full_disk(effects: Effects, operations: u32) {
    let mut place = Place::new(NODE, Over::File).await.expect("a file");
    let Some(disk) = Disk::new(&place.dir.join("disk"), "16m") else { return };
    place.move_file(&disk.0.join("records.db"));
    let mut single = Single::at(place, effects, |_| {}).await;
    for number in 0..operations {
        assert!(is_done(&single.send(0, Op { number, ..OP }, "").await));
    }
    let on_the_way = Op { tenant: 1, number: 0 };
    let running = single.sending(0, on_the_way, "long=8", LEASE * 10);
    single.until_running(1).await;
    let filler = disk.fill();
    // What is known is told all the same; what is new is not begun.
    for number in 0..operations {
        assert!(single.send(1, Op { number, ..OP }, "").await.replayed);
    }
    let mut refused = Vec::new();
    for number in operations..operations * 2 {
        let sending = single.sending(1, Op { number, ..OP }, "", LEASE / 10);
        refused.push((Op { number, ..OP }, sending));
    }
    let mut without = 0;
    for (op, sending) in refused {
        let heard = sending.await.expect("no panic");
        without += usize::from(!is_done(&heard));
        assert_eq!(
            single.place.happened().await.of(op).0 > 0,
            is_done(&heard),
            "what is refused has not begun"
        );
        if is_done(&heard) {
            single.told.entry(op).or_default().push(heard);
        }
    }
    assert!(without > 0, "the disk is full");
    let make_room = || std::fs::remove_file(&filler).expect("it is there");
    // What ran is answered all the same; but a transaction comes to nothing until there is room.
    let rolls_back = effects == Effects::SameTx;
    if rolls_back {
        make_room();
    }
    let running = single.hear(on_the_way, running).await;
    assert!(is_done(&running) && running.unstored != rolls_back, "{running:?}");
    if !rolls_back {
        make_room();
    }
    for number in 0..operations * 2 {
        assert!(is_done(&single.send(1, Op { number, ..OP }, "").await));
    }
    let later = single.send(1, on_the_way, "long=8").await;
    println!(
        "a full disk, {effects:?}: {without} of {operations} refused, and done when there was room; the one that ran when it got \
              full: {:?}, unstored {}, later {:?}",
        running.told, running.unstored, later.told
    );
    single.check().await.whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_refuses_the_new_and_forgets_nothing() {
    full_disk(Effects::Plain, 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "three hundred operations, on each kind of effects"]
async fn full_size_a_disk_that_is_full() {
    for effects in [Effects::SameTx, Effects::Keyed, Effects::Plain] {
        full_disk(effects, 100).await;
    }
}

/// Each node writes the file, and one is killed all along; nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "twenty thousand requests"]
async fn full_size_kills_of_the_only_writer_of_a_file() {
    for effects in [Effects::SameTx, Effects::Keyed, Effects::Plain] {
        let run = Run { effects, nodes: 1, operations: 2_500, ..crate::killed(60, 500) };
        let came = run.go().await.expect("a file");
        came.whole();
        assert_eq!(came.report.unknown > 0, effects == Effects::Plain);
    }
}

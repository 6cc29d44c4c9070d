//! F1 to F3: answers that get lost, duplicates at several nodes, and nodes that are killed or stand still.

use crate::{NODE, OP, calm, killed};
use buttress::idempotency::Effects;
use buttress_crash::{
    check::Report,
    place::{LEASE, Over},
    run::{Run, all},
    single::{Single, is_done},
    wrong::Wrong,
};
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_get_lost_make_nothing_happen_twice() {
    let over = [Over::File, Over::Postgres, Over::Redis];
    for (_, came) in all(over.map(|over| Run { over, lost: 30, ..calm() })).await {
        came.whole();
        assert!(came.cut > 20, "{} answers were cut", came.cut);
        assert_eq!(came.report.unknown, 0, "nobody has died, so all is known");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_to_several_nodes_at_once_happens_once() {
    let kinds = [Over::File, Over::Postgres]
        .map(|over| [Effects::Plain, Effects::SameTx].map(|effects| Run { over, effects, ..calm() }));
    for (_, came) in all(kinds.into_iter().flatten()).await {
        came.whole();
        assert_eq!((came.report.unknown, came.report.reran), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_are_killed_leave_nothing_done_twice_and_say_what_they_do_not_know() {
    let over = [Over::File, Over::Postgres, Over::Redis];
    for (run, came) in all(over.map(|over| Run { over, operations: 50, lost: 10, ..killed(4, 300) })).await {
        came.whole();
        assert!(came.killed + came.stopped >= run.turns);
        assert!(came.report.unknown > 0, "somebody was killed at work");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_transaction_all_is_known_whoever_dies() {
    let run = Run { effects: Effects::SameTx, operations: 50, lost: 10, ..killed(4, 300) };
    for (_, came) in all([Over::File, Over::Postgres].map(|over| Run { over, ..run })).await {
        came.whole();
        assert!(came.killed + came.stopped >= run.turns);
        assert_eq!(came.report.unknown, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_child_keys_it_runs_again_and_has_happened_once() {
    let run = Run { effects: Effects::Keyed, operations: 50, lost: 10, ..killed(4, 300) };
    for (_, came) in all([Over::File, Over::Redis].map(|over| Run { over, ..run })).await {
        came.whole();
        assert_eq!(came.report.unknown, 0);
        assert!(came.report.reran > 0, "somebody was killed behind an effect");
    }
}

/// The proof that a run finds duplicates where there are some: a handler that says that it may run again, and may not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_says_keyed_and_is_not_has_its_effects_twice() {
    let run = Run { effects: Effects::Keyed, hows: &["unkeyed late=3"], operations: 50, ..killed(6, 300) };
    let came = run.go().await.expect("a file");
    came.report.breaks("I1");
    assert!(came.report.duplicates > 0);
}

/// To three nodes; and a hundred times one of them stands still.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a hundred thousand requests and three hundred kills"]
async fn full_size_in_one_transaction() {
    let run = Run { over: Over::Postgres, effects: Effects::SameTx, lost: 10, ..killed(400, 600) };
    let Some(came) = (Run { operations: 20_000, hows: calm().hows, ..run }).go().await else { return };
    came.whole();
    assert!(came.killed >= 300 && came.sendings > 99_000, "{} kills", came.killed);
    assert_eq!(came.report.unknown, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "twenty thousand requests, on each kind of effects"]
async fn full_size_kills_over_redis() {
    for effects in [Effects::Keyed, Effects::Plain] {
        let run = Run { over: Over::Redis, effects, operations: 4_000, lost: 10, ..killed(80, 600) };
        let Some(came) = run.go().await else { return };
        came.whole();
        assert_eq!(came.report.unknown > 0, effects == Effects::Plain);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "twenty thousand requests, twice"]
async fn full_size_of_lost_answers_and_kills_over_a_file() {
    let lost = Run { lost: 30, operations: 4_000, ..calm() };
    lost.go().await.expect("a file").whole();
    let kills = Run { operations: 4_000, ..killed(80, 600) };
    kills.go().await.expect("a file").whole();
}

/// A server stands still for longer than its lease, another takes over, and it comes back.
pub(crate) async fn zombie(over: Over, wrong: Option<Wrong>) -> Option<Report> {
    let change = |orders: &mut buttress_crash::orders::Orders| orders.faults.wrong = wrong;
    let mut single = Single::new(NODE, over, Effects::SameTx, change).await?;
    let first = single.sending(0, OP, "long=5", LEASE * 20);
    single.until_running(1).await;
    single.nodes[0].signal("STOP");
    let heir = single.send(1, OP, "long=5").await;
    assert!(is_done(&heir), "{heir:?}");
    single.nodes[0].signal("CONT");
    single.hear(OP, first).await;
    sleep(LEASE).await; // real: processes
    Some(single.check().await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_back_too_late_changes_nothing() {
    for over in [Over::File, Over::Postgres] {
        if let Some(report) = zombie(over, None).await {
            report.whole();
        }
    }
}

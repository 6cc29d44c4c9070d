//! What Redis does not promise: records that a primary has acknowledged and taken along. The loss is made to happen, counted, and
//! nothing but it is allowed.

use crate::NODE;
use buttress::idempotency::Effects;
use buttress_crash::{
    Op,
    check::Report,
    client::Told,
    orders::Faults,
    place::{LEASE, Over, Place, Server},
    point::{Nth, Point},
    servers::Redis,
    single::{Single, is_done},
    way::Way,
};
use std::time::Duration;
use tokio::time::sleep;

/// Which operations were asked for when.
const BEFORE: std::ops::Range<u32> = 0..20;
const PARKED: u32 = 50;
const CUT_OFF: std::ops::Range<u32> = 100..130;
const ON_THE_WAY: u32 = 200;

fn op(number: u32) -> Op {
    Op { tenant: 0, number }
}

/// A primary and its replica; the nodes find the primary by one address, which is led to the replica when that is promoted.
struct Pair {
    primary: Redis,
    replica: Redis,
    link: Way,
    address: Way,
}

impl Pair {
    async fn new(place: &mut Place) -> Option<Self> {
        let Server::Redis(primary) = std::mem::replace(&mut place.server, Server::None) else { return None };
        let replica = Redis::start(&place.dir).await?;
        let (link, address) = (Way::to(primary.port()).await, Way::to(primary.port()).await);
        place.store = format!("redis://127.0.0.1:{}/", address.port());
        let () = replica.ask(&["REPLICAOF", "127.0.0.1", &link.port().to_string()]).await;
        let pair = Self { primary, replica, link, address };
        pair.until_replicated().await;
        Some(pair)
    }

    /// Until the replica has all that the primary has.
    async fn until_replicated(&self) {
        for _ in 0..500 {
            let told: i64 = self.primary.ask(&["WAIT", "1", "100"]).await;
            if told == 1 {
                return;
            }
            sleep(Duration::from_millis(10)).await; // real: over processes
        }
        panic!("the replica does not follow");
    }

    /// The primary is gone with what only it had, and the replica is the primary.
    async fn fail_over(mut self) -> Self {
        self.primary.kill();
        let () = self.replica.ask(&["REPLICAOF", "NO", "ONE"]).await;
        self.address.lead(self.replica.port());
        self
    }
}

/// What has come of it, and of the operation that was under way when the primary died.
struct Lost {
    report: Report,
    /// How many of those that were acknowledged while the replica was cut off have run again.
    again: usize,
    on_the_way: Told,
    on_the_way_unstored: bool,
    parked: Told,
}

async fn fail_over(effects: Effects) -> Option<Lost> {
    let mut place = Place::new(NODE, Over::Redis).await?;
    let pair = Pair::new(&mut place).await?;
    let dies = Nth { point: Point::EffectDone, time: BEFORE.end + 1 };
    let mut single = Single::at(place, effects, |orders| {
        orders.faults = Faults { ends: Some(dies), ..orders.faults };
    })
    .await;

    for number in BEFORE {
        assert!(is_done(&single.send(0, op(number), "").await));
    }
    // A server dies of this one, and the replica knows that somebody was at it.
    single.dies_of(0, op(PARKED), "").await;
    pair.until_replicated().await;

    pair.link.cut();
    for number in CUT_OFF {
        assert!(is_done(&single.send(1, op(number), "").await), "the primary acknowledges all the same");
    }
    let on_the_way = single.sending(1, op(ON_THE_WAY), "long=20", LEASE * 20);
    // This one, and the one whose server has died.
    while pair.primary.running().await < 2 {
        sleep(Duration::from_millis(10)).await; // real: over processes
    }
    let pair = pair.fail_over().await;
    let on_the_way = single.hear(op(ON_THE_WAY), on_the_way).await;

    let mut again = 0;
    for number in BEFORE.chain(CUT_OFF) {
        let heard = single.send(1, op(number), "").await;
        again += usize::from(!heard.replayed);
    }
    let parked = single.send(1, op(PARKED), "").await.told;
    single.place.store = pair.replica.url();
    single.place.server = Server::Redis(pair.replica);
    let report = single.check().await;
    println!(
        "Redis, {effects:?}: of {} operations acknowledged while the replica was cut off, {again} ran again after it was \
         promoted: {} duplicates; of {} before it, none",
        CUT_OFF.len(),
        report.duplicates,
        BEFORE.len()
    );
    Some(Lost {
        report,
        again,
        on_the_way: on_the_way.told,
        on_the_way_unstored: on_the_way.unstored,
        parked,
    })
}

/// Only what was acknowledged behind the back of the replica may be broken.
#[track_caller]
fn only_what_was_cut_off(lost: &Lost) {
    for (op, broken) in &lost.report.broken {
        assert!(CUT_OFF.contains(&op.number), "{broken}");
    }
    assert_eq!(lost.again, CUT_OFF.len(), "the loss that is documented has happened");
    // Its record was gone when it ended, and its caller was told so.
    assert!(matches!(lost.on_the_way, Told::Done(_)) && lost.on_the_way_unstored);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_of_redis_loses_what_its_replica_had_not_got_and_nothing_else() {
    let Some(lost) = fail_over(Effects::Plain).await else { return };
    only_what_was_cut_off(&lost);
    assert_eq!(lost.report.duplicates as usize, CUT_OFF.len());
    // What the replica knew of stays parked.
    assert_eq!(lost.parked, Told::Unknown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_keys_outlive_a_failover_of_redis() {
    let Some(lost) = fail_over(Effects::Keyed).await else { return };
    only_what_was_cut_off(&lost);
    assert_eq!(
        lost.report.duplicates, 0,
        "whoever is called with a child key knows it, whatever becomes of the record"
    );
    assert!(matches!(lost.parked, Told::Done(_)), "it may run again");
}

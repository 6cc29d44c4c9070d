//! The runs: lost answers, duplicates over several nodes, nodes that are killed or stand still; and the servers that are wrong.
//!
//! Over a file of SQLite, and over the server of PostgreSQL that `BUTTRESS_TEST_POSTGRES` names. `full_size` runs are for the
//! night: `cargo test --release -p buttress-crash -- --ignored --nocapture full_size`.

use buttress::{
    idempotency::{Effects, KeyStore},
    store::{PgStore, SqliteStore},
};
use buttress_crash::{
    Op,
    check::{Report, check},
    client::{Heard, Told, send},
    ledger::Ledger,
    node::Orders,
    nodes::{Node, pause},
    proxy::Proxy,
    wrong::Wrong,
};
use deadpool_postgres::{Manager, Pool};
use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{sync::Semaphore, time::sleep};
use tokio_postgres::NoTls;

const NODE: &str = env!("CARGO_BIN_EXE_node");
const LEASE: Duration = Duration::from_millis(1000);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Over {
    File,
    Postgres,
}

/// Records and ledger of one run.
struct Place {
    dir: PathBuf,
    store: String,
    pool: Option<Pool>,
}

impl Place {
    /// `None`, said aloud, where the server is missing.
    async fn new(over: Over) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("crash_{}_{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let dir = std::env::temp_dir().join(&name);
        std::fs::create_dir_all(&dir).expect("a directory");
        if over == Over::File {
            let store = dir.join("records.db").display().to_string();
            return Some(Self { dir, store, pool: None });
        }
        let Ok(url) = std::env::var("BUTTRESS_TEST_POSTGRES") else {
            println!("skipped: BUTTRESS_TEST_POSTGRES is not set");
            return None;
        };
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("the server answers");
        tokio::spawn(connection);
        client.batch_execute(&format!("CREATE SCHEMA {name}")).await.expect("made");
        let with = if url.contains('?') { '&' } else { '?' };
        let store = format!("{url}{with}options=-csearch_path%3D{name}");
        let config = store.parse().expect("a connection string");
        let pool = Pool::builder(Manager::new(config, NoTls)).max_size(2).build().expect("a pool");
        let client = pool.get().await.expect("a connection");
        client.batch_execute("CREATE TABLE effects (tenant bigint, number bigint)").await.expect("made");
        PgStore::new(pool.clone()).migrate().await.expect("made");
        Some(Self { dir, store, pool: Some(pool) })
    }

    fn orders(&self, effects: Effects) -> Orders {
        Orders {
            store: self.store.clone(),
            effects,
            ledger: self.dir.join("ledger"),
            lease: LEASE,
            port: 0,
            wrong: None,
            lost: 0,
            ends_at: None,
        }
    }

    /// What has really happened, in the file and in the table.
    async fn effects(&self) -> HashMap<Op, u32> {
        let mut effects = Ledger::at(&self.dir.join("ledger")).read();
        if let Some(pool) = &self.pool {
            let client = pool.get().await.expect("a connection");
            for row in client.query("SELECT tenant, number FROM effects", &[]).await.expect("it answers") {
                let number = |at| u32::try_from(row.get::<_, i64>(at)).expect("small");
                *effects.entry(Op { tenant: number(0), number: number(1) }).or_insert(0) += 1;
            }
        }
        effects
    }

    async fn parked(&self) -> usize {
        match &self.pool {
            Some(pool) => PgStore::new(pool.clone()).parked(None, 1_000_000).await,
            None => SqliteStore::open(&self.store).expect("it opens").parked(None, 1_000_000).await,
        }
        .expect("it answers")
        .len()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A run of many operations.
struct Run {
    over: Over,
    effects: Effects,
    nodes: usize,
    operations: u32,
    /// Of a hundred answers so many get lost, and half as many of the claims'.
    lost: u32,
    /// Some node is killed after about so long, and again; every fourth time it stands still for two leases instead.
    kills: Option<Duration>,
    seed: u64,
}

impl Run {
    /// What it has come to, how often a node was killed or stood still, and how many answers were cut.
    async fn go(&self) -> Option<(Report, u32, u32)> {
        let place = Place::new(self.over).await?;
        let orders = Orders { lost: self.lost / 2, ..place.orders(self.effects) };
        let mut nodes: Vec<_> = (0..self.nodes).map(|_| Node::start(NODE, orders.clone())).collect();
        let mut proxies = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            let seed = self.seed + at as u64;
            proxies.push(Proxy::before(node.port(), self.lost, seed).await);
        }
        let ports: Arc<[u16]> = proxies.iter().map(Proxy::port).collect();
        let over = Arc::new(AtomicBool::new(false));

        let monkey = {
            let (over, kills, mut rng) = (Arc::clone(&over), self.kills, fastrand::Rng::with_seed(self.seed));
            tokio::task::spawn_blocking(move || {
                let mut killed = 0;
                while let Some(period) = kills
                    && !over.load(Relaxed)
                {
                    pause(period.mul_f64(0.5 + rng.f64()));
                    let at = rng.usize(..nodes.len());
                    if killed % 4 == 3 {
                        nodes[at].signal("STOP");
                        pause(LEASE * 2);
                        nodes[at].signal("CONT");
                    } else {
                        nodes[at].restart();
                    }
                    killed += 1;
                }
                (nodes, killed)
            })
        };

        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client");
        let (room, mut rng) = (Arc::new(Semaphore::new(48)), fastrand::Rng::with_seed(self.seed));
        let mut tasks = Vec::new();
        for number in 0..self.operations {
            for tenant in 0..2 {
                let how = ["", "", "", "refuse"][rng.usize(..4)];
                for _ in 0..rng.u32(1..5) {
                    let (http, ports, room) = (http.clone(), Arc::clone(&ports), Arc::clone(&room));
                    let (op, wait) = (Op { tenant, number }, Duration::from_millis(rng.u64(..50)));
                    tasks.push((
                        op,
                        tokio::spawn(async move {
                            let _place = room.acquire_owned().await.expect("open");
                            sleep(wait).await;
                            send(&http, &ports, op, how, Duration::from_secs(60)).await
                        }),
                    ));
                }
            }
        }
        let mut told: BTreeMap<Op, Vec<Heard>> = BTreeMap::new();
        for (op, task) in tasks {
            told.entry(op).or_default().push(task.await.expect("no panic"));
        }
        over.store(true, Relaxed);
        let (nodes, killed) = monkey.await.expect("no panic");
        let report = check(&told, &place.effects().await, place.parked().await);
        drop(nodes);
        println!(
            "{:?}, {:?}: {} operations, {killed} kills, {} duplicates, {} lost, {} unknown",
            self.over, self.effects, report.ops, report.duplicates, report.lost, report.unknown
        );
        Some((report, killed, proxies.iter().map(Proxy::cut).sum()))
    }
}

/// Nothing is broken.
#[track_caller]
fn whole(report: &Report) {
    assert!(report.broken.is_empty(), "{} broken, the first:\n{}", report.broken.len(), report.broken[0]);
}

const CALM: Run = Run {
    over: Over::File,
    effects: Effects::Plain,
    nodes: 3,
    operations: 40,
    lost: 0,
    kills: None,
    seed: 7,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_get_lost_make_nothing_happen_twice() {
    for over in [Over::File, Over::Postgres] {
        let Some((report, _, cut)) = (Run { over, lost: 30, ..CALM }).go().await else { continue };
        whole(&report);
        assert!(cut > 20, "{cut} answers were cut");
        assert_eq!(report.unknown, 0, "nobody has died, so all is known");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_to_several_nodes_at_once_happens_once() {
    for (over, effects) in
        [(Over::File, Effects::Plain), (Over::Postgres, Effects::Plain), (Over::Postgres, Effects::SameTx)]
    {
        let Some((report, ..)) = (Run { over, effects, ..CALM }).go().await else { continue };
        whole(&report);
        assert_eq!(report.unknown, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_are_killed_leave_nothing_done_twice_and_say_what_they_do_not_know() {
    for over in [Over::File, Over::Postgres] {
        let run = Run { over, operations: 150, lost: 10, kills: Some(Duration::from_millis(300)), ..CALM };
        let Some((report, killed, _)) = run.go().await else { continue };
        whole(&report);
        assert!(killed > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_transaction_all_is_known_whoever_dies() {
    let kills = Some(Duration::from_millis(300));
    let run =
        Run { over: Over::Postgres, effects: Effects::SameTx, operations: 150, lost: 10, kills, ..CALM };
    let Some((report, killed, _)) = run.go().await else { return };
    whole(&report);
    assert!(killed > 0);
    assert_eq!(report.unknown, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a hundred thousand requests and three hundred kills"]
async fn full_size_in_one_transaction() {
    let kills = Some(Duration::from_millis(1200));
    let run =
        Run { over: Over::Postgres, effects: Effects::SameTx, operations: 20_000, lost: 10, kills, ..CALM };
    let Some((report, killed, _)) = run.go().await else { return };
    whole(&report);
    println!("{killed} kills");
    assert_eq!(report.unknown, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a hundred thousand requests"]
async fn full_size_of_lost_answers_and_kills_over_a_file() {
    whole(&(Run { lost: 30, operations: 20_000, ..CALM }).go().await.expect("a file").0);
    let kills = Some(Duration::from_millis(1200));
    whole(&(Run { operations: 20_000, kills, ..CALM }).go().await.expect("a file").0);
}

/// One operation, and what the clients were told of it one after the other.
struct Single {
    place: Place,
    nodes: Vec<Node>,
    told: BTreeMap<Op, Vec<Heard>>,
}

const OP: Op = Op { tenant: 0, number: 1 };

impl Single {
    async fn new(over: Over, effects: Effects, change: impl Fn(&mut Orders)) -> Option<Self> {
        let place = Place::new(over).await?;
        let mut orders = place.orders(effects);
        change(&mut orders);
        let first = Node::start(NODE, orders.clone());
        let nodes = vec![first, Node::start(NODE, Orders { ends_at: None, ..orders })];
        Some(Self { place, nodes, told: BTreeMap::new() })
    }

    async fn send(&mut self, node: usize, op: Op, how: &'static str) -> Told {
        let heard = self.sending(node, op, how, Duration::from_secs(10)).await.expect("no panic");
        self.told.entry(op).or_default().push(heard.clone());
        heard.told
    }

    fn sending(
        &self,
        node: usize,
        op: Op,
        how: &'static str,
        patience: Duration,
    ) -> tokio::task::JoinHandle<Heard> {
        let port = self.nodes[node].port();
        tokio::spawn(async move {
            let http = reqwest::Client::builder().no_proxy().build().expect("a client");
            send(&http, &[port], op, how, patience).await
        })
    }

    async fn check(&self) -> Report {
        check(&self.told, &self.place.effects().await, self.place.parked().await)
    }
}

/// What becomes of an operation whose server dies at that point: how often it happens in the end, and what is said.
async fn dies(over: Over, effects: Effects, point: &'static str) -> Option<(u32, Told)> {
    let mut single = Single::new(over, effects, |orders| orders.ends_at = Some(point.to_owned())).await?;
    let dead = single.sending(0, OP, "end", Duration::from_millis(300)).await.expect("no panic");
    assert_eq!(dead.told, Told::Nothing);
    let told = single.send(1, OP, "end").await;
    assert_eq!(single.place.parked().await, usize::from(told == Told::Unknown));
    Some((single.place.effects().await.get(&OP).copied().unwrap_or(0), told))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_in_the_middle_says_by_its_effects_what_is_known() {
    for over in [Over::File, Over::Postgres] {
        // What cannot be repeated is not, and nobody pretends to know.
        if let Some(ended) = dies(over, Effects::Plain, "before-effect").await {
            assert_eq!(ended, (0, Told::Unknown));
        }
        if let Some(ended) = dies(over, Effects::Plain, "after-effect").await {
            assert_eq!(ended, (1, Told::Unknown));
        }
        // Whoever says that it may run again gets that: this is what child keys are for.
        if let Some((effects, told)) = dies(over, Effects::Keyed, "before-effect").await {
            assert!(matches!((effects, told), (1, Told::Done(_))));
        }
        if let Some((effects, told)) = dies(over, Effects::Keyed, "after-effect").await {
            assert!(matches!((effects, told), (2, Told::Done(_))));
        }
    }
    for point in ["before-effect", "after-effect"] {
        if let Some((effects, told)) = dies(Over::Postgres, Effects::SameTx, point).await {
            assert!(matches!((effects, told), (1, Told::Done(_))), "{point}");
        }
    }
}

/// A server stands still for longer than its lease, another takes over, and it comes back.
async fn zombie(wrong: Option<Wrong>) -> Option<Report> {
    let mut single = Single::new(Over::Postgres, Effects::SameTx, |orders| orders.wrong = wrong).await?;
    let first = single.sending(0, OP, "slow", Duration::from_secs(20));
    sleep(LEASE / 4).await; // real: processes
    single.nodes[0].signal("STOP");
    let heir = single.send(1, OP, "slow").await;
    assert!(matches!(heir, Told::Done(_)), "{heir:?}");
    single.nodes[0].signal("CONT");
    let late = first.await.expect("no panic");
    single.told.entry(OP).or_default().push(late);
    sleep(LEASE).await; // real: processes
    Some(single.check().await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_back_too_late_changes_nothing() {
    if let Some(report) = zombie(None).await {
        whole(&report);
    }
}

/// What a wrong server is found out by.
#[track_caller]
fn found(report: &Report, rule: &str) {
    assert!(
        report.broken.iter().any(|broken| broken.starts_with(rule)),
        "{rule}: not found in {:?}",
        report.broken
    );
}

/// One operation sent twice, one after the other, to a server that is wrong.
async fn twice(wrong: Option<Wrong>, effects: Effects, how: &'static str) -> Report {
    let mut single = Single::new(Over::File, effects, |orders| orders.wrong = wrong).await.expect("a file");
    single.send(0, OP, how).await;
    sleep(Duration::from_millis(50)).await; // real: processes
    single.send(1, OP, how).await;
    single.check().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_finds_a_fence_that_is_ignored() {
    if let Some(report) = zombie(Some(Wrong::IgnoresFence)).await {
        found(&report, "I1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_finds_an_effect_before_the_claim() {
    found(&twice(Some(Wrong::ClaimsLate), Effects::Plain, "").await, "I1");
    whole(&twice(None, Effects::Plain, "").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_finds_answers_that_are_forgotten() {
    found(&twice(Some(Wrong::ForgetsAnswers), Effects::Plain, "").await, "I1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_finds_a_failure_that_is_run_again() {
    found(&twice(Some(Wrong::RerunsErrors), Effects::Plain, "fail").await, "I1");
    whole(&twice(None, Effects::Plain, "fail").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_finds_a_panic_that_releases_the_key() {
    for (wrong, is_found) in [(Some(Wrong::ReleasesOnPanic), true), (None, false)] {
        let mut single =
            Single::new(Over::File, Effects::Plain, |orders| orders.wrong = wrong).await.expect("a file");
        // A panic gives no answer; the one that is right parks, and says so.
        let told = single.sending(0, OP, "panic", Duration::from_secs(1)).await.expect("no panic");
        single.told.entry(OP).or_default().push(told);
        let report = single.check().await;
        assert_eq!(report.duplicates > 0, is_found, "{report:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_finds_tenants_that_are_not_told_apart() {
    for (wrong, is_found) in [(Some(Wrong::ForgetsScope), true), (None, false)] {
        let mut single =
            Single::new(Over::File, Effects::Plain, |orders| orders.wrong = wrong).await.expect("a file");
        single.send(0, OP, "").await;
        single.send(0, Op { tenant: 1, ..OP }, "").await;
        let report = single.check().await;
        if is_found { found(&report, "I6") } else { whole(&report) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_finds_an_end_that_is_acknowledged_before_it_is_written() {
    for (wrong, is_found) in [(Some(Wrong::AnswersEarly), true), (None, false)] {
        let mut single =
            Single::new(Over::File, Effects::Keyed, |orders| orders.wrong = wrong).await.expect("a file");
        single.send(0, OP, "").await;
        single.nodes[0].kill();
        single.send(1, OP, "").await;
        let report = single.check().await;
        if is_found { found(&report, "I1") } else { whole(&report) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_finds_claims_that_do_not_know_themselves() {
    for (wrong, is_found) in [(Some(Wrong::ForgetsNonce), true), (None, false)] {
        let mut single = Single::new(Over::File, Effects::Plain, |orders| {
            orders.wrong = wrong;
            orders.lost = 50;
        })
        .await
        .expect("a file");
        let mut unknown = 0;
        for number in 0..12 {
            let told = single.send(0, Op { number, ..OP }, "").await;
            unknown += u32::from(told == Told::Unknown);
        }
        // Nobody has died, so everything should be known.
        assert_eq!(unknown > 0, is_found, "{unknown} unknown with {wrong:?}");
    }
}

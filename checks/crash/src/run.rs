//! A run of many operations over several nodes, while something goes wrong.

use crate::{
    Op,
    check::{Report, check},
    client::{Heard, Told, http, send},
    nodes::{Node, pause},
    orders::{Faults, Orders},
    place::{LEASE, Over, Place, Server},
    proxy::Proxy,
};
use buttress::idempotency::Effects;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, watch},
    time::{Instant, sleep},
};

/// A run of many operations. The same seed gives the same operations, the same cuts and the same choice of whom to kill.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// What the nodes are.
    pub program: &'static str,
    /// Which store.
    pub over: Over,
    /// What the handlers are said to do.
    pub effects: Effects,
    /// How the handlers go: each operation draws one.
    pub hows: &'static [&'static str],
    /// How many nodes.
    pub nodes: usize,
    /// By how much the clock of each node is off; the rest are right.
    pub clocks: &'static [&'static str],
    /// What goes wrong in every node.
    pub faults: Faults,
    /// Of each of two tenants. Each operation is sent one to four times.
    pub operations: u32,
    /// How many sendings are under way at once.
    pub at_once: usize,
    /// Of a hundred answers so many get lost, and half as many of the claims'.
    pub lost: u32,
    /// What happens all along.
    pub trouble: Trouble,
    /// So often something happens at least: operations begin by and by, evenly over these times. 0: all at once.
    pub turns: u32,
    /// Of everything that is drawn.
    pub seed: u64,
}

/// All of them at once, since most of a run is waiting.
///
/// # Panics
/// Where one of them does.
pub async fn all(runs: impl IntoIterator<Item = Run>) -> Vec<(Run, Came)> {
    let going: Vec<_> =
        runs.into_iter().map(|run| (run, tokio::spawn(async move { run.go().await }))).collect();
    let mut all = Vec::new();
    for (run, going) in going {
        all.extend(going.await.expect("no panic").map(|came| (run, came)));
    }
    all
}

/// What happens all along, after about so long each time.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    /// Nothing.
    None,
    /// Some node is killed and started again; every fourth time one stands still for two leases instead.
    Nodes(Duration),
    /// The server of the records ends at once and is started again; every third time it cuts all connections instead.
    Server(Duration),
    /// As with nodes; and every third time the primary is gone for good, its standby takes its place, and gets a standby.
    Failover(Duration),
    /// The power goes, for all nodes and the disk of the records at once; it comes back, and they are started again.
    Power(Duration),
}

/// What a run has come to.
#[derive(Debug)]
pub struct Came {
    /// By the rules.
    pub report: Report,
    /// How often something was killed or cut, or lost its power.
    pub killed: u32,
    /// How often a node stood still.
    pub stopped: u32,
    /// How often a standby took the place of its primary.
    pub failovers: u32,
    /// How many pages a disk has lost that were not synced.
    pub unsynced: usize,
    /// How many answers were cut.
    pub cut: u32,
    /// How often an operation was sent by somebody who wanted an answer.
    pub sendings: usize,
    /// How many records still say that somebody runs them.
    pub running: i64,
}

impl Came {
    /// Nothing is broken, and nobody runs any more.
    ///
    /// # Panics
    /// Where something is.
    #[track_caller]
    pub fn whole(&self) {
        self.report.whole();
        assert_eq!(self.running, 0, "I7, nothing is left running");
    }
}

impl Run {
    /// `None`, said aloud, where the store is missing.
    ///
    /// # Panics
    /// Where the machine does not do what a run needs.
    pub async fn go(&self) -> Option<Came> {
        let mut place = Place::new(self.program, self.over).await?;
        let orders =
            Orders { faults: Faults { lost: self.lost / 2, ..self.faults }, ..place.orders(self.effects) };
        let clocks = self.clocks.iter().map(|clock| Some(*clock)).chain(std::iter::repeat(None));
        let mut nodes = Vec::new();
        for clock in clocks.take(self.nodes) {
            nodes.push(Node::start(self.program, Orders { clock, ..orders.clone() }).await);
        }
        if let (Over::LyingDisk, Server::Disk(disk)) = (self.over, &place.server) {
            // Behind the making of the tables, so that it keeps a file that is whole.
            disk.lie();
        }
        let mut proxies = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            proxies.push(Proxy::before(node.port(), self.lost, self.seed + at as u64).await);
        }
        let ports: Arc<[u16]> = proxies.iter().map(Proxy::port).collect();
        let mut monkey = Monkey {
            trouble: self.trouble,
            rng: fastrand::Rng::with_seed(self.seed),
            over: Arc::default(),
            turns: watch::Sender::new(0),
            nodes,
            server: std::mem::replace(&mut place.server, Server::None),
            handle: Handle::current(),
            stopped: 0,
            failovers: 0,
            unsynced: 0,
        };
        let (over, turns) = (Arc::clone(&monkey.over), monkey.turns.subscribe());
        let monkey = tokio::task::spawn_blocking(move || {
            monkey.romp();
            monkey
        });

        let began = Instant::now();
        let mut told = self.ask_all(&ports, turns).await;
        over.store(true, Relaxed);
        let Monkey { nodes, server, turns, stopped, failovers, unsynced, .. } =
            monkey.await.expect("no panic");
        let turns = *turns.borrow();
        place.server = server;
        let (took, sendings) = (began.elapsed(), told.values().map(Vec::len).sum());
        // What is written down behind an answer has a lease for it; and an owner that was taken for dead may have come back.
        sleep(LEASE).await; // real: over processes
        let directly: Vec<_> = nodes.iter().map(Node::port).collect();
        self.ask_once_more(&directly, &mut told).await;
        let running = place.running().await;
        let report = check(&told, &place.happened().await, place.parked().await);
        drop(nodes);
        let came = Came {
            killed: turns - stopped - failovers,
            stopped,
            failovers,
            unsynced,
            cut: proxies.iter().map(Proxy::cut).sum(),
            sendings,
            running,
            report,
        };
        self.say(&came, took);
        Some(came)
    }

    async fn ask_all(&self, ports: &Arc<[u16]>, mut turns: watch::Receiver<u32>) -> BTreeMap<Op, Vec<Heard>> {
        let (http, mut rng) = (http(), fastrand::Rng::with_seed(self.seed));
        let room = Arc::new(Semaphore::new(self.at_once));
        let mut tasks = Vec::new();
        for number in 0..self.operations {
            let from = u64::from(number) * u64::from(self.turns) / u64::from(self.operations.max(2) - 1);
            turns.wait_for(|turns| u64::from(*turns) >= from).await.expect("it goes on");
            for tenant in 0..2 {
                let how = self.how(Op { tenant, number });
                for _ in 0..rng.u32(1..5) {
                    let (http, ports, room) = (http.clone(), Arc::clone(ports), Arc::clone(&room));
                    let (op, wait) = (Op { tenant, number }, Duration::from_millis(rng.u64(..50)));
                    tasks.push((
                        op,
                        tokio::spawn(async move {
                            let _place = room.acquire_owned().await.expect("open");
                            sleep(wait).await; // real: over sockets
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
        told
    }

    /// Of what nobody was told for good, each is asked for again: nothing goes wrong any more, so what is heard now stays.
    async fn ask_once_more(&self, ports: &[u16], told: &mut BTreeMap<Op, Vec<Heard>>) {
        let http = http();
        for (op, heard) in told {
            let is_told = |heard: &Heard| heard.told != Told::Unknown && !heard.unstored;
            if !heard.iter().any(is_told) {
                let how = self.how(*op);
                heard.push(send(&http, ports, *op, how, Duration::from_secs(60)).await);
            }
        }
    }

    /// The same each time that it is sent, as a client does.
    fn how(&self, op: Op) -> &'static str {
        let mut rng =
            fastrand::Rng::with_seed(self.seed ^ (u64::from(op.number) << 1) ^ u64::from(op.tenant));
        self.hows[rng.usize(..self.hows.len())]
    }

    fn say(&self, came: &Came, took: Duration) {
        let Came { report, killed, stopped, failovers, unsynced, cut, sendings, running } = came;
        let struck = match self.trouble {
            Trouble::Failover(_) => format!("{failovers} failovers, {killed} kills, {stopped} stops"),
            Trouble::Power(_) => format!("{killed} power cuts, {unsynced} pages lost"),
            _ => format!("{killed} kills, {stopped} stops"),
        };
        println!(
            "{:?}, {:?}, seed {}: {} operations in {sendings} requests, {struck}, {cut} answers cut: \
             {} duplicates, {} lost, {} unknown, {} unstored, {} ran again, {running} left running; {:.1} s",
            self.over,
            self.effects,
            self.seed,
            report.ops,
            report.duplicates,
            report.lost,
            report.unknown,
            report.unstored,
            report.reran,
            took.as_secs_f64()
        );
    }
}

/// Who makes the trouble.
struct Monkey {
    trouble: Trouble,
    rng: fastrand::Rng,
    over: Arc<AtomicBool>,
    nodes: Vec<Node>,
    server: Server,
    handle: Handle,
    turns: watch::Sender<u32>,
    stopped: u32,
    failovers: u32,
    unsynced: usize,
}

impl Monkey {
    fn romp(&mut self) {
        loop {
            let (Trouble::Nodes(period)
            | Trouble::Server(period)
            | Trouble::Failover(period)
            | Trouble::Power(period)) = self.trouble
            else {
                return;
            };
            pause(period.mul_f64(0.5 + self.rng.f64()));
            if self.over.load(Relaxed) {
                return;
            }
            match self.trouble {
                Trouble::None => {}
                Trouble::Nodes(_) => self.strike_a_node(),
                Trouble::Server(_) => self.strike_the_server(),
                Trouble::Failover(_) if *self.turns.borrow() % 3 == 2 => self.fail_over(),
                Trouble::Failover(_) => self.strike_a_node(),
                Trouble::Power(_) => self.cut_the_power(),
            }
            self.turns.send_modify(|turns| *turns += 1);
        }
    }

    fn strike_a_node(&mut self) {
        let at = self.rng.usize(..self.nodes.len());
        if *self.turns.borrow() % 4 == 3 {
            self.nodes[at].signal("STOP");
            pause(LEASE * 2);
            self.nodes[at].signal("CONT");
            self.stopped += 1;
        } else {
            self.nodes[at].restart();
        }
    }

    fn strike_the_server(&mut self) {
        let Server::Postgres(server) = &mut self.server else { panic!("a server of the run's own") };
        if *self.turns.borrow() % 3 == 2 {
            self.handle.block_on(server.cut_all());
        } else {
            server.stop_at_once();
            server.restart();
        }
    }

    fn fail_over(&mut self) {
        let Server::Pair(pair) = &mut self.server else { panic!("a pair of the run's own") };
        pair.fail_over(self.rng.bool());
        self.handle.block_on(pair.follow());
        self.failovers += 1;
    }

    fn cut_the_power(&mut self) {
        let Server::Disk(disk) = &mut self.server else { panic!("a disk of the run's own") };
        self.unsynced += disk.power_cut(&mut self.rng, &mut self.nodes);
        self.nodes.iter_mut().for_each(Node::restart);
    }
}

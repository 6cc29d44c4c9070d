//! A few operations at two nodes, one after the other: for what has to be seen at one place, and not among many.

use crate::{
    Op,
    check::{Report, check},
    client::{Heard, Told, http, once, send},
    nodes::Node,
    orders::Orders,
    place::{Over, Place},
};
use buttress::idempotency::Effects;
use std::{collections::BTreeMap, time::Duration};
use tokio::{task::JoinHandle, time::sleep};

/// Two nodes, and what clients were told of each operation.
#[derive(Debug)]
pub struct Single {
    /// The place of the records.
    pub place: Place,
    /// The first is the one that is changed.
    pub nodes: Vec<Node>,
    /// In the order in which it was told.
    pub told: BTreeMap<Op, Vec<Heard>>,
}

impl Single {
    /// The first node is started with orders that were changed, the other one with those of the place and without faults of its own end.
    pub async fn new(
        program: &'static str,
        over: Over,
        effects: Effects,
        change: impl Fn(&mut Orders),
    ) -> Option<Self> {
        Some(Self::at(Place::new(program, over).await?, effects, change).await)
    }

    /// The same at that place.
    pub async fn at(place: Place, effects: Effects, change: impl Fn(&mut Orders)) -> Self {
        let mut orders = place.orders(effects);
        change(&mut orders);
        let first = Node::start(place.program, orders.clone()).await;
        let mut others = orders;
        others.faults.ends = None;
        others.faults.no_renewals = false;
        others.clock = None;
        let nodes = vec![first, Node::start(place.program, others).await];
        Self { place, nodes, told: BTreeMap::new() }
    }

    /// Sends it to that node until it says something final.
    pub async fn send(&mut self, node: usize, op: Op, how: &'static str) -> Heard {
        let heard = self.sending(node, op, how, Duration::from_secs(20));
        self.hear(op, heard).await
    }

    /// Sends it meanwhile.
    #[must_use]
    pub fn sending(&self, node: usize, op: Op, how: &'static str, patience: Duration) -> JoinHandle<Heard> {
        let port = self.nodes[node].port();
        tokio::spawn(async move { send(&http(), &[port], op, how, patience).await })
    }

    /// Until so many records say that somebody runs them.
    ///
    /// # Panics
    /// Where that does not come.
    pub async fn until_running(&self, count: i64) {
        for _ in 0..500 {
            if self.place.running().await == count {
                return;
            }
            sleep(Duration::from_millis(10)).await; // real: over processes
        }
        panic!("there should be {count} at work");
    }

    /// Waits for what is said, and notes it.
    ///
    /// # Panics
    /// Where the sending has.
    pub async fn hear(&mut self, op: Op, sending: JoinHandle<Heard>) -> Heard {
        let heard = sending.await.expect("no panic");
        self.told.entry(op).or_default().push(heard.clone());
        heard
    }

    /// Sends it once to a node that dies of it.
    ///
    /// # Panics
    /// Where it answers, or does not die.
    pub async fn dies_of(&mut self, node: usize, op: Op, how: &'static str) {
        let heard = once(&http(), self.nodes[node].port(), op, how).await;
        assert!(heard.is_none(), "it should have died, and says {heard:?}");
        let ended = tokio::task::block_in_place(|| self.nodes[node].ends_within(Duration::from_secs(10)));
        assert!(ended, "it should have died of {op:?} {how}");
    }

    /// What it has come to so far.
    pub async fn check(&self) -> Report {
        check(&self.told, &self.place.happened().await, self.place.parked().await)
    }
}

/// Whether it is done.
#[must_use]
pub const fn is_done(heard: &Heard) -> bool {
    matches!(heard.told, Told::Done(_))
}

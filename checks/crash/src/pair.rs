//! A PostgreSQL and its standby, and the one address under which nodes find whoever is primary now.

use crate::{nodes::pause, postgres::Postgres, way::Way};
use std::{mem::replace, path::Path, time::Duration};
use tokio::task::block_in_place;
use tokio_postgres::{Client, NoTls};

/// What both are told. The standby says this name to its primary; a backup says another, and a commit must not take that for one.
/// Shared memory in files goes with the files.
const USUAL: [&str; 3] = ["cluster_name=standby", "synchronous_commit=on", "dynamic_shared_memory_type=mmap"];
const ASYNCHRONOUS: &[&str] = &USUAL;
const SYNCHRONOUS: &[&str] = &[USUAL[0], USUAL[1], USUAL[2], "synchronous_standby_names=standby"];

/// A primary, and who follows it.
#[derive(Debug)]
pub struct Pair {
    primary: Postgres,
    /// None from a failover until there is another.
    standby: Option<Postgres>,
    /// From the standby to its primary.
    link: Way,
    address: Way,
}

impl Pair {
    /// Both below that directory. `synchronous`: nothing is acknowledged that the standby has not got. `None`, said aloud, where there
    /// is no PostgreSQL.
    ///
    /// # Panics
    /// Where there is one, and it does not start.
    pub async fn start(dir: &Path, synchronous: bool) -> Option<Self> {
        let settings = if synchronous { SYNCHRONOUS } else { ASYNCHRONOUS };
        let primary = block_in_place(|| Postgres::start(dir, settings))?;
        let (link, address) = (Way::to(primary.port()).await, Way::to(primary.port()).await);
        let mut pair = Self { primary, standby: None, link, address };
        pair.follow().await;
        Some(pair)
    }

    /// Where nodes find it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.address.port())
    }

    /// The primary gets a standby, and has it when this returns.
    pub async fn follow(&mut self) {
        self.standby = Some(block_in_place(|| self.primary.follower(self.link.port())));
        self.until_followed().await;
    }

    /// Until the standby has all that the primary has.
    ///
    /// # Panics
    /// Where that does not come.
    pub async fn until_followed(&self) {
        const FOLLOWS: &str = "SELECT 1 FROM pg_stat_replication WHERE application_name = 'standby'
                               AND state = 'streaming' AND flush_lsn >= pg_current_wal_lsn()";
        let primary = connect(&self.primary).await;
        for _ in 0..500 {
            if primary.query_opt(FOLLOWS, &[]).await.expect("it answers").is_some() {
                return;
            }
            block_in_place(|| pause(Duration::from_millis(20)));
        }
        panic!("the standby does not follow");
    }

    /// The standby hears nothing any more.
    pub fn cut(&self) {
        self.link.cut();
    }

    /// The primary is gone with what only it had, and the standby is the primary. `early`: the address leads to it before it may be
    /// written to, and not after.
    ///
    /// # Panics
    /// Where there is no standby.
    pub fn fail_over(&mut self, early: bool) {
        let standby = self.standby.take().expect("a standby");
        let (port, gone) = (standby.port(), replace(&mut self.primary, standby));
        gone.lose();
        if early {
            self.address.lead(port);
        }
        self.primary.promote();
        self.address.lead(port);
        self.link.lead(port);
    }
}

async fn connect(to: &Postgres) -> Client {
    let (client, connection) = tokio_postgres::connect(&to.url(), NoTls).await.expect("it answers");
    tokio::spawn(connection);
    client
}

//! The payments service: its records in a file of SQLite, its handler as simple as they come.

use super::{LEASE, ledger::Ledger};
use axum::{Router, extract::State, http::StatusCode, routing::post};
use buttress::{
    http::{IdempotencyLayer, Unscoped},
    idempotency::Effects,
    store::SqliteStore,
};
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};
use tokio::net::TcpListener;

#[derive(Clone)]
struct Shop {
    ledger: Arc<Ledger>,
    crashes: bool,
}

/// Pays. On its first run this server hangs at some point of some orders, until it is killed.
async fn pay(State(shop): State<Shop>, order: String) -> (StatusCode, String) {
    println!("began");
    let order = match order.split_once(", then ") {
        Some((order, "hang")) => {
            shop.ledger.pay(order);
            if shop.crashes {
                std::future::pending::<()>().await;
            }
            order
        }
        Some(("hang", order)) => {
            if shop.crashes {
                std::future::pending::<()>().await;
            }
            shop.ledger.pay(order);
            order
        }
        _ => {
            shop.ledger.pay(&order);
            &order
        }
    };
    (StatusCode::CREATED, format!("paid: {order}"))
}

/// Until it is killed, or the one who started it is gone.
pub(super) async fn serve(dir: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let records = dir.join("records.db");
    let shop = Shop { ledger: Arc::new(Ledger::at(dir)), crashes: !records.exists() };
    // One caller, so that keys need no owner. A payment cannot be made twice safely: `Plain`.
    let once = IdempotencyLayer::new(SqliteStore::open(records)?, Unscoped, Effects::Plain)
        .namespace("payments")
        .required()
        .lease(LEASE);
    let app = Router::new().route("/payments", post(pay)).layer(once).with_state(shop);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    std::thread::spawn(|| {
        // Its end is the end of the parent.
        let _ = std::io::stdin().lines().count();
        std::process::exit(0);
    });
    axum::serve(listener, app).await?;
    Ok(())
}

/// A server of its own process.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    child: Mutex<Child>,
    began: Arc<AtomicUsize>,
}

impl Server {
    pub(super) async fn start(dir: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let this: PathBuf = std::env::current_exe()?;
        let mut child =
            Command::new(this).arg("serve").arg(dir).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut out = BufReader::new(child.stdout.take().ok_or("piped")?).lines();
        let address = out.next().ok_or("the server has ended")??.parse()?;
        let began = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&began);
        std::thread::spawn(move || {
            for _ in out.map_while(Result::ok) {
                counted.fetch_add(1, SeqCst);
            }
        });
        // Only what begins from here on is counted.
        Ok(Self { address, child: Mutex::new(child), began })
    }

    /// How many handlers have begun beyond the four of the beginning.
    pub(super) fn began(&self) -> usize {
        self.began.load(SeqCst).saturating_sub(4)
    }

    /// As the power goes: nothing is said before.
    pub(super) fn kill(&self) {
        let mut child = self.child.lock().expect("not poisoned");
        child.kill().expect("it runs");
        child.wait().expect("it has ended");
    }
}

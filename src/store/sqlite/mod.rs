//! Records in one SQLite file: the durable store of a service on one host.
//!
//! The trouble: records in memory are gone with the process, and with them the knowledge of what has been charged; a database
//! server is one more thing to run. A file is durable, and every host has one.
//!
//! ```
//! use std::time::Duration;
//! use buttress::{
//!     idempotency::{Attempt, Claim, Fingerprint, KeyStore, OnLeaseOver, RecordId, Scope, Terms},
//!     key::Key,
//!     store::SqliteStore,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = std::env::temp_dir().join(format!("buttress-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&dir)?;
//! # let path = dir.join("records.db");
//! let id = RecordId::new(Scope::new("payments", b"tenant 7"), &Key::new("a1")?);
//! let terms = Terms::new(Duration::from_secs(30), Duration::from_secs(86_400), OnLeaseOver::Park);
//! let pay = || Attempt::new(Fingerprint::of(["POST", "/payments", "10"]), terms);
//!
//! let store = SqliteStore::open(&path)?;
//! assert!(matches!(store.claim(id, pay()).await?, Claim::Mine { token: 1, .. }));
//! drop(store);
//!
//! // the process has died; the next one knows that somebody was at it
//! let store = SqliteStore::open(&path)?;
//! assert!(matches!(store.claim(id, pay()).await?, Claim::Busy { .. }));
//! # drop(store);
//! # std::fs::remove_dir_all(dir)?;
//! # Ok(()) }
//! ```
//!
//! # What is promised
//!
//! - A step that was answered is on the disk: WAL, `synchronous = FULL`. [`Durability::Process`] syncs less: it outlives the death of
//!   the process, and not that of the host.
//! - Steps that come while another is being written are written together: one sync for all of them. That is what makes
//!   many thousands a second of them; one client alone waits for a sync at each step.
//! - Several processes of one host may open the file. Not over a network file system: SQLite's locks do not hold there.
//! - The file may be the application's own: [`InTx`](crate::idempotency::InTx) takes a `rusqlite::Transaction` over it, and effects and
//!   record commit together.
//! - The clock of the store never goes back, whatever the host's does, also from one process to the next; and where a host's clock was
//!   ahead, it goes on from there, so that a lease of a second lasts a second.
//! - A file of a newer version is refused, and left as it is. So is one that can only be read, and what is no file (`:memory:`): all
//!   of it when the store is opened, and not by each request from then on. A full disk, or a file as large as it may be
//!   ([`Options::max_bytes`]), is [`Trouble::Full`](crate::idempotency::Trouble::Full) for who wants a new record.
//!
//! # In a transaction of yours
//!
//! A `rusqlite` transaction belongs to one thread, and an async handler that holds one over an `await` is none to axum (`Handler` is
//! not implemented, it says). So the part with the transaction runs in `spawn_blocking`, and blocks there on `finish_in` or
//! `phase_in`, which over this store are done at once:
//!
//! ```
//! use axum::{Extension, Router, body::Body, extract::State, http::{Request, Response, StatusCode}, routing::post};
//! use buttress::{
//!     http::{IdempotencyLayer, Idempotent, Unscoped},
//!     idempotency::Effects,
//!     store::SqliteStore,
//! };
//! use rusqlite::{Connection, TransactionBehavior::Immediate};
//! use std::path::PathBuf;
//! use tokio::{runtime::Handle, task::spawn_blocking};
//! # use tower::ServiceExt;
//!
//! type BoxError = Box<dyn std::error::Error + Send + Sync>;
//! type Shop = (SqliteStore, PathBuf);
//!
//! async fn pay(
//!     State((store, file)): State<Shop>,
//!     Extension(idem): Extension<Idempotent>,
//!     amount: String,
//! ) -> Result<Response<Body>, StatusCode> {
//!     let paid = move || {
//!         let mut db = Connection::open(file)?;
//!         let mut tx = db.transaction_with_behavior(Immediate)?;
//!         tx.execute("INSERT INTO payments VALUES (?1)", [amount])?;
//!         let answer = Response::builder().status(201).body("paid".into())?;
//!         let answer = Handle::current().block_on(idem.finish_in(&store, &mut tx, answer))?; // an error drops `tx`: rolled back
//!         tx.commit()?;
//!         Ok::<_, BoxError>(answer.map(Body::from))
//!     };
//!     spawn_blocking(paid).await.ok().and_then(Result::ok).ok_or(StatusCode::INTERNAL_SERVER_ERROR)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), BoxError> {
//! # let dir = std::env::temp_dir().join(format!("buttress-doc-in-tx-{}", std::process::id()));
//! # std::fs::create_dir_all(&dir)?;
//! # let file = dir.join("shop.db");
//! let store = SqliteStore::open(&file)?;
//! let db = Connection::open(&file)?;
//! db.execute("CREATE TABLE payments (amount TEXT)", [])?;
//! let app: Router = Router::new()
//!     .route("/payments", post(pay))
//!     .with_state((store.clone(), file))
//!     .layer(IdempotencyLayer::new(store, Unscoped, Effects::SameTx).required());
//!
//! for _ in 0..2 {
//!     let request = Request::post("/payments").header("idempotency-key", "8e03978e").body(Body::from("10"))?;
//!     assert_eq!(app.clone().oneshot(request).await?.status(), 201);
//! }
//! assert_eq!(db.query_row("SELECT count(*) FROM payments", [], |row| row.get::<_, u32>(0))?, 1);
//! # drop((app, db));
//! # std::fs::remove_dir_all(dir)?;
//! # Ok(()) }
//! ```
//!
//! # What it costs
//!
//! A thread of its own, which holds the connection; it ends with the last clone of the store. At most 1024 steps wait for it;
//! who comes then waits for a place.

mod clock;
mod options;
mod rows;
mod schema;
mod steps;
mod store;
mod writer;

pub use options::{Durability, Options};
pub use store::SqliteStore;

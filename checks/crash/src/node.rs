//! One server: a handler with an effect, behind the layer.

use crate::{
    Op,
    ledger::Ledger,
    wrong::{Used, Wrong},
};
use axum::{
    Extension, Router,
    extract::{Request, State},
    http::{Response, StatusCode, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::IntoResponse,
    routing::post,
};
use buttress::{
    http::{IdempotencyLayer, Idempotent, Unscoped},
    idempotency::{Effects, KeyStore, Outcome},
    store::{PgStore, SqliteStore},
};
use deadpool_postgres::{Manager, Pool};
use std::{path::PathBuf, time::Duration};
use tokio::net::TcpListener;
use tokio_postgres::NoTls;

/// What a node is told when it is started.
#[derive(Clone, Debug)]
pub struct Orders {
    /// A file of SQLite, or the address of a server of PostgreSQL.
    pub store: String,
    /// What its handler would do if it ran twice.
    pub effects: Effects,
    /// Where it writes its effects; with `SameTx` into a table beside the records.
    pub ledger: PathBuf,
    /// How long a record is a node's without a sign of life.
    pub lease: Duration,
    /// Where it listens; 0 for any free port.
    pub port: u16,
    /// What it does wrong.
    pub wrong: Option<Wrong>,
    /// Of so many claims in a hundred the first answer gets lost.
    pub lost: u32,
    /// It ends itself at this point of an operation that asks for it.
    pub ends_at: Option<String>,
}

impl Orders {
    /// As arguments.
    #[must_use]
    pub fn args(&self) -> Vec<String> {
        let effects = match self.effects {
            Effects::SameTx => "same-tx",
            Effects::Keyed => "keyed",
            Effects::Plain => "plain",
        };
        vec![
            self.store.clone(),
            effects.to_owned(),
            self.ledger.display().to_string(),
            self.lease.as_millis().to_string(),
            self.port.to_string(),
            self.wrong.map_or("", Wrong::name).to_owned(),
            self.lost.to_string(),
            self.ends_at.clone().unwrap_or_default(),
        ]
    }

    /// From arguments.
    ///
    /// # Panics
    /// Where they are none.
    #[must_use]
    pub fn of(args: &[String]) -> Self {
        let [store, effects, ledger, lease, port, wrong, lost, ends_at] = args else { panic!("eight words") };
        let effects = match effects.as_str() {
            "same-tx" => Effects::SameTx,
            "keyed" => Effects::Keyed,
            _ => Effects::Plain,
        };
        let word = |word: &String| Some(word.clone()).filter(|word| !word.is_empty());
        Self {
            store: store.clone(),
            effects,
            ledger: ledger.into(),
            lease: Duration::from_millis(lease.parse().expect("milliseconds")),
            port: port.parse().expect("a port"),
            wrong: word(wrong).map(|wrong| wrong.parse().expect("a wrong")),
            lost: lost.parse().expect("a share"),
            ends_at: word(ends_at),
        }
    }
}

#[derive(Clone)]
struct Shop {
    orders: Orders,
    ledger: Ledger,
    tx: Option<(PgStore, Pool)>,
}

/// Serves until it is killed, or until the one who started it is gone.
pub async fn serve(orders: Orders) {
    if orders.store.starts_with("postgres") {
        let config = orders.store.parse().expect("a connection string");
        let pool = Pool::builder(Manager::new(config, NoTls)).max_size(8).build().expect("a pool");
        let store = PgStore::new(pool.clone());
        store.migrate().await.expect("the tables");
        let used = Used::new(store.clone(), orders.wrong, orders.lost);
        open(orders, used, Some((store, pool))).await;
    } else {
        let store = SqliteStore::open(&orders.store).expect("it opens");
        let used = Used::new(store, orders.wrong, orders.lost);
        open(orders, used, None).await;
    }
}

async fn open<S: KeyStore + Clone>(orders: Orders, store: S, tx: Option<(PgStore, Pool)>) {
    let wrong = orders.wrong;
    let effects = if wrong == Some(Wrong::RerunsErrors) { Effects::Keyed } else { orders.effects };
    let tenant = |head: &Parts| head.headers.get("x-tenant").map(|tenant| tenant.as_bytes().to_owned());
    let layer = if wrong == Some(Wrong::ForgetsScope) {
        IdempotencyLayer::new(store, Unscoped, effects)
    } else {
        IdempotencyLayer::new(store, tenant, effects)
    };
    let ttl = if wrong == Some(Wrong::ForgetsAnswers) {
        Duration::from_millis(1)
    } else {
        Duration::from_secs(3600)
    };
    let layer = layer.required().lease(orders.lease).ttl(ttl).claim_within(Duration::from_secs(2));

    let listener = TcpListener::bind(("127.0.0.1", orders.port)).await.expect("the port is free");
    println!("{}", listener.local_addr().expect("bound").port());
    std::thread::spawn(|| {
        // Its end is the end of the parent.
        let _ = std::io::stdin().lines().count();
        std::process::exit(0);
    });
    let ledger = Ledger::at(&orders.ledger);
    let shop = Shop { orders, ledger, tx };
    let app = Router::new()
        .route("/", post(handle))
        .layer(layer)
        .layer(from_fn_with_state(shop.clone(), late))
        .with_state(shop);
    axum::serve(listener, app).await.expect("it serves");
}

fn op(request: &Parts) -> Op {
    let number = |name| {
        request.headers.get(name).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok())
    };
    Op { tenant: number("x-tenant").expect("a tenant"), number: number("x-number").expect("a number") }
}

/// In front of the layer: where the wrong one has its effect.
async fn late(State(shop): State<Shop>, request: Request, next: Next) -> impl IntoResponse {
    if shop.orders.wrong == Some(Wrong::ClaimsLate) {
        let (head, body) = request.into_parts();
        shop.ledger.write(op(&head));
        return next.run(Request::from_parts(head, body)).await;
    }
    next.run(request).await
}

async fn handle(
    State(shop): State<Shop>,
    Extension(idem): Extension<Idempotent>,
    head: Parts,
    how: String,
) -> Response<axum::body::Body> {
    let op = op(&head);
    let words: Vec<&str> = how.split(' ').collect();
    let first = idem.token() == 1;
    // Different on each run, so that two runs are seen to be two.
    let body = format!("tenant {} number {} run {:x}", op.tenant, op.number, fastrand::u64(..));
    let answer = Response::builder().status(StatusCode::CREATED).body(body.into()).expect("an answer");
    if words.contains(&"refuse") {
        return StatusCode::NOT_FOUND.into_response();
    }
    if words.contains(&"slow") && first {
        tokio::time::sleep(shop.orders.lease / 2).await;
    }
    work().await;
    ends(&shop, &words, "before-effect");
    let answer = match &shop.tx {
        Some((store, pool)) if shop.orders.effects == Effects::SameTx => {
            match in_tx(&shop, store, pool, &idem, op, answer).await {
                Some(answer) => answer,
                // The other attempt has the answer: ask again.
                None => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
            }
        }
        _ => {
            if shop.orders.wrong != Some(Wrong::ClaimsLate) {
                shop.ledger.write(op);
            }
            answer
        }
    };
    ends(&shop, &words, "after-effect");
    work().await;
    if words.contains(&"panic") {
        if shop.orders.wrong == Some(Wrong::ReleasesOnPanic) {
            return (Extension(Outcome::NotStarted), StatusCode::INTERNAL_SERVER_ERROR).into_response();
        }
        panic!("as asked");
    }
    if words.contains(&"fail") {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    answer.map(axum::body::Body::from)
}

/// So that whoever is killed is killed at work.
async fn work() {
    tokio::time::sleep(Duration::from_millis(fastrand::u64(..20))).await; // real: over processes
}

/// Effect and record in one transaction; `None` where another attempt owns the operation by now.
async fn in_tx(
    shop: &Shop,
    store: &PgStore,
    pool: &Pool,
    idem: &Idempotent,
    op: Op,
    answer: Response<axum::body::Bytes>,
) -> Option<Response<axum::body::Bytes>> {
    let mut client = pool.get().await.expect("a connection");
    let mut tx = client.transaction().await.expect("begun");
    let (tenant, number) = (i64::from(op.tenant), i64::from(op.number));
    tx.execute("INSERT INTO effects VALUES ($1, $2)", &[&tenant, &number]).await.expect("written");
    match idem.finish_in(store, &mut tx, answer).await {
        Ok(answer) => {
            tx.commit().await.expect("committed");
            Some(answer)
        }
        Err(_) => {
            if shop.orders.wrong == Some(Wrong::IgnoresFence) {
                tx.commit().await.expect("committed");
            } else {
                tx.rollback().await.expect("rolled back");
            }
            None
        }
    }
}

/// The power goes.
fn ends(shop: &Shop, words: &[&str], point: &str) {
    if shop.orders.ends_at.as_deref() == Some(point) && words.contains(&"end") {
        std::process::abort();
    }
}

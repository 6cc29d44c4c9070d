//! One server: a handler with an effect, behind the layer.

use crate::{
    Op,
    books::{Books, Entry},
    ledger::Ledger,
    orders::Orders,
    point::{Fuse, Point},
    used::Used,
    wrong::Wrong,
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
    store::{PgStore, RedisStore, SqliteStore, sqlite::Durability},
};
use deadpool_postgres::{Manager, Pool};
use std::time::Duration;
use tokio::{net::TcpListener, time::sleep};
use tokio_postgres::NoTls;

#[derive(Clone)]
struct Shop {
    orders: Orders,
    ledger: Ledger,
    books: Option<Books>,
    fuse: Fuse,
}

/// Serves until it is killed, or until the one who started it is gone.
///
/// # Panics
/// Where its store cannot be reached, or its port is taken.
pub async fn serve(orders: Orders) {
    let in_tx = orders.effects == Effects::SameTx;
    if orders.store.starts_with("postgres") {
        let config = orders.store.parse().expect("a connection string");
        let pool = Pool::builder(Manager::new(config, NoTls)).max_size(8).build().expect("a pool");
        let store = PgStore::new(pool.clone());
        store.migrate().await.expect("the tables");
        let books = in_tx.then(|| Books::Postgres(store.clone(), pool));
        open(orders, store, books).await;
    } else if orders.store.starts_with("redis") {
        let store = RedisStore::connect(&orders.store).await.expect("it answers");
        open(orders, store, None).await;
    } else {
        let skips = orders.faults.wrong == Some(Wrong::SkipsSync);
        let durability = if skips { Durability::Process } else { Durability::default() };
        let store = SqliteStore::options().durability(durability).open(&orders.store).expect("it opens");
        let books = in_tx.then(|| Books::File(store.clone(), orders.store.clone().into()));
        open(orders, store, books).await;
    }
}

async fn open<S: KeyStore + Clone>(orders: Orders, store: S, books: Option<Books>) {
    let fuse = Fuse::at(orders.faults.ends);
    let store = Used::new(store, orders.faults, fuse.clone());
    let wrong = orders.faults.wrong;
    let effects = if wrong == Some(Wrong::RerunsErrors) { Effects::Keyed } else { orders.effects };
    let tenant = |head: &Parts| head.headers.get("x-tenant").map(|tenant| tenant.as_bytes().to_owned());
    let layer = if wrong == Some(Wrong::ForgetsScope) {
        IdempotencyLayer::new(store, Unscoped, effects)
    } else {
        IdempotencyLayer::new(store, tenant, effects)
    };
    let forgets = wrong == Some(Wrong::ForgetsAnswers);
    // Longer than any clock is off here: a file whose clock is set forward forgets so much sooner.
    let ttl = if forgets { Duration::from_millis(1) } else { Duration::from_secs(86_400) };
    let layer = layer.required().lease(orders.lease).ttl(ttl).claim_within(Duration::from_secs(2));

    let listener = TcpListener::bind(("127.0.0.1", orders.port)).await.expect("the port is free");
    println!("{}", listener.local_addr().expect("bound").port());
    std::thread::spawn(|| {
        // Its end is the end of the parent.
        let _ = std::io::stdin().lines().count();
        std::process::exit(0);
    });
    let ledger = Ledger::at(&orders.ledger);
    let shop = Shop { orders, ledger, books, fuse };
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
    if shop.orders.faults.wrong == Some(Wrong::ClaimsLate) {
        let (head, body) = request.into_parts();
        shop.ledger.write(op(&head), None);
        return next.run(Request::from_parts(head, body)).await;
    }
    next.run(request).await
}

/// The words of a body say how it goes: `refuse`, `panic`, `fail`; `long=11` takes eleven tenths of a lease, the first time, and
/// `late=3` three tenths behind the effect; `unkeyed` leaves out the child key.
async fn handle(
    State(shop): State<Shop>,
    Extension(idem): Extension<Idempotent>,
    head: Parts,
    how: String,
) -> Response<axum::body::Body> {
    let Shop { orders, ledger, books, fuse } = shop;
    let op = op(&head);
    let words: Vec<&str> = how.split(' ').collect();
    // Different on each run, so that two runs are seen to be two.
    let (token, run) = (idem.token(), fastrand::u64(..));
    let body = format!("tenant {} number {} attempt {token} run {run:x}", op.tenant, op.number);
    let mut answer = Response::builder().status(StatusCode::CREATED).body(body.into()).expect("an answer");
    if words.contains(&"refuse") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let tenths = |of| {
        let found = words.iter().find_map(|word| word.strip_prefix(of)?.parse::<u32>().ok());
        found.filter(|_| token == 1).unwrap_or(0)
    };
    sleep(orders.lease * tenths("long=") / 10).await; // real: over processes
    work().await;
    if let Some(books) = &books {
        let entry = Entry { idem: &idem, op, answer };
        match books.write(entry, orders.faults, &fuse).await {
            Some(written) => answer = written,
            // The other attempt has the answer: ask again.
            None => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    } else {
        if orders.faults.wrong != Some(Wrong::ClaimsLate) {
            let key = idem.child_key("effect");
            let keyed = orders.effects == Effects::Keyed && !words.contains(&"unkeyed");
            ledger.write(op, keyed.then(|| key.as_str()));
        }
        fuse.pass(Point::EffectDone);
    }
    sleep(orders.lease * tenths("late=") / 10).await; // real: over processes
    work().await;
    if words.contains(&"panic") {
        if orders.faults.wrong == Some(Wrong::ReleasesOnPanic) {
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
    sleep(Duration::from_millis(fastrand::u64(..20))).await; // real: over processes
}

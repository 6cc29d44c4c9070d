//! What a key costs over an axum handler, beside `axum-idempotent`: `cargo bench`, in this folder.
//!
//! Both keep records in memory. Rounds go in turn, A B C A B C ..; each is 50 requests with a fresh key each, then 50 times the
//! last of them again. The median of the rounds is told, and what it is over the same router without keys.

use axum::{Router, body::Body, extract::Request, http::HeaderValue, routing::post};
use axum_idempotent::{IdempotentLayer, IdempotentOptions};
use buttress::{
    http::{IdempotencyLayer, Unscoped},
    idempotency::Effects,
    store::memory::MemoryStore,
};
use ruts::{
    CookieOptions, Session, SessionLayer,
    store::{Ttl, moka::MokaStore},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;
use tower_cookies::CookieManagerLayer;

const ROUNDS: usize = 400;
const CALLS: u32 = 50;
/// Longer than all rounds.
const KEPT: Duration = Duration::from_secs(60);

struct Contender {
    name: &'static str,
    app: Router,
    has_sessions: bool,
    /// Nanoseconds a call, by round: the first of a key, and the same again.
    rounds: [Vec<f64>; 2],
}

fn handlers() -> Router {
    Router::new().route("/", post(|| async { "paid" }))
}

fn with_sessions(layered: impl FnOnce(Router) -> Router) -> Router {
    let log_in = |session: Session<MokaStore>| async move {
        let day = Ttl::new(86_400).expect("a time");
        session.set("user", &String::from("ada"), day, None).await.expect("in memory");
    };
    let cookie = CookieOptions::build().name("session").max_age(86_400).path("/");
    layered(handlers().route("/log-in", post(log_in)))
        .layer(SessionLayer::new(Arc::new(MokaStore::builder().build())).with_cookie_options(cookie))
        .layer(CookieManagerLayer::new())
}

fn contenders() -> [Contender; 4] {
    let new = |name, app, has_sessions| Contender { name, app, has_sessions, rounds: Default::default() };
    let options = IdempotentOptions::default().use_idempotency_key_header(Some("idempotency-key"), true);
    let ours = IdempotencyLayer::new(MemoryStore::new(), Unscoped, Effects::Keyed).ttl(KEPT);
    [
        new("axum alone", handlers(), false),
        new("buttress", handlers().layer(ours), false),
        new("axum with the sessions of ruts", with_sessions(|app| app), true),
        new(
            "axum-idempotent 0.6 in those, by its header: nothing is claimed while a request runs, and no body compared",
            with_sessions(|app| app.layer(IdempotentLayer::<MokaStore>::new(options.expire_after(60)))),
            true,
        ),
    ]
}

fn request(path: &str, key: u64, cookie: Option<&HeaderValue>) -> Request {
    let mut request = Request::post(path).body(Body::from("{\"amount\":10}")).expect("a request");
    request.headers_mut().insert("idempotency-key", HeaderValue::from(key));
    if let Some(cookie) = cookie {
        request.headers_mut().insert("cookie", cookie.clone());
    }
    request
}

impl Contender {
    /// A session of this round, where there are sessions: what one holds grows with the keys in it.
    async fn cookie(&self) -> Option<HeaderValue> {
        if !self.has_sessions {
            return None;
        }
        let answer = self.app.clone().oneshot(request("/log-in", 0, None)).await.expect("never an error");
        let cookies = answer.headers().get_all("set-cookie");
        cookies.iter().find(|cookie| cookie.as_bytes().starts_with(b"session=")).cloned()
    }

    async fn round(&mut self, from: u64) {
        let cookie = self.cookie().await;
        let last = from + u64::from(CALLS) - 1;
        let mut answers = 0;
        let fresh = now();
        for key in from..=last {
            answers += self.call(key, cookie.as_ref()).await;
        }
        let again = now();
        for _ in 0..CALLS {
            answers += self.call(last, cookie.as_ref()).await;
        }
        let end = now();
        assert_eq!(answers, 2 * CALLS);
        self.rounds[0].push((again - fresh).as_nanos() as f64 / f64::from(CALLS));
        self.rounds[1].push((end - again).as_nanos() as f64 / f64::from(CALLS));
    }

    async fn call(&self, key: u64, cookie: Option<&HeaderValue>) -> u32 {
        let answer = self.app.clone().oneshot(request("/", key, cookie)).await.expect("never an error");
        u32::from(answer.status().is_success())
    }
}

fn main() {
    let runtime: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut all = contenders();
    runtime.block_on(is_what_it_says(&all));
    for round in 0..ROUNDS as u64 {
        for contender in &mut all {
            runtime.block_on(contender.round(round * u64::from(CALLS)));
        }
    }
    let medians = all.each_mut().map(|contender| contender.rounds.each_mut().map(|rounds| median(rounds)));
    println!("| nanoseconds a call | first request of a key | more | the same again | more |");
    println!("|---|--:|--:|--:|--:|");
    for (at, contender) in all.iter().enumerate() {
        let [first, again] = medians[at];
        // The second of each pair is over the first.
        let over = |kind: usize| {
            if at % 2 == 1 {
                format!("{:+.0}", medians[at][kind] - medians[at - 1][kind])
            } else {
                String::new()
            }
        };
        println!("| {} | {first:.0} | {} | {again:.0} | {} |", contender.name, over(0), over(1));
    }
}

/// That each of the two replays, and none of the others does.
async fn is_what_it_says(all: &[Contender]) {
    for (at, contender) in all.iter().enumerate() {
        let cookie = contender.cookie().await;
        let ask = || contender.app.clone().oneshot(request("/", u64::MAX, cookie.as_ref()));
        assert!(ask().await.expect("never an error").status().is_success());
        let again = ask().await.expect("never an error");
        assert_eq!(again.headers().contains_key("idempotency-replayed"), at % 2 == 1, "{}", contender.name);
    }
}

fn median(rounds: &mut [f64]) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "measures real time; nothing here is ever paused")]
fn now() -> Instant {
    Instant::now()
}

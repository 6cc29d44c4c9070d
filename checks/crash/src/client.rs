//! A client that sends an operation again until it knows what has become of it, and writes down every answer.

use crate::Op;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How one sending of an operation has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is done, and this was the body.
    Done(String),
    /// It was refused for good.
    Refused,
    /// Nobody knows.
    Unknown,
    /// Nothing that is final within the time.
    Nothing,
}

/// An answer, when it was asked for, and when it came.
#[derive(Clone, Debug)]
pub struct Heard {
    /// What was said.
    pub told: Told,
    /// It came from the record, and not from a run.
    pub replayed: bool,
    /// The server says that it could not write it down: who comes again may be told otherwise.
    pub unstored: bool,
    /// When the request was sent to which this is the answer.
    pub asked: Instant,
    /// When the answer was there.
    pub heard: Instant,
}

/// An answer is waited for no longer: longer than any handler takes here.
const A_WHILE: Duration = Duration::from_secs(12);

/// What clients are made of: a connection for each request, so that each goes its own way.
///
/// # Panics
/// Never.
#[must_use]
pub fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client")
}

/// Sends `op` to these ports by turns until it knows.
pub async fn send(
    http: &reqwest::Client,
    ports: &[u16],
    op: Op,
    how: &'static str,
    patience: Duration,
) -> Heard {
    let end = Instant::now() + patience;
    let mut turn = fastrand::usize(..ports.len());
    let mut asked = Instant::now();
    while asked < end {
        turn += 1;
        if let Some(heard) = once(http, ports[turn % ports.len()], op, how).await {
            return heard;
        }
        sleep(Duration::from_millis(fastrand::u64(20..60))).await; // real: over sockets
        asked = Instant::now();
    }
    Heard { told: Told::Nothing, replayed: false, unstored: false, asked, heard: asked }
}

/// Sends it once; `None` where the answer says to come again, or breaks off.
pub async fn once(http: &reqwest::Client, port: u16, op: Op, how: &'static str) -> Option<Heard> {
    let asked = Instant::now();
    let request = http
        .post(format!("http://127.0.0.1:{port}/"))
        .header("idempotency-key", format!("number-{}", op.number))
        .header("x-tenant", op.tenant)
        .header("x-number", op.number)
        .timeout(A_WHILE)
        .body(how);
    let answer = request.send().await.ok()?;
    let status = answer.status().as_u16();
    let has = |name| answer.headers().contains_key(name);
    let (again, replayed) = (has("retry-after"), has("idempotency-replayed"));
    let unstored = has("idempotency-stored");
    let body = answer.text().await.ok()?;
    let told = match status {
        201 => Told::Done(body),
        404 => Told::Refused,
        // A 500 of the handler, kept: what it has come to is this.
        500 if how.contains("fail") => Told::Done("failed".to_owned()),
        // Not to be sent again.
        409 if !again => Told::Unknown,
        _ => return None,
    };
    Some(Heard { told, replayed, unstored, asked, heard: Instant::now() })
}

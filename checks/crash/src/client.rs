//! A client that sends an operation again until it knows what has become of it, and writes down every answer.

use crate::Op;
use std::time::Duration;
use tokio::time::Instant;

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
    /// When the request was sent to which this is the answer.
    pub asked: Instant,
    /// When the answer was there.
    pub heard: Instant,
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
        let request = http
            .post(format!("http://127.0.0.1:{}/", ports[turn % ports.len()]))
            .header("idempotency-key", format!("number-{}", op.number))
            .header("x-tenant", op.tenant)
            .header("x-number", op.number)
            .timeout(Duration::from_secs(3))
            .body(how);
        if let Ok(answer) = request.send().await
            && let Some(told) = read(answer, how).await
        {
            return Heard { told, asked, heard: Instant::now() };
        }
        tokio::time::sleep(Duration::from_millis(fastrand::u64(20..60))).await; // real: over sockets
        asked = Instant::now();
    }
    Heard { told: Told::Nothing, asked, heard: asked }
}

/// What an answer says; `None` where it says to come again, or breaks off.
async fn read(answer: reqwest::Response, how: &str) -> Option<Told> {
    let status = answer.status().as_u16();
    let again = answer.headers().contains_key("retry-after");
    let body = answer.text().await.ok()?;
    match status {
        201 => Some(Told::Done(body)),
        404 => Some(Told::Refused),
        // A 500 of the handler, kept: what it has come to is this.
        500 if how.contains("fail") => Some(Told::Done("failed".to_owned())),
        // Not to be sent again.
        409 if !again => Some(Told::Unknown),
        _ => None,
    }
}

//! The hedge as a user meets it. The laws it shares with every layer are judged in `tests/contract`.

mod answers;
mod bodies;
mod budgets;
mod costs;
#[path = "../counting/mod.rs"]
mod counting;
mod drops;
mod http;
mod inside_retry;
mod learnt;
mod peers;
mod settings;
mod simulated;
mod told;
mod when;

use buttress::{
    Lifted,
    cause::{self, Cause},
    hedge::HedgeLayer,
    over,
};
use std::{
    collections::VecDeque,
    fmt,
    future::pending,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tower::{Service, ServiceExt};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// An error that cannot be cloned.
#[derive(Debug, PartialEq, Eq)]
struct Broken(u8);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken, {}", self.0)
    }
}

impl std::error::Error for Broken {}

type Answer = Result<u16, Lifted<Broken>>;

/// What one attempt does: ends like this after so long, or never.
type Attempt = Option<(Duration, Result<u16, Broken>)>;

const fn answers(after: Duration, status: u16) -> Attempt {
    Some((after, Ok(status)))
}

const fn fails(after: Duration, number: u8) -> Attempt {
    Some((after, Err(Broken(number))))
}

const HANGS: Attempt = None;

/// Replicas of a service: each attempt does as it was told, in their order, and hangs once nothing was told.
#[derive(Clone)]
struct Replicas {
    seen: Arc<Mutex<Seen>>,
    /// Of this instance.
    readied: bool,
}

#[derive(Debug)]
struct Seen {
    begin: Instant,
    attempts: VecDeque<Attempt>,
    /// When attempts started, in milliseconds, with what they were asked.
    started: Vec<(u128, u32)>,
    /// Attempts that were dropped before they ended, with what they were told.
    dropped: Vec<Cause>,
    /// How often an instance was asked whether it is ready.
    asked: usize,
    /// An instance was called that was not readied.
    unreadied: usize,
    /// It is not ready, or never will be.
    busy: bool,
    gone: bool,
}

impl Replicas {
    fn new(attempts: impl IntoIterator<Item = Attempt>) -> Self {
        let seen = Seen {
            begin: Instant::now(),
            attempts: attempts.into_iter().collect(),
            started: Vec::new(),
            dropped: Vec::new(),
            asked: 0,
            unreadied: 0,
            busy: false,
            gone: false,
        };
        Self { seen: Arc::new(Mutex::new(seen)), readied: false }
    }

    fn look<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.seen.lock().expect("not poisoned"))
    }

    fn starts(&self) -> Vec<u128> {
        self.look(|seen| seen.started.iter().map(|(at, _)| *at).collect())
    }

    fn dropped(&self) -> Vec<Cause> {
        self.look(|seen| seen.dropped.clone())
    }
}

impl Service<u32> for Replicas {
    type Response = u16;
    type Error = Broken;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<u16, Broken>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let (busy, gone) = self.look(|seen| {
            seen.asked += 1;
            (seen.busy, seen.gone)
        });
        if gone {
            return Poll::Ready(Err(Broken(99)));
        }
        if busy {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.readied = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        let readied = std::mem::take(&mut self.readied);
        let attempt = self.look(|seen| {
            seen.unreadied += usize::from(!readied);
            seen.started.push((seen.begin.elapsed().as_millis(), request));
            seen.attempts.pop_front().unwrap_or(HANGS)
        });
        let witness = Witness { seen: Arc::clone(&self.seen), ended: false };
        Box::pin(async move {
            // All of it, and not the one field that is written.
            let mut witness = witness;
            let Some((after, end)) = attempt else { return pending().await };
            if !after.is_zero() {
                sleep(after).await;
            }
            witness.ended = true;
            end
        })
    }
}

struct Witness {
    seen: Arc<Mutex<Seen>>,
    ended: bool,
}

impl Drop for Witness {
    fn drop(&mut self) {
        if !self.ended {
            self.seen.lock().expect("not poisoned").dropped.push(cause::current());
        }
    }
}

/// 500 is a failure, 429 a throttling, 408 a timeout; every error is a failure.
fn by_status(result: Result<&u16, &Lifted<Broken>>) -> buttress::outcome::Outcome {
    use buttress::outcome::Outcome;
    match result {
        Ok(500) | Err(_) => Outcome::FAILED,
        Ok(429) => Outcome::THROTTLED,
        Ok(408) => Outcome::TIMED_OUT,
        Ok(_) => Outcome::OK,
    }
}

/// A hedge over those replicas that takes every request for safe, with room in its budget.
fn hedged(
    layer: HedgeLayer,
    replicas: &Replicas,
) -> impl Service<u32, Response = u16, Error = Lifted<Broken>, Future: Send> + Clone + use<> {
    over(layer.all_safe().classify_by(by_status), replicas.clone())
}

/// The answer of one call, and after how many milliseconds.
async fn call(layer: HedgeLayer, replicas: &Replicas) -> (Answer, u128) {
    let start = Instant::now();
    let answer = hedged(layer, replicas).oneshot(7).await;
    (answer, start.elapsed().as_millis())
}

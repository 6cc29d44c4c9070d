//! The bulkhead as a user meets it. The laws it shares with every layer are judged in `tests/contract`.

#[path = "../http/frames.rs"]
mod frames;
mod handle;
mod hold;
mod keyed;
mod live;
mod model;
mod peers;
mod queue;
mod refuse;
mod threads;
mod told;

use buttress::{Lifted, Rejected, rejected::Reason};
use futures_util::{FutureExt, future::Shared};
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::oneshot;
use tower::{Service, service_fn};

const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);

/// Why it was refused; none of them reached the service.
fn reason<T: std::fmt::Debug>(answer: Result<T, Rejected>) -> Reason {
    let why = answer.expect_err("refused");
    assert!(!why.reached());
    assert_eq!(why.retry_after(), None, "nobody knows when a slot will be free");
    why.reason()
}

fn lifted<T: std::fmt::Debug>(answer: Result<T, Lifted<Infallible>>) -> Reason {
    match answer {
        Err(Lifted::Rejected(why)) => reason(Err::<(), _>(why)),
        other => panic!("not refused: {other:?}"),
    }
}

/// How many calls are inside, how many were at most, and how many have been in all.
#[derive(Clone, Debug, Default)]
struct Inside {
    now: Arc<AtomicU32>,
    most: Arc<AtomicU32>,
    all: Arc<AtomicU32>,
}

impl Inside {
    fn enter(&self) -> Leave {
        let now = self.now.fetch_add(1, Relaxed) + 1;
        self.most.fetch_max(now, Relaxed);
        self.all.fetch_add(1, Relaxed);
        Leave(self.clone())
    }

    fn all(&self) -> u32 {
        self.all.load(Relaxed)
    }

    fn most(&self) -> u32 {
        self.most.load(Relaxed)
    }
}

struct Leave(Inside);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Relaxed);
    }
}

/// Answers, to all who are inside and all who come, once the sender says so.
fn on_call()
-> (Inside, oneshot::Sender<()>, impl Service<u32, Response = u32, Error = Infallible, Future: Send> + Clone)
{
    let inside = Inside::default();
    let (answer, answered) = oneshot::channel::<()>();
    let answered: Shared<_> = answered.map(drop).shared();
    let count = inside.clone();
    let service = service_fn(move |n: u32| {
        let (here, answered) = (count.enter(), answered.clone());
        async move {
            answered.await;
            drop(here);
            Ok::<_, Infallible>(n)
        }
    });
    (inside, answer, service)
}

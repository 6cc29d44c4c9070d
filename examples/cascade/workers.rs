//! The bounds of every service, alike in both runs: so many workers for all of its routes, and a backlog of so many requests.
//!
//! Most servers have such a pool, under one name or another: threads, processes, connections, accept slots. Here it is 24
//! workers, some twenty times of what the ordinary load needs, and 64 places in the backlog. Whoever finds no place is
//! told 503 at once. A worker who has begun ends, though its caller may have left meanwhile, as the thread of a thread pool
//! does; a request whose caller has left before that is thrown away and costs nothing.

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};
use tokio::sync::{Mutex, mpsc, oneshot};

pub(super) const WORKERS: u32 = 24;
pub(super) const BACKLOG: u32 = 64;

struct Job {
    work: Pin<Box<dyn Future<Output = Response> + Send>>,
    reply: oneshot::Sender<Response>,
}

/// What a pool has to tell.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Requests that have come, whatever became of them.
    pub(super) seen: AtomicU64,
    pub(super) busy: AtomicU32,
    /// The most that were busy since somebody last looked.
    pub(super) peak: AtomicU32,
}

#[derive(Clone)]
pub(super) struct Workers {
    jobs: mpsc::Sender<Job>,
    pub(super) counts: Arc<Counts>,
}

impl Workers {
    pub(super) fn start(workers: u32, backlog: u32) -> Self {
        let (jobs, queue) = mpsc::channel(backlog as usize);
        let (queue, counts) = (Arc::new(Mutex::new(queue)), Arc::new(Counts::default()));
        for _ in 0..workers {
            tokio::spawn(work(Arc::clone(&queue), Arc::clone(&counts)));
        }
        Self { jobs, counts }
    }

    /// Has the rest of the router done by a worker: for `middleware::from_fn_with_state`.
    pub(super) async fn take(State(pool): State<Self>, request: Request, next: Next) -> Response {
        pool.run(next.run(request)).await
    }

    async fn run(&self, work: impl Future<Output = Response> + Send + 'static) -> Response {
        self.counts.seen.fetch_add(1, Relaxed);
        let (reply, answer) = oneshot::channel();
        match self.jobs.try_send(Job { work: Box::pin(work), reply }) {
            Ok(()) => answer.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()),
            Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }
}

async fn work(queue: Arc<Mutex<mpsc::Receiver<Job>>>, counts: Arc<Counts>) {
    loop {
        // One worker at a time looks into the queue; it lets go before it begins.
        let Some(job) = queue.lock().await.recv().await else { return };
        if job.reply.is_closed() {
            continue;
        }
        let busy = counts.busy.fetch_add(1, Relaxed) + 1;
        counts.peak.fetch_max(busy, Relaxed);
        let answer = job.work.await;
        counts.busy.fetch_sub(1, Relaxed);
        // Nobody may be there any more to hear it.
        let _ = job.reply.send(answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::{future::pending, time::Duration};
    use tokio::{task::yield_now, time};

    async fn settle() {
        for _ in 0..20 {
            yield_now().await;
        }
    }

    fn spawn(
        pool: &Workers,
        work: impl Future<Output = Response> + Send + 'static,
    ) -> tokio::task::JoinHandle<u16> {
        let pool = pool.clone();
        tokio::spawn(async move { pool.run(work).await.status().as_u16() })
    }

    async fn ok() -> Response {
        StatusCode::OK.into_response()
    }

    #[tokio::test]
    async fn workers_then_backlog_then_refused_at_once() {
        let pool = Workers::start(2, 3);
        settle().await;
        let _busy: Vec<_> = (0..2).map(|_| spawn(&pool, pending())).collect();
        settle().await;
        let waiting: Vec<_> = (0..3).map(|_| spawn(&pool, ok())).collect();
        settle().await;
        assert!(waiting.iter().all(|request| !request.is_finished()), "all workers are busy");
        assert_eq!(pool.run(ok()).now_or_never().expect("at once").status(), 503);
        let counts = &pool.counts;
        assert_eq!(
            (counts.seen.load(Relaxed), counts.busy.load(Relaxed), counts.peak.load(Relaxed)),
            (6, 2, 2)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_who_has_begun_ends_though_its_caller_has_left() {
        let pool = Workers::start(1, 1);
        let (done, hears) = oneshot::channel();
        let caller = spawn(&pool, async {
            time::sleep(Duration::from_secs(1)).await;
            let _ = done.send(());
            ok().await
        });
        settle().await;
        caller.abort();
        assert_eq!(hears.await, Ok(()));
        assert_eq!(spawn(&pool, ok()).await.expect("answered"), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_whose_caller_left_before_its_turn_costs_nothing() {
        let pool = Workers::start(1, 1);
        let first = spawn(&pool, async {
            time::sleep(Duration::from_secs(1)).await;
            ok().await
        });
        settle().await;
        let waits = spawn(&pool, async { panic!("nobody waits for it") });
        settle().await;
        waits.abort();
        assert_eq!(first.await.expect("answered"), 200);
        assert_eq!(spawn(&pool, ok()).await.expect("answered"), 200);
    }
}

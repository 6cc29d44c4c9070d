//! HG: hedging. A6 is gRPC's proposal A6 on client retries; the others are tests of failsafe-go and Polly.

use buttress::{
    Lifted,
    budget::Budget,
    cause::{self, Cause},
    hedge::HedgeLayer,
    outcome::Outcome,
    over,
};
use futures_util::poll;
use std::{
    collections::VecDeque,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tower::{Service, ServiceExt, service_fn};

const MS: Duration = Duration::from_millis(1);

/// Ends like this after so long, or never.
type Attempt = Option<(Duration, u16)>;
type Answer = Result<u16, Lifted<std::io::Error>>;

const fn after(millis: u64, status: u16) -> Attempt {
    Some((Duration::from_millis(millis), status))
}

#[derive(Debug, Default)]
struct Seen {
    started: Vec<u128>,
    requests: Vec<u32>,
    dropped: Vec<Cause>,
    disposed: Vec<u16>,
}

/// A service that does as it is told, attempt by attempt; then it hangs.
fn service(
    attempts: impl IntoIterator<Item = Attempt>,
) -> (Arc<Mutex<Seen>>, impl Service<u32, Response = u16, Error = std::io::Error, Future: Send> + Clone) {
    struct Guard(Arc<Mutex<Seen>>, bool);
    impl Drop for Guard {
        fn drop(&mut self) {
            if !self.1 {
                self.0.lock().expect("not poisoned").dropped.push(cause::current());
            }
        }
    }
    let seen = Arc::<Mutex<Seen>>::default();
    let (note, begin) = (Arc::clone(&seen), Instant::now());
    let attempts = Arc::new(Mutex::new(attempts.into_iter().collect::<VecDeque<_>>()));
    let service = service_fn(move |request: u32| {
        let mut told = note.lock().expect("not poisoned");
        told.started.push(begin.elapsed().as_millis());
        told.requests.push(request);
        let attempt = attempts.lock().expect("not poisoned").pop_front().unwrap_or(None);
        let guard = Guard(Arc::clone(&note), false);
        async move {
            let mut guard = guard;
            let Some((time, status)) = attempt else { return pending().await };
            sleep(time).await;
            guard.1 = true;
            guard.0.lock().expect("not poisoned").disposed.push(status);
            Ok(status)
        }
    });
    (seen, service)
}

/// 200 and 400 are answers, gRPC's "fatal" ones among them; 500 is a failure that another attempt may mend.
fn hedge(
    delay: Duration,
    max: u32,
) -> HedgeLayer<
    buttress::replay::Clones<buttress::replay::Always>,
    impl buttress::outcome::Classify<u16, Lifted<std::io::Error>, AtEnd = std::convert::Infallible> + Clone,
> {
    let by = |result: Result<&u16, &Lifted<std::io::Error>>| match result {
        Ok(status) if *status < 500 => Outcome::OK,
        _ => Outcome::FAILED,
    };
    HedgeLayer::after(delay).max(max).budget(&Budget::unlimited()).all_safe().classify_by(by)
}

async fn run(
    delay: Duration,
    max: u32,
    attempts: impl IntoIterator<Item = Attempt>,
) -> (Answer, Vec<u128>, Arc<Mutex<Seen>>) {
    let (seen, service) = service(attempts);
    let answer = over(hedge(delay, max), service).oneshot(7).await;
    let started = seen.lock().expect("not poisoned").started.clone();
    (answer, started, seen)
}

#[tokio::test(start_paused = true)]
async fn hg_01_four_attempts_without_an_answer_run_half_a_second_apart_and_at_once_without_a_delay() {
    let (seen, service) = service([]);
    let mut call = Box::pin(over(hedge(500 * MS, 3), service).oneshot(7));
    let begin = Instant::now();
    for (at, running) in [(1, 1), (501, 2), (1001, 3), (1501, 4), (9001, 4)] {
        // Whoever wakes it is the hedge itself.
        let _ = tokio::time::timeout_at(begin + at * MS, call.as_mut()).await;
        assert_eq!(seen.lock().expect("not poisoned").started.len(), running, "at {at} ms");
    }
    let (seen, service) = self::service([]);
    let mut call = Box::pin(over(hedge(Duration::ZERO, 3), service).oneshot(7));
    assert!(poll!(call.as_mut()).is_pending());
    assert_eq!(seen.lock().expect("not poisoned").started, [0; 4]);
}

#[tokio::test(start_paused = true)]
async fn hg_02_a_failure_brings_the_next_one_forward_and_those_after_it_keep_the_delay() {
    let (answer, started, _) = run(500 * MS, 3, [after(100, 500), None, None, after(10, 200)]).await;
    assert_eq!((answer.ok(), started), (Some(200), vec![0, 100, 600, 1100]));
}

#[tokio::test(start_paused = true)]
async fn hg_02_an_answer_that_no_other_attempt_would_mend_ends_the_race_and_so_does_a_success() {
    for status in [400, 200] {
        let (answer, started, seen) = run(500 * MS, 3, [None, None, after(10, status)]).await;
        assert_eq!((answer.ok(), started), (Some(status), vec![0, 500, 1000]));
        assert_eq!(seen.lock().expect("not poisoned").dropped, [Cause::Lost; 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn hg_05_a_slow_first_has_two_hedges_a_fast_one_none_and_without_a_delay_all_start() {
    let (answer, started, _) = run(10 * MS, 2, [after(100, 200)]).await;
    assert_eq!((answer.ok(), started.len()), (Some(200), 3));
    let (answer, started, _) = run(Duration::from_secs(1), 2, [after(1, 200)]).await;
    assert_eq!((answer.ok(), started.len()), (Some(200), 1));
    let (answer, started, _) = run(Duration::ZERO, 2, [after(100, 200)]).await;
    assert_eq!((answer.ok(), started), (Some(200), vec![0; 3]));
}

/// A delay cannot be negative here: what never hedges is the longest one there is.
#[tokio::test(start_paused = true)]
async fn hg_05_what_never_hedges_returns_the_first_as_it_was() {
    for status in [200, 500] {
        let (answer, started, _) = run(Duration::MAX, 2, [after(100_000, status)]).await;
        assert_eq!((answer.ok(), started), (Some(status), vec![0]));
    }
}

#[tokio::test(start_paused = true)]
async fn hg_08_the_others_are_dropped_when_one_wins_and_the_winner_is_not() {
    for attempts in [[None, after(5, 200)], [after(25, 200), None]] {
        let (answer, _, seen) = run(20 * MS, 1, attempts).await;
        let seen = seen.lock().expect("not poisoned");
        assert_eq!(
            (answer.ok(), &*seen.dropped, &*seen.disposed),
            (Some(200), &[Cause::Lost][..], &[200][..])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn hg_08_a_response_that_is_not_taken_is_dropped() {
    /// A response that is noticed when it goes.
    #[derive(Debug)]
    struct Page(u16, Arc<Mutex<Vec<u16>>>);
    impl Drop for Page {
        fn drop(&mut self) {
            self.1.lock().expect("not poisoned").push(self.0);
        }
    }
    let gone = Arc::<Mutex<Vec<u16>>>::default();
    let (note, statuses) = (Arc::clone(&gone), Arc::new(Mutex::new([200, 500, 500])));
    let left = Arc::new(Mutex::new(3));
    let service = service_fn(move |_: u32| {
        let mut left = left.lock().expect("not poisoned");
        *left -= 1;
        let page = Page(statuses.lock().expect("not poisoned")[*left], Arc::clone(&note));
        async move { Ok::<_, std::io::Error>(page) }
    });
    let by = |result: Result<&Page, &Lifted<std::io::Error>>| match result {
        Ok(page) if page.0 == 200 => Outcome::OK,
        _ => Outcome::FAILED,
    };
    let layer = HedgeLayer::after(MS).max(2).all_safe().classify_by(by);
    let page = over(layer, service).oneshot(7).await.expect("answered");
    assert_eq!((page.0, &*gone.lock().expect("not poisoned")), (200, &vec![500, 500]));
    drop(page);
    assert_eq!(gone.lock().expect("not poisoned").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn hg_08_a_caller_who_leaves_cancels_every_attempt() {
    let (seen, service) = service([]);
    let call = over(hedge(20 * MS, 2), service).oneshot(7);
    tokio::time::timeout(50 * MS, call).await.expect_err("it hangs");
    assert_eq!(seen.lock().expect("not poisoned").dropped, [Cause::Gone; 3]);
}

/// Each has its own copy of the request, and what one does to it the others do not see.
#[tokio::test(start_paused = true)]
async fn hg_08_each_attempt_has_its_own_context() {
    let (seen, service) = service([]);
    let edits = tower::util::MapRequest::new(service, {
        let count = Arc::new(Mutex::new(0));
        move |request: u32| {
            let mut count = count.lock().expect("not poisoned");
            *count += 1;
            request + *count
        }
    });
    let call = over(hedge(20 * MS, 2), edits).oneshot(70);
    tokio::time::timeout(50 * MS, call).await.expect_err("it hangs");
    assert_eq!(seen.lock().expect("not poisoned").requests, [71, 72, 73]);
}

#[tokio::test(start_paused = true)]
async fn hg_08_an_answer_of_the_first_that_is_not_to_be_mended_has_no_hedge() {
    let (answer, started, _) = run(20 * MS, 2, [after(5, 404), after(5, 200)]).await;
    assert_eq!((answer.ok(), started), (Some(404), vec![0]));
}

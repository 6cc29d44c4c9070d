//! The timeout as a user meets it. The laws it shares with every layer are judged in `tests/contract`.

#[path = "timeout/adaptive.rs"]
mod adaptive;
#[path = "timeout/total.rs"]
mod total;

use buttress::{
    Deadline, Lifted, Rejected,
    cause::{self, Cause},
    clock, over,
    rejected::Reason,
    telemetry::{Event, Limit},
    timeout::{LiveLimit, TimeoutLayer},
};
use futures_util::{FutureExt, task::noop_waker};
use std::{
    convert::Infallible,
    future::{pending, poll_fn, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tower::{Service, ServiceExt, service_fn};

const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);

type Never = Result<(), Lifted<Infallible>>;

fn hangs() -> impl Service<(), Response = (), Error = Infallible, Future: Send> + Clone {
    service_fn(|()| pending())
}

fn takes(time: Duration) -> impl Service<(), Response = (), Error = Infallible, Future: Send> + Clone {
    service_fn(move |()| sleep(time).map(Ok))
}

/// Nobody may ask it anything.
#[derive(Clone)]
struct Untouched;
impl Service<()> for Untouched {
    type Response = ();
    type Error = Infallible;
    type Future = std::future::Ready<Result<(), Infallible>>;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        panic!("asked whether it is ready")
    }
    fn call(&mut self, (): ()) -> Self::Future {
        panic!("called")
    }
}

fn reason(answer: Never) -> (Reason, bool) {
    match answer {
        Err(Lifted::Rejected(why)) => (why.reason(), why.reached()),
        other => panic!("not rejected: {other:?}"),
    }
}

#[test]
fn a_call_that_is_ready_needs_no_timer_and_no_runtime() {
    let mut svc = over(TimeoutLayer::new(MS), service_fn(|n: u32| ready(Ok::<_, Infallible>(n))));
    assert_eq!(svc.call(7).now_or_never(), Some(Ok(7)));
}

#[test]
fn a_limit_of_max_arms_no_timer() {
    let mut svc = over(TimeoutLayer::new(Duration::MAX), hangs());
    // Outside of a runtime a timer could not be made.
    assert_eq!(svc.call(()).now_or_never(), None);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_is_cut_at_its_limit_to_the_millisecond() {
    let start = Instant::now();
    let answer = over(TimeoutLayer::new(250 * MS), hangs()).oneshot(()).await;
    assert_eq!(reason(answer), (Reason::TimedOut, true));
    assert_eq!(start.elapsed(), 250 * MS);
}

#[tokio::test(start_paused = true)]
async fn an_answer_at_the_very_instant_of_the_limit_is_an_answer() {
    assert_eq!(over(TimeoutLayer::new(250 * MS), takes(250 * MS)).oneshot(()).await, Ok(()));
    let late = over(TimeoutLayer::new(250 * MS), takes(251 * MS)).oneshot(()).await;
    assert_eq!(reason(late), (Reason::TimedOut, true));
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_zero_is_a_millisecond_and_a_call_can_still_succeed_under_it() {
    let yields = service_fn(|()| tokio::task::yield_now().map(Ok::<_, Infallible>));
    assert_eq!(over(TimeoutLayer::new(Duration::ZERO), yields).oneshot(()).await, Ok(()));
    let start = Instant::now();
    let answer = over(TimeoutLayer::new(Duration::ZERO), hangs()).oneshot(()).await;
    assert_eq!(reason(answer), (Reason::TimedOut, true));
    assert_eq!(start.elapsed(), MS);
}

#[tokio::test(start_paused = true)]
async fn the_limit_runs_from_the_first_pending_and_not_from_the_call() {
    let mut svc = over(TimeoutLayer::new(250 * MS), hangs());
    let call = svc.ready().await.expect("ready").call(());
    tokio::time::advance(DAY).await;
    let start = Instant::now();
    assert_eq!(reason(call.await), (Reason::TimedOut, true));
    assert_eq!(start.elapsed(), 250 * MS);
}

#[tokio::test(start_paused = true)]
async fn the_smaller_of_limit_and_deadline_cuts_and_names_the_reason() {
    for (limit, left, reason_then, at) in [
        (300 * MS, 200 * MS, Reason::DeadlinePassed, 200 * MS),
        (100 * MS, 200 * MS, Reason::TimedOut, 100 * MS),
        (200 * MS, 200 * MS, Reason::TimedOut, 200 * MS),
        (Duration::MAX, 200 * MS, Reason::DeadlinePassed, 200 * MS),
        (DAY, Duration::MAX, Reason::TimedOut, DAY),
    ] {
        let start = Instant::now();
        let call = over(TimeoutLayer::new(limit), hangs()).oneshot(());
        let answer = Deadline::after(start, left).scope(call).await;
        assert_eq!(reason(answer), (reason_then, true), "limit {limit:?}, deadline {left:?}");
        assert_eq!(start.elapsed(), at);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_deadline_has_passed_is_refused_and_inside_is_not_even_asked() {
    let call = over(TimeoutLayer::new(DAY), Untouched).oneshot(());
    assert_eq!(reason(Deadline::at(Instant::now()).scope(call).await), (Reason::DeadlinePassed, false));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_passes_between_ready_and_call_refuses_the_call() {
    let mut svc =
        over(TimeoutLayer::new(DAY), service_fn(|()| async { panic!("called") as Result<(), Infallible> }));
    let deadline = Deadline::after(Instant::now(), MS);
    deadline
        .scope(async {
            svc.ready().await.expect("ready");
            tokio::time::advance(MS).await;
            assert_eq!(reason(svc.call(()).await), (Reason::DeadlinePassed, false));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_clone_of_a_refusing_service_starts_afresh() {
    let mut svc = over(TimeoutLayer::new(DAY), takes(Duration::ZERO));
    let mut clone = Deadline::at(Instant::now())
        .scope(async {
            svc.ready().await.expect("answers ready");
            svc.clone()
        })
        .await;
    assert_eq!(clone.ready().await.expect("ready").call(()).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn the_limit_can_be_read_from_the_request() {
    let layer = TimeoutLayer::per_request(|pages: &u32| MS * *pages);
    let mut svc = over(layer, service_fn(|_: u32| pending::<Result<(), Infallible>>()));
    for pages in [10, 70] {
        let start = Instant::now();
        assert_eq!(reason(svc.ready().await.expect("ready").call(pages).await), (Reason::TimedOut, true));
        assert_eq!(start.elapsed(), MS * pages);
    }
}

#[tokio::test(start_paused = true)]
async fn the_inside_is_dropped_under_cut_before_the_answer_is_given() {
    struct Witness(Arc<Mutex<Vec<Cause>>>);
    impl Drop for Witness {
        fn drop(&mut self) {
            self.0.lock().expect("not poisoned").push(cause::current());
        }
    }
    let seen = Arc::new(Mutex::new(Vec::new()));
    let held = Arc::clone(&seen);
    let svc = service_fn(move |()| {
        let witness = Witness(Arc::clone(&held));
        async move {
            let _witness = witness;
            pending::<Result<(), Infallible>>().await
        }
    });
    let mut call = pin!(over(TimeoutLayer::new(MS), svc).oneshot(()));
    let answer = poll_fn(|cx| {
        let answer = call.as_mut().poll(cx);
        if answer.is_ready() {
            assert_eq!(*seen.lock().expect("not poisoned"), [Cause::Cut], "the future itself still stands");
        }
        answer
    })
    .await;
    assert_eq!(reason(answer), (Reason::TimedOut, true));
    assert_eq!(cause::current(), Cause::Gone);
}

#[tokio::test(start_paused = true)]
async fn an_inside_that_uses_up_the_tasks_budget_is_cut_all_the_same() {
    let greedy = service_fn(|()| async {
        loop {
            tokio::task::coop::consume_budget().await;
        }
        #[expect(unreachable_code, reason = "the type of the answer")]
        Ok::<(), Infallible>(())
    });
    // Time stands still while a task is busy: it is moved by hand after the first poll.
    let mut call = pin!(over(TimeoutLayer::new(MS), greedy).oneshot(()));
    let mut polls = 0;
    let answer = poll_fn(|cx| {
        polls += 1;
        assert!(polls < 10, "starved");
        call.as_mut().poll(cx)
    });
    let mut answer = pin!(answer);
    assert!(futures_util::poll!(answer.as_mut()).is_pending());
    tokio::time::advance(2 * MS).await;
    assert_eq!(reason(answer.await), (Reason::TimedOut, true));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_panic_and_the_next_call_works() {
    let layer = TimeoutLayer::new(DAY);
    let mut svc = over(
        layer,
        service_fn(|n: u32| async move {
            assert_ne!(n, 0, "the service's own trouble");
            Ok::<_, Infallible>(n)
        }),
    );
    let call = svc.ready().await.expect("ready").call(0);
    let caught = AssertUnwindSafe(call).catch_unwind().await.expect_err("passed on");
    assert!(caught.downcast_ref::<String>().is_some_and(|text| text.contains("the service's own trouble")));
    assert_eq!(svc.ready().await.expect("ready").call(1).await, Ok(1));
}

#[test]
fn a_panic_in_call_is_passed_on() {
    let mut svc = over(
        TimeoutLayer::new(DAY),
        service_fn(|()| -> std::future::Ready<Result<(), Infallible>> { panic!("in call") }),
    );
    assert!(catch_unwind(AssertUnwindSafe(|| svc.call(()))).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_days_cuts_once_and_the_next_call_has_its_whole_limit() {
    let mut svc = over(TimeoutLayer::new(250 * MS), hangs());
    let mut call = pin!(svc.ready().await.expect("ready").call(()));
    assert!(futures_util::poll!(call.as_mut()).is_pending());
    tokio::time::advance(3 * DAY).await;
    assert_eq!(reason(call.await), (Reason::TimedOut, true));
    let start = Instant::now();
    assert_eq!(reason(svc.ready().await.expect("ready").call(()).await), (Reason::TimedOut, true));
    assert_eq!(start.elapsed(), 250 * MS);
}

#[tokio::test(start_paused = true)]
async fn each_decision_is_told_once_with_the_name_of_the_layer() {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let ears = Arc::clone(&heard);
    let layer = TimeoutLayer::new(100 * MS).name("payments").observe(move |event: &Event<'_>| {
        ears.lock().expect("not poisoned").push(match event {
            Event::TimedOut { name, limit, .. } => format!("{name} cut by {}", limit.as_str()),
            Event::Rejected { name, reason, .. } => format!("{name} refused: {reason:?}"),
            other => format!("{other:?}"),
        });
    });
    let mut svc = over(layer, service_fn(|wait: Duration| sleep(wait).map(Ok::<_, Infallible>)));
    svc.ready().await.expect("ready").call(MS).await.expect("in time");
    svc.ready().await.expect("ready").call(DAY).await.expect_err("cut");
    let soon = Deadline::after(clock::now(), 50 * MS);
    soon.scope(svc.ready().await.expect("ready").call(DAY))
        .await
        .expect_err("its own limit was known at the call");
    soon.scope(async { svc.ready().await.expect("ready").call(DAY).await }).await.expect_err("refused");
    assert_eq!(
        *heard.lock().expect("not poisoned"),
        ["payments cut by call", "payments cut by call", "payments refused: DeadlinePassed"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_empty_name_is_the_patterns_own() {
    for (layer, name) in [
        (TimeoutLayer::new(MS), "timeout"),
        (TimeoutLayer::new(MS).name(""), "timeout"),
        (TimeoutLayer::new(MS).name("payments"), "payments"),
    ] {
        match over(layer, hangs()).oneshot(()).await {
            Err(Lifted::Rejected(why)) => assert_eq!(why.name(), name),
            other => panic!("not rejected: {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_does_not_break_the_call() {
    let layer = TimeoutLayer::new(MS).observe(|_: &Event<'_>| panic!("an observer's own trouble"));
    assert_eq!(reason(over(layer, hangs()).oneshot(()).await), (Reason::TimedOut, true));
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_gets_can_be_found_behind_any_box() {
    let answer = over(TimeoutLayer::new(MS), hangs()).oneshot(()).await.expect_err("cut");
    let boxed: Box<dyn std::error::Error + Send + Sync> = match answer {
        Lifted::Rejected(why) => Box::new(why),
        Lifted::Inner(never) => match never {},
    };
    assert_eq!(Rejected::find(&*boxed).map(|why| why.reason()), Some(Reason::TimedOut));
    assert_eq!(Limit::Call.as_str(), "call");
}

#[test]
fn a_future_that_is_dropped_unpolled_starts_nothing() {
    let calls = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&calls);
    let mut svc = over(
        TimeoutLayer::new(MS),
        service_fn(move |()| {
            let count = Arc::clone(&count);
            async move {
                count.fetch_add(1, Relaxed);
                Ok::<_, Infallible>(())
            }
        }),
    );
    let waker = noop_waker();
    assert!(svc.poll_ready(&mut Context::from_waker(&waker)).is_ready());
    drop(svc.call(()));
    assert_eq!(calls.load(Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_changed_holds_for_calls_that_begin_from_then_on() {
    let limit = LiveLimit::new(10 * MS);
    let svc = over(TimeoutLayer::by(limit.clone()), hangs());
    let started = Instant::now();
    let mut before = pin!(svc.clone().oneshot(()));
    assert!(before.as_mut().now_or_never().is_none());
    limit.set(30 * MS);
    let mut after = pin!(svc.oneshot(()));
    assert!(after.as_mut().now_or_never().is_none());
    limit.set(Duration::ZERO);
    assert_eq!(reason(before.await), (Reason::TimedOut, true));
    assert_eq!(started.elapsed(), 10 * MS);
    assert_eq!(reason(after.await), (Reason::TimedOut, true));
    assert_eq!(started.elapsed(), 30 * MS);
}

#[test]
fn a_live_limit_gives_back_what_was_set() {
    for limit in [Duration::ZERO, MS, DAY, Duration::MAX] {
        assert_eq!(LiveLimit::new(limit).get(), limit);
    }
    assert_eq!(LiveLimit::new(DAY * 365 * 1000).get(), Duration::MAX, "longer than can be said");
}

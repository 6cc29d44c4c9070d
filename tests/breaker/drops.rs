//! Law 5: why a call ended is known. Who can tell, and who cannot, and what is made of it then.

use crate::rig::{MS, Rig, SECOND, policy};
use buttress::{
    Deadline,
    breaker::{BreakerLayer, Circuit, State},
    cause::{self, Cause},
    clock, deadline,
    rejected::BoxError,
    testing::{Answer, PANIC, Probe},
    timeout::TimeoutLayer,
};
use futures_util::{FutureExt, StreamExt, future::join, stream::FuturesUnordered};
use std::{any::Any, convert::Infallible, future::pending, panic::AssertUnwindSafe};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, util::BoxService};

const LIMIT: std::time::Duration = SECOND;

/// What was told of calls.
#[track_caller]
fn ends(rig: &Rig) -> Vec<String> {
    rig.heard.take().into_iter().filter(|said| !said.contains(" by ")).collect()
}

fn is_ours(payload: &(dyn Any + Send)) -> bool {
    payload.downcast_ref::<&str>() == Some(&PANIC)
}

/// The same service under `cutter`, whose type does not matter; what never answers is cut after [`LIMIT`].
fn cut_by<L>(rig: &Rig, cutter: L) -> BoxService<u64, u64, BoxError>
where
    L: Layer<buttress::breaker::Breaker<Probe>>,
    L::Service: Service<u64, Response = u64, Error: Into<BoxError>, Future: Send> + Send + 'static,
{
    rig.inside.always(Answer::never());
    ServiceBuilder::new().map_err(Into::into).layer(cutter).service(rig.svc.clone()).boxed()
}

async fn is_cut(mut svc: BoxService<u64, u64, BoxError>) {
    let start = clock::now();
    svc.ready().await.expect("ready").call(7).await.expect_err("cut");
    assert_eq!(start.elapsed(), LIMIT);
}

#[tokio::test(start_paused = true)]
async fn cut_by_our_timeout_is_timed_out_and_a_failure() {
    let rig = Rig::new();
    for _ in 0..3 {
        is_cut(cut_by(&rig, TimeoutLayer::new(LIMIT))).await;
    }
    assert_eq!(ends(&rig), ["timed_out"; 3]);
    assert_eq!(rig.circuit.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn cut_by_our_timeout_inside_is_timed_out_too() {
    let probe = Probe::new();
    probe.handle().always(Answer::never());
    let circuit = Circuit::new("outside", &policy());
    let mut svc = BreakerLayer::new(&circuit).layer(TimeoutLayer::new(LIMIT).layer(probe));
    for _ in 0..3 {
        svc.ready().await.expect("ready").call(7).await.expect_err("cut");
    }
    assert_eq!(circuit.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn cut_by_a_foreign_timeout_is_nothing() {
    let mut rig = Rig::new();
    for _ in 0..9 {
        is_cut(cut_by(&rig, tower::timeout::TimeoutLayer::new(LIMIT))).await;
        let call = rig.start(Answer::never()).await;
        tokio::time::timeout(LIMIT, call).await.expect_err("cut");
    }
    assert_eq!(ends(&rig), ["cancelled"; 18]);
    assert_eq!(rig.shows(), (State::Closed, 0, 0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn cut_by_a_foreign_timeout_is_a_failure_once_it_was_abandoned_long_enough() {
    let mut rig = Rig::with(policy().abandoned_after(LIMIT));
    tokio::time::timeout(LIMIT - MS, rig.start(Answer::never()).await).await.expect_err("cut");
    assert_eq!(ends(&rig), ["cancelled"], "before its time");
    is_cut(cut_by(&rig, tower::timeout::TimeoutLayer::new(LIMIT))).await;
    for _ in 0..2 {
        let call = rig.start(Answer::never()).await;
        tokio::time::timeout(LIMIT, call).await.expect_err("cut");
    }
    assert_eq!(ends(&rig), ["failed"; 3]);
    assert_eq!(rig.circuit.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn the_age_of_a_call_begins_at_its_first_pending() {
    let mut rig = Rig::with(policy().abandoned_after(LIMIT));
    let mut call = rig.start(Answer::never()).await;
    tokio::time::advance(10 * LIMIT).await;
    drop(call);
    assert_eq!(ends(&rig), ["cancelled"], "never polled");
    call = rig.start(Answer::never()).await;
    tokio::time::advance(10 * LIMIT).await;
    assert!((&mut call).now_or_never().is_none());
    tokio::time::advance(LIMIT - MS).await;
    drop(call);
    assert_eq!(ends(&rig), ["cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn cut_by_the_timeout_of_tower_http_is_nothing_too() {
    let heard = crate::rig::Heard::default();
    let circuit = Circuit::new("rig", &policy().observe(heard.clone()));
    let hangs = tower::service_fn(|_: http::Request<()>| pending::<Result<http::Response<()>, Infallible>>());
    let stack = ServiceBuilder::new()
        .layer(tower_http::timeout::TimeoutLayer::with_status_code(http::StatusCode::REQUEST_TIMEOUT, LIMIT))
        .layer(BreakerLayer::new(&circuit))
        .layer(buttress::lift());
    for _ in 0..9 {
        let answer = stack.clone().service(hangs).oneshot(http::Request::new(())).await.expect("an answer");
        assert_eq!(answer.status(), 408);
    }
    assert_eq!(circuit.state(), State::Closed);
    assert_eq!(heard.take()[1..], ["cancelled"; 9]);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_cutter_can_say_that_it_cuts() {
    let mut rig = Rig::new();
    for _ in 0..3 {
        let mut call = rig.start(Answer::never()).await;
        tokio::time::timeout(LIMIT, &mut call).await.expect_err("cut");
        cause::during(Cause::Cut, || drop(call));
    }
    assert_eq!(ends(&rig), ["timed_out"; 3]);
    assert_eq!(rig.circuit.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn dropped_after_the_callers_own_deadline_it_has_timed_out() {
    let mut rig = Rig::new();
    let end = Deadline::after(clock::now(), LIMIT);
    let call = rig.start(Answer::never()).await;
    tokio::time::timeout(LIMIT, end.scope(call)).await.expect_err("cut");
    assert_eq!(ends(&rig), ["timed_out"]);
    // Nothing says how long one attempt may take, so it counts.
    assert_eq!(rig.shows(), (State::Closed, 1, 1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_callers_own_deadline_is_no_failure_where_it_was_shorter_than_an_attempt() {
    let mut rig = Rig::with(policy().abandoned_after(2 * LIMIT));
    for (waits, counts) in [(LIMIT, 0), (2 * LIMIT, 1)] {
        let end = Deadline::after(clock::now(), waits);
        let call = rig.start(Answer::never()).await;
        tokio::time::timeout(waits, end.scope(call)).await.expect_err("cut");
        assert_eq!(ends(&rig), ["timed_out"], "{waits:?}");
        assert_eq!(rig.circuit.snapshot().failed, counts, "{waits:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_before_its_deadline_it_was_left() {
    let mut rig = Rig::new();
    let end = Deadline::after(clock::now(), LIMIT);
    let call = rig.start(Answer::never()).await;
    tokio::time::timeout(LIMIT - MS, end.scope(call)).await.expect_err("cut");
    assert_eq!(ends(&rig), ["cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_race_is_nothing_however_long_it_took() {
    let mut rig = Rig::with(policy().abandoned_after(LIMIT));
    for _ in 0..9 {
        let mut slow = rig.start(Answer::never()).await;
        assert!((&mut slow).now_or_never().is_none());
        tokio::time::advance(10 * LIMIT).await;
        let fast = rig.start(Answer::ok()).await;
        assert_eq!(fast.await, Ok(7));
        cause::during(Cause::Lost, || drop(slow));
    }
    assert_eq!(ends(&rig), ["ok", "cancelled"].repeat(9));
    assert_eq!(rig.circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_panic_in_call_or_in_poll_and_caught_wherever() {
    let mut rig = Rig::new();
    let in_call = AssertUnwindSafe(rig.start(Answer::panics_in_call())).catch_unwind().await;
    assert!(is_ours(&*in_call.map(drop).expect_err("passed on")));
    let mut call = rig.start(Answer::panics().after_polls(1)).await;
    let in_poll = AssertUnwindSafe(&mut call).catch_unwind().await;
    assert!(is_ours(&*in_poll.expect_err("passed on")));
    assert_eq!(ends(&rig), ["panicked"], "the second is still held");
    // Caught outside, dropped later, when nothing panics any more; and no cut makes a timeout of it.
    cause::during(Cause::Cut, || drop(call));
    assert_eq!(ends(&rig), ["panicked"]);
    let in_task = tokio::spawn(rig.start(Answer::panics()).await).await;
    assert!(is_ours(&*in_task.expect_err("in the task").into_panic()));
    assert_eq!(ends(&rig), ["panicked"]);
    assert_eq!(rig.circuit.state(), State::Open, "three panics are three failures");
}

#[tokio::test(start_paused = true)]
async fn a_panicking_sibling_is_not_held_against_the_innocent() {
    let mut rig = Rig::new();
    let innocent = rig.start(Answer::never()).await;
    let guilty = async { std::panic::resume_unwind(Box::new("a sibling")) };
    let both = AssertUnwindSafe(join(innocent, guilty)).catch_unwind().await;
    let _: Box<dyn Any + Send> = both.map(|(_, never): (_, Infallible)| never).expect_err("passed on");
    assert_eq!(ends(&rig), ["cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn a_panicking_task_around_it_drops_an_innocent_call() {
    let mut rig = Rig::new();
    let innocent = rig.start(Answer::never()).await;
    tokio::spawn(async move {
        let mut innocent = innocent;
        assert!((&mut innocent).now_or_never().is_none());
        // `innocent` is dropped while the thread panics.
        std::panic::resume_unwind(Box::new("the task"));
    })
    .await
    .expect_err("it panics");
    assert_eq!(ends(&rig), ["cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn through_a_buffer_a_cut_is_still_a_timeout() {
    let rig = Rig::new();
    let buffered = tower::buffer::BufferLayer::new(8);
    for _ in 0..3 {
        is_cut(cut_by(&rig, Stacked(TimeoutLayer::new(LIMIT), buffered))).await;
    }
    assert_eq!(ends(&rig), ["timed_out"; 3]);
    assert_eq!(rig.circuit.state(), State::Open);
}

/// The first layer around the second.
struct Stacked<A, B>(A, B);

impl<S, A: Layer<B::Service>, B: Layer<S>> Layer<S> for Stacked<A, B> {
    type Service = A::Service;

    fn layer(&self, inner: S) -> A::Service {
        self.0.layer(self.1.layer(inner))
    }
}

#[tokio::test(start_paused = true)]
async fn in_futures_unordered_a_cut_reaches_each_of_them() {
    let mut rig = Rig::new();
    let all = FuturesUnordered::new();
    for _ in 0..3 {
        all.push(rig.start(Answer::never()).await);
    }
    let mut svc =
        TimeoutLayer::new(LIMIT).layer(tower::service_fn(|mut all: FuturesUnordered<_>| async move {
            all.next().await.expect("three of them")
        }));
    svc.call(all).await.expect_err("cut");
    assert_eq!(ends(&rig), ["timed_out"; 3]);
    assert_eq!(rig.circuit.state(), State::Open);
}

/// What the docs of `cause` say it does not reach: work that was moved to another task and is aborted from here. It is
/// dropped later, by the runtime, and only the other two rules can tell.
#[tokio::test(start_paused = true)]
async fn over_a_spawn_and_abort_a_cut_is_not_known() {
    let rig = Rig::new();
    for _ in 0..9 {
        is_cut(cut_by(&rig, Stacked(TimeoutLayer::new(LIMIT), Aborts))).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(ends(&rig), ["cancelled"; 9]);
    assert_eq!(rig.circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn over_a_spawn_and_abort_age_and_a_carried_deadline_tell() {
    let rig = Rig::with(policy().abandoned_after(LIMIT));
    is_cut(cut_by(&rig, Stacked(TimeoutLayer::new(LIMIT), Aborts))).await;
    tokio::task::yield_now().await;
    assert_eq!(ends(&rig), ["failed"]);
    let rig = Rig::new();
    let svc = cut_by(&rig, Stacked(TimeoutLayer::new(2 * LIMIT), Aborts));
    Deadline::after(clock::now(), LIMIT).scope(is_cut(svc)).await;
    tokio::task::yield_now().await;
    assert_eq!(ends(&rig), ["timed_out"]);
}

/// Runs each call in a task of its own, in a `JoinSet` that aborts it when the caller goes; the deadline is carried.
#[derive(Clone)]
struct Aborts;

impl<S: Service<u64, Future: Send + 'static, Response: Send + 'static, Error: Send + 'static>> Layer<S>
    for Aborts
{
    type Service = Aborting<S>;

    fn layer(&self, inner: S) -> Aborting<S> {
        Aborting(inner)
    }
}

struct Aborting<S>(S);

impl<S: Service<u64, Future: Send + 'static, Response: Send + 'static, Error: Send + 'static>> Service<u64>
    for Aborting<S>
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = futures_util::future::BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: u64) -> Self::Future {
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(deadline::carry(self.0.call(request)));
        Box::pin(async move { tasks.join_next().await.expect("one task").expect("no panic") })
    }
}

#[tokio::test(start_paused = true)]
async fn a_detached_call_goes_on_and_answers_in_its_own_time() {
    let mut rig = Rig::new();
    let task = tokio::spawn(rig.start(Answer::fail().after(10 * LIMIT)).await);
    tokio::time::timeout(LIMIT, task).await.expect_err("nobody waits any longer");
    assert_eq!(ends(&rig), [""; 0], "it runs");
    tokio::time::sleep(10 * LIMIT).await;
    assert_eq!(ends(&rig), ["failed"]);
}

#[tokio::test(start_paused = true)]
async fn without_tower_a_dropped_call_is_read_the_same_way() {
    let rig = Rig::new();
    let hangs = || rig.circuit.call(pending::<Result<(), Infallible>>());
    drop(hangs());
    assert_eq!(ends(&rig), [""; 0], "it had not even asked");
    tokio::time::timeout(LIMIT, hangs()).await.expect_err("cut");
    let mut call = Box::pin(hangs());
    assert!(call.as_mut().now_or_never().is_none());
    cause::during(Cause::Cut, || drop(call));
    let panics = rig.circuit.call(async { std::panic::resume_unwind(Box::new(PANIC)) });
    let caught: Result<Result<(), buttress::Lifted<()>>, _> = AssertUnwindSafe(panics).catch_unwind().await;
    assert!(is_ours(&*caught.expect_err("passed on")));
    assert_eq!(ends(&rig), ["cancelled", "timed_out", "panicked"]);
}

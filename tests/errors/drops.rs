//! What a call that ends without an answer is counted as: who dropped it, where, and whether the inside panicked.
//!
//! The first half is what the cause reaches; the second half what it does not reach, each case as it is.

use crate::gate::{Gate, GateLayer, Gated};
use buttress::{
    Deadline, Rejectable,
    cause::{self, Cause},
    clock,
    outcome::{Class, ErrorsFail, Outcome},
    rejected::{BoxError, Reason},
    timeout::TimeoutLayer,
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::{
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::Notify,
    task::{JoinHandle, JoinSet, yield_now},
};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

type Answer = Result<(), BoxError>;
type Inside = Gated<tower::util::BoxCloneSyncService<(), (), BoxError>, ErrorsFail>;

/// A gate over a service that never answers.
fn stuck() -> (Inside, Gate) {
    over(|()| pending::<Answer>())
}

fn over<F>(answer: impl Fn(()) -> F + Clone + Send + Sync + 'static) -> (Inside, Gate)
where
    F: Future<Output = Answer> + Send + 'static,
{
    let layer = GateLayer::new();
    let gate = layer.gate();
    (layer.layer(tower::util::BoxCloneSyncService::new(service_fn(answer))), gate)
}

/// Runs one call of `moved` under our timeout, and gives the reason by which it was cut.
async fn cut<F>(moved: impl Fn(()) -> F) -> Option<Reason>
where
    F: Future<Output = Answer>,
{
    let mut svc = ServiceBuilder::new().layer(TimeoutLayer::new(SECOND)).service(service_fn(moved));
    let error = svc.ready().await.expect("ready").call(()).await.expect_err("cut");
    // What was moved to another task gets its turn.
    for _ in 0..10 {
        yield_now().await;
    }
    error.as_rejected().map(|why| why.reason())
}

#[tokio::test(start_paused = true)]
async fn what_our_timeout_cuts_counts_and_the_third_opens() {
    let (inner, gate) = stuck();
    let mut svc = TimeoutLayer::new(SECOND).layer(inner);
    for calls in 1..=3 {
        assert!(!gate.is_open());
        assert!(svc.ready().await.expect("ready").call(()).await.is_err());
        assert_eq!(gate.classes().len(), calls);
    }
    assert_eq!(gate.classes(), [Class::TimedOut; 3]);
    let error = svc.call(()).await.expect_err("open");
    assert_eq!(error.as_rejected().map(|why| why.reason()), Some(Reason::Open));
}

#[tokio::test(start_paused = true)]
async fn an_open_gate_answers_ready_and_never_asks_inside() {
    let layer = GateLayer::new();
    let gate = layer.gate();
    let unready = tower::util::MapErr::new(NeverReady, |never: std::convert::Infallible| -> BoxError {
        match never {}
    });
    let mut svc = layer.layer(unready);
    assert!(svc.ready().now_or_never().is_none(), "closed: the inside is asked");
    for _ in 0..3 {
        cause::during(Cause::Cut, || drop(svc.call(())));
    }
    assert!(gate.is_open());
    let error =
        svc.ready().now_or_never().expect("at once").expect("ready").call(()).await.expect_err("open");
    assert_eq!(error.as_rejected().map(|why| why.reason()), Some(Reason::Open));
}

#[derive(Clone)]
struct NeverReady;

impl Service<()> for NeverReady {
    type Response = ();
    type Error = std::convert::Infallible;
    type Future = std::future::Pending<Result<(), std::convert::Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Pending
    }

    fn call(&mut self, (): ()) -> Self::Future {
        pending()
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_leaves_an_aborted_task_and_a_lost_race_are_nothing() {
    let (mut svc, gate) = stuck();
    drop(svc.call(()));
    let task = tokio::spawn(svc.call(()));
    yield_now().await;
    task.abort();
    assert!(task.await.is_err());
    let loser = svc.call(());
    cause::during(Cause::Lost, || drop(loser));
    assert_eq!(gate.classes(), [Class::Cancelled; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_cause_inside_a_cause_holds_for_the_inner_drop_only() {
    let (mut svc, gate) = stuck();
    let (loser, last) = (svc.call(()), svc.call(()));
    cause::during(Cause::Cut, || {
        cause::during(Cause::Lost, || drop(loser));
        drop(last);
    });
    assert_eq!(gate.classes(), [Class::Cancelled, Class::TimedOut]);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_timeout_is_a_caller_who_left_unless_it_says_why() {
    let (mut svc, gate) = stuck();
    assert!(tokio::time::timeout(SECOND, svc.call(())).await.is_err());
    assert_eq!(gate.classes(), [Class::Cancelled]);

    let mut call = Box::pin(svc.call(()));
    assert!(tokio::time::timeout(SECOND, &mut call).await.is_err());
    cause::during(Cause::Cut, || drop(call));
    assert_eq!(gate.classes(), [Class::Cancelled, Class::TimedOut]);

    let mut towers = tower::timeout::Timeout::new(svc, SECOND);
    assert!(towers.call(()).await.is_err());
    assert_eq!(gate.last().map(|last| last.class()), Some(Class::Cancelled), "tower's own is one too");
}

#[tokio::test(start_paused = true)]
async fn for_a_foreign_timeout_the_deadline_and_the_age_of_the_call_speak() {
    let (mut svc, gate) = stuck();
    let end = Deadline::after(clock::now(), SECOND);
    assert!(end.scope(tokio::time::timeout(2 * SECOND, svc.call(()))).await.is_err());
    let last = gate.last().expect("recorded");
    assert_eq!((last.class(), last.own_deadline()), (Class::TimedOut, true));

    let layer = GateLayer::new().abandoned_after(SECOND);
    let gate = layer.gate();
    let mut svc = layer.layer(service_fn(|()| pending::<Answer>()));
    assert!(tokio::time::timeout(SECOND, svc.call(())).await.is_err());
    assert!(tokio::time::timeout(2 * SECOND, svc.call(())).await.is_err());
    assert_eq!(gate.classes(), [Class::Cancelled, Class::Failed], "strictly older");
}

#[tokio::test(start_paused = true)]
async fn a_cut_at_the_callers_own_deadline_is_told_from_one_at_the_layers_limit() {
    let (inner, gate) = stuck();
    let mut svc = TimeoutLayer::new(2 * SECOND).layer(inner);
    assert!(svc.call(()).await.is_err());
    let end = Deadline::after(clock::now(), SECOND);
    assert!(end.scope(async { svc.call(()).await }).await.is_err());
    assert_eq!(gate.classes(), [Class::TimedOut; 2]);
    assert_eq!(gate.outcomes().iter().map(Outcome::own_deadline).collect::<Vec<_>>(), [false, true]);
}

// What the cause reaches: everything that is dropped in the task that cuts.

#[tokio::test(start_paused = true)]
async fn it_reaches_through_a_buffer_whose_worker_sends_the_response_future_back() {
    let (inner, gate) = stuck();
    let svc = ServiceBuilder::new().layer(TimeoutLayer::new(SECOND)).buffer(4).service(inner);
    assert!(svc.oneshot(()).await.is_err());
    assert_eq!(gate.classes(), [Class::TimedOut]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_still_waits_in_a_buffer_was_never_admitted() {
    let layer = GateLayer::new();
    let gate = layer.gate();
    let unready = tower::util::MapErr::new(NeverReady, |never: std::convert::Infallible| -> BoxError {
        match never {}
    });
    let svc = ServiceBuilder::new().layer(TimeoutLayer::new(SECOND)).buffer(4).layer(layer).service(unready);
    assert!(svc.oneshot(()).await.is_err());
    assert_eq!(gate.classes(), []);
}

#[tokio::test(start_paused = true)]
async fn it_reaches_through_unordered_futures_select_and_join() {
    let (inner, gate) = stuck();
    let unordered = inner.clone();
    let moved = move |()| {
        let mut svc = unordered.clone();
        async move {
            let mut calls = FuturesUnordered::from_iter([svc.call(())]);
            calls.next().await.expect("one call")
        }
    };
    assert_eq!(cut(moved).await, Some(Reason::TimedOut));
    let selected = inner.clone();
    let moved = move |()| {
        let mut svc = selected.clone();
        async move {
            tokio::select! { answer = svc.call(()) => answer, () = pending() => Ok(()) }
        }
    };
    assert_eq!(cut(moved).await, Some(Reason::TimedOut));
    let moved = move |()| {
        let mut svc = inner.clone();
        async move { futures_util::join!(svc.call(()), yield_now()).0 }
    };
    assert_eq!(cut(moved).await, Some(Reason::TimedOut));
    assert_eq!(gate.classes(), [Class::TimedOut; 3]);
}

/// The price of a thread-local: also what was begun a moment ago, and has nothing to do with being late.
#[tokio::test(start_paused = true)]
async fn it_reaches_everything_that_is_dropped_under_it_also_an_attempt_that_is_quite_new() {
    let (inner, gate) = stuck();
    let moved = move |()| {
        let mut svc = inner.clone();
        async move {
            let first = svc.call(());
            let hedge = async {
                tokio::time::sleep(SECOND - Duration::from_millis(1)).await;
                svc.call(()).await
            };
            futures_util::future::select(Box::pin(first), Box::pin(hedge)).await.factor_first().0
        }
    };
    assert_eq!(cut(moved).await, Some(Reason::TimedOut));
    assert_eq!(gate.classes(), [Class::TimedOut; 2]);
}

// What it does not reach: work in another task.

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn it_does_not_reach_a_task_that_is_aborted_from_here_nor_a_join_set() {
    let (inner, gate) = stuck();
    let spawned = inner.clone();
    let moved = move |()| {
        let mut task = AbortOnDrop(tokio::spawn(spawned.clone().call(())));
        async move { (&mut task.0).await? }
    };
    assert_eq!(cut(moved).await, Some(Reason::TimedOut));
    assert_eq!(gate.classes(), [Class::Cancelled], "dropped later, by the runtime");
    let moved = move |()| {
        let mut set = JoinSet::new();
        set.spawn(inner.clone().call(()));
        async move { set.join_next().await.expect("one task")? }
    };
    assert_eq!(cut(moved).await, Some(Reason::TimedOut));
    assert_eq!(gate.classes(), [Class::Cancelled; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_detached_task_goes_on_holds_its_permit_and_records_when_it_ends() {
    let end = Arc::new(Notify::new());
    let (inner, gate) = {
        let end = Arc::clone(&end);
        over(move |()| {
            let end = Arc::clone(&end);
            async move {
                end.notified().await;
                Ok(())
            }
        })
    };
    let moved = move |()| {
        let task = tokio::spawn(inner.clone().call(()));
        async move { task.await? }
    };
    assert_eq!(cut(moved).await, Some(Reason::TimedOut));
    assert_eq!(gate.classes(), [], "still running");
    end.notify_one();
    assert_eq!(gate.ended(1).await, [Class::Ok]);
}

/// There the age of the call speaks.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_aborted_in_another_task_after_it_grew_old_is_a_failure() {
    let layer = GateLayer::new().abandoned_after(SECOND / 2);
    let gate = layer.gate();
    let inner = layer.layer(service_fn(|()| pending::<Answer>()));
    let moved = move |()| {
        let mut set = JoinSet::new();
        set.spawn(inner.clone().call(()));
        async move { set.join_next().await.expect("one task")? }
    };
    assert_eq!(cut(moved).await, Some(Reason::TimedOut));
    assert_eq!(gate.classes(), [Class::Failed]);
}

// Panics.

fn boom() -> BoxFuture<'static, Answer> {
    async { panic!("boom") }.boxed()
}

#[tokio::test]
async fn a_panic_inside_counts_also_when_it_was_caught_and_the_call_is_dropped_later() {
    let (mut svc, gate) = over(|()| boom());
    let mut call = Box::pin(svc.call(()));
    assert!(catch_unwind(AssertUnwindSafe(|| call.as_mut().now_or_never())).is_err());
    assert!(!std::thread::panicking());
    assert_eq!(gate.classes(), []);
    // Not even a cause of ours makes a timeout of it.
    cause::during(Cause::Cut, || drop(call));
    assert_eq!(gate.classes(), [Class::Panicked]);

    assert!(tokio::spawn(svc.call(())).await.expect_err("panicked").is_panic());
    assert_eq!(gate.classes(), [Class::Panicked; 2]);
}

#[tokio::test]
async fn a_panic_in_the_call_itself_counts() {
    let layer = GateLayer::new();
    let gate = layer.gate();
    let mut svc = layer.layer(service_fn(|()| -> BoxFuture<'static, Answer> { panic!("in call") }));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(svc.call(())))).is_err());
    assert_eq!(gate.classes(), [Class::Panicked]);
}

#[tokio::test]
async fn the_panic_of_a_sibling_is_not_ours() {
    let (mut svc, gate) = stuck();
    let call = svc.call(());
    let both = async move {
        futures_util::join!(call, async {
            yield_now().await;
            panic!("the sibling")
        })
    };
    assert!(AssertUnwindSafe(both).catch_unwind().await.is_err());
    assert_eq!(gate.classes(), [Class::Cancelled]);
}

#[tokio::test]
async fn three_panics_trip_the_gate() {
    let (mut svc, gate) = over(|()| boom());
    for _ in 0..3 {
        assert!(AssertUnwindSafe(svc.call(())).catch_unwind().await.is_err());
    }
    assert_eq!(gate.classes(), [Class::Panicked; 3]);
    let error = svc.call(()).await.expect_err("open");
    assert_eq!(error.as_rejected().map(|why| why.reason()), Some(Reason::Open));
}

// Nesting.

#[tokio::test(start_paused = true)]
async fn three_gates_over_any_service_keep_its_response_and_are_send_clone_and_static() {
    fn fits<T: Clone + Send + Sync + 'static>(svc: T) -> T {
        svc
    }
    let layers = [(); 3].map(|()| GateLayer::new());
    let gates = layers.clone().map(|layer| layer.gate());
    let [first, second, third] = layers;
    let named = service_fn(async |()| Ok::<&str, BoxError>("as it was"));
    let mut svc = fits(ServiceBuilder::new().layer(first).layer(second).layer(third).service(named));
    let call = svc.call(());
    fn sends<F: Future + Send + 'static>(call: F) -> F {
        call
    }
    let answer: Result<&str, BoxError> = sends(call).await;
    assert_eq!(answer.expect("an answer"), "as it was");
    for gate in gates {
        assert_eq!(gate.classes(), [Class::Ok]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_inner_open_gate_is_ignored_by_the_outer_ones() {
    let layers = [(); 2].map(|()| GateLayer::new());
    let [outer, inner] = layers.clone().map(|layer| layer.gate());
    let [around, within] = layers;
    let failing = service_fn(async |()| Answer::Err("no".into()));
    let mut within = within.layer(failing);
    for _ in 0..3 {
        assert!(within.call(()).await.is_err());
    }
    assert!(inner.is_open());
    let mut svc = around.layer(within);
    for _ in 0..5 {
        assert!(svc.ready().await.expect("ready").call(()).await.is_err());
    }
    assert_eq!((outer.classes(), outer.is_open()), (vec![Class::Rejected; 5], false));
}

//! The limit on the whole call: known inside, and kept whatever the inside does.

use crate::{DAY, MS, Never, Untouched, hangs, takes};
use buttress::{
    Deadline, Lifted,
    cause::{self, Cause},
    clock, over,
    rejected::Reason,
    telemetry::Event,
    timeout::{TimeoutLayer, TotalLayer},
};
use futures_util::{FutureExt, StreamExt, future::Either, poll, stream::FuturesUnordered};
use proptest::prelude::*;
use std::{
    convert::Infallible,
    future::pending,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, advance, sleep};
use tower::{Service, ServiceExt, service_fn};

fn rejected(answer: Never) -> (Reason, bool, String) {
    match answer {
        Err(Lifted::Rejected(why)) => (why.reason(), why.reached(), why.name().to_owned()),
        other => panic!("not rejected: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_kept_where_the_inside_has_no_timer_of_its_own() {
    let start = Instant::now();
    let answer = over(TotalLayer::new(200 * MS), hangs()).oneshot(()).await;
    assert_eq!(rejected(answer), (Reason::DeadlinePassed, true, "total".into()));
    assert_eq!(start.elapsed(), 200 * MS);
}

#[tokio::test(start_paused = true)]
async fn whoever_cuts_the_reason_and_the_time_are_the_same() {
    for (attempt, reason, by, at) in [
        (100 * MS, Reason::TimedOut, "timeout", 100 * MS),
        (200 * MS, Reason::TimedOut, "timeout", 200 * MS),
        (300 * MS, Reason::DeadlinePassed, "timeout", 200 * MS),
        (Duration::MAX, Reason::DeadlinePassed, "timeout", 200 * MS),
    ] {
        let start = Instant::now();
        let stack = (TotalLayer::new(200 * MS), TimeoutLayer::new(attempt));
        let answer = over(stack, hangs()).oneshot(()).await;
        assert_eq!(rejected(answer), (reason, true, by.into()), "{attempt:?}");
        assert_eq!(start.elapsed(), at);
    }
}

#[tokio::test(start_paused = true)]
async fn those_inside_know_it_for_the_call_its_polls_and_its_drop() {
    struct Guard(Arc<Mutex<Vec<Option<Deadline>>>>);
    impl Guard {
        fn note(&self) {
            self.0.lock().expect("not poisoned").push(Deadline::current());
        }
    }
    impl Drop for Guard {
        fn drop(&mut self) {
            self.note();
        }
    }
    let seen: Arc<Mutex<Vec<_>>> = Arc::default();
    let noted = Arc::clone(&seen);
    let inside = service_fn(move |()| {
        let guard = Guard(Arc::clone(&noted));
        guard.note();
        async move {
            guard.note();
            pending::<Result<(), Infallible>>().await
        }
    });
    let end = Some(Deadline::after(Instant::now(), 200 * MS));
    let mut svc = over(TotalLayer::new(200 * MS), inside);
    assert_eq!(rejected(svc.call(()).await).0, Reason::DeadlinePassed);
    assert_eq!(*seen.lock().expect("not poisoned"), [end; 3], "cut");
    let end = Some(Deadline::after(Instant::now(), 200 * MS));
    let mut call = Box::pin(svc.call(()));
    assert!(poll!(call.as_mut()).is_pending());
    drop(call);
    assert_eq!(seen.lock().expect("not poisoned")[3..], [end; 3], "dropped");
    assert_eq!(Deadline::current(), None);
}

#[tokio::test(start_paused = true)]
async fn it_only_ever_shortens() {
    for (limit, left, at) in
        [(300 * MS, 200 * MS, 200), (100 * MS, 200 * MS, 100), (Duration::MAX, 50 * MS, 50)]
    {
        let start = Instant::now();
        let call = over(TotalLayer::new(limit), hangs()).oneshot(());
        let answer = Deadline::after(start, left).scope(call).await;
        assert_eq!(rejected(answer).0, Reason::DeadlinePassed);
        assert_eq!(start.elapsed(), MS * at);
    }
}

#[tokio::test(start_paused = true)]
async fn it_runs_from_the_call() {
    let mut svc = over(TotalLayer::new(250 * MS), hangs());
    let call = svc.ready().await.expect("ready").call(());
    advance(100 * MS).await;
    let start = Instant::now();
    assert_eq!(rejected(call.await).0, Reason::DeadlinePassed);
    assert_eq!(start.elapsed(), 150 * MS);
}

#[tokio::test(start_paused = true)]
async fn an_answer_at_the_very_instant_is_an_answer() {
    assert_eq!(over(TotalLayer::new(250 * MS), takes(250 * MS)).oneshot(()).await, Ok(()));
    let attempt = (TotalLayer::new(250 * MS), TimeoutLayer::new(DAY));
    assert_eq!(over(attempt, takes(250 * MS)).oneshot(()).await, Ok(()));
    assert!(over(TotalLayer::new(250 * MS), takes(251 * MS)).oneshot(()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn no_limit_can_be_wrong() {
    let start = Instant::now();
    let yields = service_fn(|()| tokio::task::yield_now().map(Ok::<_, Infallible>));
    assert_eq!(over(TotalLayer::new(Duration::ZERO), yields).oneshot(()).await, Ok(()));
    assert!(over(TotalLayer::new(Duration::ZERO), hangs()).oneshot(()).await.is_err());
    assert_eq!(start.elapsed(), MS);
    assert_eq!(over(TotalLayer::new(Duration::MAX), takes(DAY * 365)).oneshot(()).await, Ok(()));
}

#[test]
fn without_a_limit_or_a_deadline_it_needs_no_runtime() {
    assert_eq!(over(TotalLayer::new(Duration::MAX), hangs()).call(()).now_or_never(), None);
    let ready = service_fn(|()| std::future::ready(Ok::<_, Infallible>(())));
    assert_eq!(over(TotalLayer::new(MS), ready).call(()).now_or_never(), Some(Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_deadline_has_passed_is_refused_and_inside_is_not_even_asked() {
    let now = Deadline::at(Instant::now());
    for limit in [DAY, Duration::MAX] {
        let answer = now.scope(over(TotalLayer::new(limit).name("pay"), Untouched).oneshot(())).await;
        assert_eq!(rejected(answer), (Reason::DeadlinePassed, false, "pay".into()));
        // Between ready and call.
        let mut svc = over(TotalLayer::new(limit), Untouched);
        let answer = now.scope(async { svc.call(()).await }).await;
        assert_eq!(rejected(answer), (Reason::DeadlinePassed, false, "total".into()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_inside_is_told_that_it_was_cut() {
    struct Witness(Arc<Mutex<Vec<Cause>>>);
    impl Drop for Witness {
        fn drop(&mut self) {
            self.0.lock().expect("not poisoned").push(cause::current());
        }
    }
    let seen: Arc<Mutex<Vec<Cause>>> = Arc::default();
    let held = Arc::clone(&seen);
    let svc = service_fn(move |()| {
        let witness = Witness(Arc::clone(&held));
        async move {
            let _witness = witness;
            pending::<Result<(), Infallible>>().await
        }
    });
    let mut svc = over(TotalLayer::new(MS), svc);
    assert!(svc.call(()).await.is_err());
    drop(svc.call(()));
    assert_eq!(*seen.lock().expect("not poisoned"), [Cause::Cut, Cause::Gone]);
}

#[tokio::test(start_paused = true)]
async fn each_decision_is_told_once_by_whoever_made_it() {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let ears = Arc::clone(&heard);
    let layer = TotalLayer::new(100 * MS).observe(move |event: &Event<'_>| {
        ears.lock().expect("not poisoned").push(format!("{event:?}"));
    });
    over(layer.clone(), hangs()).oneshot(()).await.expect_err("cut");
    over((layer.clone(), TimeoutLayer::new(DAY)), hangs()).oneshot(()).await.expect_err("cut inside");
    over(layer.clone(), takes(MS)).oneshot(()).await.expect("in time");
    let now = Deadline::at(clock::now());
    now.scope(over(layer, hangs()).oneshot(())).await.expect_err("refused");
    assert_eq!(
        *heard.lock().expect("not poisoned"),
        [
            r#"TimedOut { name: "total", limit: Deadline }"#,
            r#"Rejected { name: "total", reason: DeadlinePassed }"#
        ]
    );
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
    let mut call = pin!(over(TotalLayer::new(MS), greedy).oneshot(()));
    assert!(poll!(call.as_mut()).is_pending());
    advance(2 * MS).await;
    assert_eq!(rejected(call.await).0, Reason::DeadlinePassed);
}

/// What an inside may do with its time, with and without timers of ours.
#[derive(Clone, Debug)]
enum Step {
    /// Through a timeout of ours: limit, and what it takes.
    Guarded(u64, u64),
    Bare(u64),
    /// One of ours is begun, and dropped in the same poll or in a later one.
    Begun {
        limit: u64,
        then: u64,
        later: bool,
    },
    /// Several at once, each through a timeout of ours, polled only when woken.
    Crowd(Vec<(u64, u64)>),
    /// The first of two counts, and the other is dropped.
    Race((u64, u64), u64),
    /// With a total of its own.
    Nested(u64, Box<Step>),
    Yields,
}

fn guarded((limit, time): (u64, u64)) -> impl Future<Output = Never> + Send {
    over(TimeoutLayer::new(MS * limit as u32), takes(MS * time as u32)).oneshot(())
}

impl Step {
    fn run(self) -> futures_util::future::BoxFuture<'static, ()> {
        Box::pin(async move {
            match self {
                Self::Guarded(limit, time) => drop(guarded((limit, time)).await),
                Self::Bare(time) => sleep(MS * time as u32).await,
                Self::Begun { limit, then, later } => {
                    let mut begun = Box::pin(guarded((limit, 1_000_000)));
                    // Begun in the very instant of the deadline, it is refused and waits for nothing.
                    let over = Deadline::current().is_some_and(|deadline| deadline.passed(clock::now()));
                    assert_eq!(poll!(begun.as_mut()).is_ready(), over);
                    if later {
                        tokio::task::yield_now().await;
                    }
                    drop(begun);
                    sleep(MS * then as u32).await;
                }
                Self::Crowd(calls) => {
                    let mut all: FuturesUnordered<_> = calls.into_iter().map(guarded).collect();
                    while all.next().await.is_some() {}
                }
                Self::Race(call, time) => {
                    let one = pin!(guarded(call));
                    let other = pin!(sleep(MS * time as u32));
                    match futures_util::future::select(one, other).await {
                        Either::Left(_) | Either::Right(_) => {}
                    }
                }
                Self::Nested(limit, step) => {
                    let svc = service_fn(move |()| step.clone().run().map(Ok::<_, Infallible>));
                    drop(over(TotalLayer::new(MS * limit as u32), svc).oneshot(()).await);
                }
                Self::Yields => tokio::task::yield_now().await,
            }
        })
    }

    /// How long it takes by itself.
    fn takes(&self) -> u64 {
        let least = |(limit, time): &(u64, u64)| (*limit).max(1).min(*time);
        match self {
            Self::Guarded(limit, time) => least(&(*limit, *time)),
            Self::Bare(time) | Self::Begun { then: time, .. } => *time,
            Self::Crowd(calls) => calls.iter().map(least).max().unwrap_or(0),
            Self::Race(call, time) => least(call).min(*time),
            Self::Nested(limit, step) => (*limit).max(1).min(step.takes()),
            Self::Yields => 0,
        }
    }

    /// Whether it may wait without time going on: in the instant of the limit, that is one poll too many.
    fn lingers(&self) -> bool {
        match self {
            Self::Yields | Self::Begun { later: true, .. } => true,
            Self::Nested(_, step) => step.lingers(),
            _ => false,
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let time = || 0..60_u64;
    let plain = prop_oneof![
        (time(), time()).prop_map(|(limit, time)| Step::Guarded(limit, time)),
        time().prop_map(Step::Bare),
        (time(), time(), any::<bool>()).prop_map(|(limit, then, later)| Step::Begun { limit, then, later }),
        prop::collection::vec((time(), time()), 0..4).prop_map(Step::Crowd),
        ((time(), time()), time()).prop_map(|(call, time)| Step::Race(call, time)),
        Just(Step::Yields),
    ];
    plain.prop_recursive(2, 4, 1, move |inner| {
        (0..60_u64, inner).prop_map(|(limit, step)| Step::Nested(limit, Box::new(step)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the inside does, with timers of ours or without, dropped or forgotten: the call ends at its limit or when it
    /// is done, to the millisecond.
    #[test]
    fn the_limit_is_kept_whatever_timers_the_inside_has_had(
        limit in 1..200_u64,
        steps in prop::collection::vec(step(), 1..6),
    ) {
        let takes: u64 = steps.iter().map(Step::takes).sum();
        let may_be_cut = takes > limit || (takes == limit && steps.iter().any(Step::lingers));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let (elapsed, answered) = runtime.expect("a runtime").block_on(async {
            let svc = service_fn(move |()| {
                let steps = steps.clone();
                async move {
                    for step in steps {
                        step.run().await;
                    }
                    Ok::<_, Infallible>(())
                }
            });
            let start = Instant::now();
            // Should it hang, it hangs for a day and not for ever.
            let answer = tokio::time::timeout(DAY, over(TotalLayer::new(MS * limit as u32), svc).oneshot(())).await;
            (start.elapsed(), answer.map(|answer| answer.is_ok()))
        });
        prop_assert_eq!(elapsed, MS * takes.min(limit) as u32);
        // An inside whose attempt was cut at the very end may still answer in that instant.
        prop_assert!(answered == Ok(true) || (may_be_cut && answered == Ok(false)));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_begun_in_the_instant_of_the_deadline_is_refused_and_the_call_answers_still() {
    let late = service_fn(|()| async {
        sleep(10 * MS).await;
        Ok::<_, Infallible>(rejected(guarded((5, 5)).await))
    });
    let (reason, reached, name) = over(TotalLayer::new(10 * MS), late).oneshot(()).await.expect("in time");
    assert_eq!((reason, reached, &*name), (Reason::DeadlinePassed, false, "timeout"));
}

#[tokio::test(start_paused = true)]
async fn what_was_looked_up_for_a_call_holds_for_no_other_and_not_for_its_polls() {
    let late = service_fn(|()| async {
        sleep(10 * MS).await;
        // Begun in a poll of the call, after its time: refused, though the call was not.
        let refused = over(
            TimeoutLayer::new(DAY),
            service_fn(|()| async { panic!("called") as Result<(), Infallible> }),
        );
        let again = Deadline::current().expect("known").scope(async {
            advance(10 * MS).await;
            refused.oneshot(()).await
        });
        assert_eq!(rejected(again.await), (Reason::DeadlinePassed, false, "timeout".into()));
        Ok::<_, Infallible>(())
    });
    assert_eq!(over(TotalLayer::new(20 * MS), late).oneshot(()).await, Ok(()));
    // A deadline set further in is looked at for itself.
    let inside = service_fn(|()| {
        let refused = over(
            TimeoutLayer::new(DAY),
            service_fn(|()| async { panic!("called") as Result<(), Infallible> }),
        );
        let mut refused = refused;
        Deadline::at(Instant::now()).sync_scope(|| refused.call(())).map(|answer| {
            drop(rejected(answer));
            Ok::<_, Infallible>(())
        })
    });
    assert_eq!(over(TotalLayer::new(DAY), inside).oneshot(()).await, Ok(()));
}
